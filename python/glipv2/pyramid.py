"""The feature pyramid as the fused part of the network holds it: every level in one tensor.

Legend: B pictures, N positions of all levels, C channels, H W the sides of one level.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

#: Height and width of each level, finest first.
Sizes = tuple[tuple[int, int], ...]


class Pyramid(NamedTuple):
    """Levels one after the other, each row by row: fusion and scores read it as it is, without a copy."""

    features_BNC: Tensor

    sizes: Sizes

    @staticmethod
    def of(maps_BCHW: Sequence[Tensor]) -> Pyramid:
        """From feature maps, finest first."""
        sizes = tuple((one.shape[2], one.shape[3]) for one in maps_BCHW)
        return Pyramid(torch.cat([one.flatten(2).transpose(1, 2) for one in maps_BCHW], dim=1), sizes)

    def maps(self) -> list[Tensor]:
        """Each level as [B, C, H, W], channels last in memory; a view."""
        batch, _, channels = self.features_BNC.shape
        levels = self.features_BNC.split(lengths(self.sizes), dim=1)
        return [
            level.view(batch, height, width, channels).permute(0, 3, 1, 2)
            for level, (height, width) in zip(levels, self.sizes, strict=True)
        ]

    def replaced(self, features_BNC: Tensor) -> Pyramid:
        return Pyramid(features_BNC, self.sizes)


def lengths(sizes: Sizes) -> list[int]:
    """Positions of each level."""
    return [height * width for height, width in sizes]
