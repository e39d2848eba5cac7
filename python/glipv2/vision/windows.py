"""How a feature map is cut into windows, and which places of a shifted window may see each other.

Shape suffixes: B pictures, H W rows and columns, C channels, K windows of a picture, M = B x K, N places of a window.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

#: Added to a score that is not to count.
SEPARATED = -100.0


@dataclass(frozen=True)
class Grid:
    """A map's windows: it is padded by zeros to whole windows, then shifted up and to the left around the edges."""

    height: int
    width: int
    window: int
    """Side of a window."""
    shift: int
    """By how many places; 0 for none."""

    @property
    def rows(self) -> int:
        """Windows from top to bottom."""
        return -(-self.height // self.window)

    @property
    def columns(self) -> int:
        """Windows from left to right."""
        return -(-self.width // self.window)

    @property
    def windows(self) -> int:
        return self.rows * self.columns

    def mask_KNN(self, device: torch.device, dtype: torch.dtype) -> Tensor:
        """0 where two places of a window were neighbours before the shift, `SEPARATED` where the shift joined them."""
        return _mask_KNN(self, device, dtype)


def partition(x_BHWC: Tensor, grid: Grid) -> Tensor:
    """-> (M, N, C), windows row by row."""
    batch, height, width, channels = x_BHWC.shape
    missing = (0, 0, 0, -width % grid.window, 0, -height % grid.window)
    if any(missing):
        x_BHWC = F.pad(x_BHWC, missing)
    if grid.shift:
        x_BHWC = x_BHWC.roll((-grid.shift, -grid.shift), (1, 2))
    tiles = x_BHWC.view(batch, grid.rows, grid.window, grid.columns, grid.window, channels)
    return tiles.transpose(2, 3).reshape(-1, grid.window**2, channels)


def reverse(windows_MNC: Tensor, grid: Grid) -> Tensor:
    """What `partition` cut, put together again: (B, H, W, C)."""
    channels = windows_MNC.shape[2]
    tiles = windows_MNC.view(-1, grid.rows, grid.columns, grid.window, grid.window, channels).transpose(2, 3)
    x_BHWC = tiles.reshape(-1, grid.rows * grid.window, grid.columns * grid.window, channels)
    if grid.shift:
        x_BHWC = x_BHWC.roll((grid.shift, grid.shift), (1, 2))
    return x_BHWC[:, : grid.height, : grid.width]


def offsets_into_table(window: int) -> Tensor:
    """(N, N): for each pair of places of a window, the row of their offset in a table of (2 window - 1)^2 offsets."""
    side = torch.arange(window)
    rows_N, columns_N = side.repeat_interleave(window), side.repeat(window)
    down_NN = rows_N[:, None] - rows_N[None, :] + window - 1
    right_NN = columns_N[:, None] - columns_N[None, :] + window - 1
    return down_NN * (2 * window - 1) + right_NN


# A model meets few sizes at a time: one for each stage. The masks of a large picture are megabytes.
@lru_cache(maxsize=16)
def _mask_KNN(grid: Grid, device: torch.device, dtype: torch.dtype) -> Tensor:
    regions = 3 * _regions(grid.rows, grid)[:, None] + _regions(grid.columns, grid)[None, :]
    tiles = regions.view(grid.rows, grid.window, grid.columns, grid.window).transpose(1, 2)
    regions_KN = tiles.reshape(-1, grid.window**2)
    apart_KNN = regions_KN[:, None, :] != regions_KN[:, :, None]
    return torch.zeros(apart_KNN.shape, dtype=dtype).masked_fill_(apart_KNN, SEPARATED).to(device)


def _regions(windows: int, grid: Grid) -> Tensor:
    """Along one side of the shifted map: 0, then 1 for the last window's own part, 2 for what came around the edge."""
    place = torch.arange(windows * grid.window)
    return (place >= len(place) - grid.window).long() + (place >= len(place) - grid.shift).long()
