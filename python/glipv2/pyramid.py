"""The feature pyramid as the fused part of the network holds it: every level in one tensor.

Legend: B pictures, N positions of all levels, C channels, H W the sides of one level, D channels of detail.
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

    detail_BDHW: Tensor | None = None
    """What the backbone's first stage says, for a model that finds masks."""

    @staticmethod
    def of(maps_BCHW: Sequence[Tensor], detail_BDHW: Tensor | None = None) -> Pyramid:
        """From feature maps, finest first."""
        sizes = tuple((one.shape[2], one.shape[3]) for one in maps_BCHW)
        features_BNC = torch.cat([one.flatten(2).transpose(1, 2) for one in maps_BCHW], dim=1)
        return Pyramid(features_BNC, sizes, detail_BDHW)

    @staticmethod
    def cat(pyramids: Sequence[Pyramid]) -> Pyramid:
        """Of the pictures of all, whose levels have the same sizes; at least one."""
        first = pyramids[0]
        if len(pyramids) == 1:
            return first
        details = [one.detail_BDHW for one in pyramids if one.detail_BDHW is not None]
        features_BNC = torch.cat([one.features_BNC for one in pyramids])
        return Pyramid(features_BNC, first.sizes, torch.cat(details) if details else None)

    @property
    def nbytes(self) -> int:
        return self.features_BNC.nbytes + (0 if self.detail_BDHW is None else self.detail_BDHW.nbytes)

    def maps(self) -> list[Tensor]:
        """Each level as [B, C, H, W], channels last in memory; a view."""
        batch, _, channels = self.features_BNC.shape
        levels = self.features_BNC.split(lengths(self.sizes), dim=1)
        return [
            level.view(batch, height, width, channels).permute(0, 3, 1, 2)
            for level, (height, width) in zip(levels, self.sizes, strict=True)
        ]

    def replaced(self, features_BNC: Tensor) -> Pyramid:
        """With these features, of as many pictures, or of one picture's several texts."""
        return self._replace(features_BNC=features_BNC)

    def rows(self, rows: list[int]) -> Pyramid:
        """Of these pictures, in their order."""
        detail_BDHW = self.detail_BDHW
        if detail_BDHW is not None and len(detail_BDHW) > 1:
            detail_BDHW = detail_BDHW[rows]
        return Pyramid(self.features_BNC[rows], self.sizes, detail_BDHW)


def lengths(sizes: Sizes) -> list[int]:
    """Positions of each level."""
    return [height * width for height, width in sizes]
