"""How a feature map is cut into windows, and which places of a shifted window may see each other.

Shape suffixes: B pictures, H W rows and columns, C channels, K windows of a picture, M = B x K, N places of a window.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

#: Added to a score that is not to count.
SEPARATED = -100.0

_PADDING = -1


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
    if not torch.is_grad_enabled():
        return _cut(x_BHWC, grid)
    windows_MNC: Tensor = _Partition.apply(x_BHWC, grid)
    return windows_MNC


def reverse(windows_MNC: Tensor, grid: Grid) -> Tensor:
    """What `partition` cut, put together again: (B, H, W, C)."""
    if not torch.is_grad_enabled():
        return _joined(windows_MNC, grid)
    x_BHWC: Tensor = _Reverse.apply(windows_MNC, grid)
    return x_BHWC


def _cut(x_BHWC: Tensor, grid: Grid) -> Tensor:
    places = _places(grid, x_BHWC.device)
    channels = x_BHWC.shape[-1]
    gathered = x_BHWC.reshape(-1, grid.height * grid.width, channels).index_select(1, places.of_windows)
    if len(places.padding):
        gathered.index_fill_(1, places.padding, 0)
    return gathered.view(-1, grid.window**2, channels)


def _joined(windows_MNC: Tensor, grid: Grid) -> Tensor:
    channels = windows_MNC.shape[-1]
    places_BPC = windows_MNC.reshape(-1, grid.windows * grid.window**2, channels)
    gathered = places_BPC.index_select(1, _places(grid, windows_MNC.device).of_map)
    return gathered.view(-1, grid.height, grid.width, channels)


# Padding, shift and cut are one gathering of places, and so is the way back. Each is the other's derivative: it is
# written out, because autograd's own would add up what never meets.
class _Partition(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_BHWC: Tensor, grid: Grid) -> Tensor:
        ctx.grid = grid
        return _cut(x_BHWC, grid)

    @staticmethod
    def backward(ctx: Any, gradient_MNC: Tensor) -> tuple[Tensor, None]:
        return reverse(gradient_MNC, ctx.grid), None


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, windows_MNC: Tensor, grid: Grid) -> Tensor:
        ctx.grid = grid
        return _joined(windows_MNC, grid)

    @staticmethod
    def backward(ctx: Any, gradient_BHWC: Tensor) -> tuple[Tensor, None]:
        return partition(gradient_BHWC, ctx.grid), None


# A model meets few sizes at a time: one for each stage, shifted or not. Large pictures have masks of megabytes.
# What is kept serves training too, even if it was first asked for in inference mode.
@lru_cache(maxsize=16)
@torch.inference_mode(False)
def offsets_into_table(window: int, device: torch.device) -> Tensor:
    """(N, N): for each pair of places of a window, the row of their offset in a table of (2 window - 1)^2 offsets."""
    side = torch.arange(window, device=device)
    rows_N, columns_N = side.repeat_interleave(window), side.repeat(window)
    down_NN = rows_N[:, None] - rows_N[None, :] + window - 1
    right_NN = columns_N[:, None] - columns_N[None, :] + window - 1
    return down_NN * (2 * window - 1) + right_NN


class _Places(NamedTuple):
    of_windows: Tensor
    """For each place of each window, where it comes from in the map; 0 if it is padding."""
    padding: Tensor
    """Which places of the windows are padding."""
    of_map: Tensor
    """For each place of the map, where it is among the windows."""


@lru_cache(maxsize=16)
@torch.inference_mode(False)
def _places(grid: Grid, device: torch.device) -> _Places:
    map_HW = torch.arange(grid.height * grid.width).view(grid.height, grid.width)
    padded_HW = F.pad(map_HW, (0, -grid.width % grid.window, 0, -grid.height % grid.window), value=_PADDING)
    source = _tiles(padded_HW.roll((-grid.shift, -grid.shift), (0, 1)), grid).flatten()
    is_padding = source == _PADDING
    of_map = torch.empty(map_HW.numel(), dtype=torch.long)
    of_map[source[~is_padding]] = torch.arange(len(source))[~is_padding]
    padding = is_padding.nonzero().flatten()
    return _Places(source.clamp_min(0).to(device), padding.to(device), of_map.to(device))


@lru_cache(maxsize=16)
@torch.inference_mode(False)
def _mask_KNN(grid: Grid, device: torch.device, dtype: torch.dtype) -> Tensor:
    regions_HW = 3 * _regions(grid.rows, grid)[:, None] + _regions(grid.columns, grid)[None, :]
    regions_KN = _tiles(regions_HW, grid)
    apart_KNN = regions_KN[:, None, :] != regions_KN[:, :, None]
    return torch.zeros(apart_KNN.shape, dtype=dtype).masked_fill_(apart_KNN, SEPARATED).to(device)


def _regions(windows: int, grid: Grid) -> Tensor:
    """Along one side of the shifted map: 0, then 1 for the last window's own part, 2 for what came around the edge."""
    place = torch.arange(windows * grid.window)
    return (place >= len(place) - grid.window).long() + (place >= len(place) - grid.shift).long()


def _tiles(padded_HW: Tensor, grid: Grid) -> Tensor:
    """-> (K, N)."""
    tiles = padded_HW.view(grid.rows, grid.window, grid.columns, grid.window).transpose(1, 2)
    return tiles.reshape(-1, grid.window**2)
