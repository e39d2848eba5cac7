"""The detection head: tower of fused layers, scores, boxes."""
