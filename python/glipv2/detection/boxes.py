"""Boxes as the network says them: as differences from anchors.

Legend: N boxes. A box is `[x1, y1, x2, y2]` in pixels of what the network sees; it is x2 - x1 + 1 wide, as x2 is its
last column of pixels. Deltas are (x, y, width, height): how far the centre lies from the anchor's, in sides of the
anchor, and the logarithm of the sides' ratio, each times its weight.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

WEIGHTS = (10.0, 10.0, 5.0, 5.0)

#: No side of a box exceeds its anchor's by more than this factor.
LARGEST = 1000 / 16


def encode(boxes_N4: Tensor, anchors_N4: Tensor) -> Tensor:
    """deltas_N4 that lead from the anchors to the boxes. Any dimensions before the last."""
    sides, anchor_sides = _sides(boxes_N4), _sides(anchors_N4)
    way = (_centres(boxes_N4) - _centres(anchors_N4)) / anchor_sides
    return torch.cat([way, torch.log(sides / anchor_sides)], dim=-1) * boxes_N4.new_tensor(WEIGHTS)


def decode(deltas_N4: Tensor, anchors_N4: Tensor) -> Tensor:
    """The inverse. Any dimensions before the last; boxes may reach over the picture's edges."""
    anchors_N4 = anchors_N4.to(deltas_N4.dtype)
    deltas_N4 = deltas_N4 / deltas_N4.new_tensor(WEIGHTS)
    anchor_sides = _sides(anchors_N4)
    centres = deltas_N4[..., :2] * anchor_sides + _centres(anchors_N4)
    sides = deltas_N4[..., 2:].clamp(max=math.log(LARGEST)).exp() * anchor_sides
    half = 0.5 * (sides - 1)
    return torch.cat([centres - half, centres + half], dim=-1)


def clip(boxes_N4: Tensor, height: int, width: int) -> Tensor:
    """Boxes within a picture of that size."""
    limits = boxes_N4.new_tensor([width - 1, height - 1, width - 1, height - 1])
    return boxes_N4.clamp(min=0).minimum(limits)


def _sides(boxes_N4: Tensor) -> Tensor:
    return boxes_N4[..., 2:] - boxes_N4[..., :2] + 1


def _centres(boxes_N4: Tensor) -> Tensor:
    return (boxes_N4[..., 2:] + boxes_N4[..., :2]) / 2
