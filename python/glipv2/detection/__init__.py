"""From what the network says of regions to objects: anchors, boxes, scores, selection."""
