"""The square from which the box of each region starts (ATSS, Zhang et al., 2020: one for each).

Legend: N regions (positions of all levels), H W the sides of one level. A box is `[x1, y1, x2, y2]` in pixels of what
the network sees; its last column and row of pixels are at x2 and y2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from glipv2.model import STRIDES
from glipv2.pyramid import Sizes

#: Sides of an anchor, in strides of its level: 64 pixels at the finest.
SIDE = 8


def anchors(sizes: Sizes, strides: Sequence[int] = STRIDES, device: torch.device | str = "cpu") -> Tensor:
    """anchors_N4, float32: the regions' order, each around the centre of its region's first stride x stride pixels.

    They reach over the picture's edges. ValueError: not a stride for each level.
    """
    levels = [_level(size, stride, device) for size, stride in zip(sizes, strides, strict=True)]
    return torch.cat(levels)


def _level(size: tuple[int, int], stride: int, device: torch.device | str) -> Tensor:
    height, width = size
    first, half = (stride - 1) / 2, (SIDE * stride - 1) / 2
    y_H = torch.arange(height, dtype=torch.float32, device=device) * stride + first
    x_W = torch.arange(width, dtype=torch.float32, device=device) * stride + first
    y_HW, x_HW = torch.meshgrid(y_H, x_W, indexing="ij")
    return torch.stack([x_HW - half, y_HW - half, x_HW + half, y_HW + half], dim=-1).view(-1, 4)
