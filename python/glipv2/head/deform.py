"""Modulated deformable convolution (Zhu et al., 2019) of 3 x 3 on all levels of a pyramid at once.

Each kernel position reads the features where an offset sends it, between four places of a level, and weighs what it
read by a mask. Reading is one weighted sum of rows of the pyramid (`embedding_bag`), convolving one matrix product:
faster than a loop over levels, on a CPU above all, and nothing but torch is needed.

Legend: B pictures, N positions of all levels, M outputs of all convolutions, K = 9 kernel positions, C channels.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from glipv2.ops.slices import sliced
from glipv2.pyramid import Sizes, lengths

SIDE = 3
KERNEL = SIDE * SIDE

#: Values that are read at a time on a CPU without gradients: they stay in the caches until they are multiplied.
VALUES = 2**19


class Source(NamedTuple):
    """One convolution of one level, to be done."""

    level: int
    """That is read."""

    stride: int


class Geometry(NamedTuple):
    """Where the kernels of many outputs lie without offsets; places count from 0 in their level."""

    rows_MK: Tensor
    columns_MK: Tensor
    heights_MK: Tensor
    """Rows of the level that is read."""

    widths_MK: Tensor
    starts_MK: Tensor
    """Of the level that is read: its first position in the pyramid; int32."""


def output_size(size: tuple[int, int], stride: int) -> tuple[int, int]:
    """Of a convolution with one place of padding on each side."""
    return (size[0] - 1) // stride + 1, (size[1] - 1) // stride + 1


# A model meets few sizes at a time. What is kept serves training too, even if it was first asked for in inference mode.
@lru_cache(maxsize=16)
@torch.inference_mode(False)
def geometry(sizes: Sizes, sources: tuple[Source, ...], device: torch.device) -> Geometry:
    """Of these convolutions, one after the other, each row by row."""
    starts = [0]
    for length in lengths(sizes):
        starts.append(starts[-1] + length)
    pieces: list[list[Tensor]] = []
    for level, stride in sources:
        height, width = output_size(sizes[level], stride)
        shape = (height, width, SIDE, SIDE)
        kernel = torch.arange(SIDE) - 1
        rows = (torch.arange(height) * stride).view(-1, 1, 1, 1) + kernel.view(1, 1, -1, 1)
        columns = (torch.arange(width) * stride).view(1, -1, 1, 1) + kernel.view(1, 1, 1, -1)
        constants = [*sizes[level], starts[level]]
        piece = [rows.expand(shape), columns.expand(shape), *(torch.tensor(one).expand(shape) for one in constants)]
        pieces.append([one.reshape(-1, KERNEL) for one in piece])
    kinds = (torch.float32, torch.float32, torch.float32, torch.float32, torch.int32)
    return Geometry(
        *(torch.cat(parts).to(device, kind) for parts, kind in zip(zip(*pieces, strict=True), kinds, strict=True))
    )


class Reading(NamedTuple):
    """Which rows of a table [B x N, C] each kernel position adds up, and how much of each."""

    rows: Tensor
    """[B, M, K, 4] int32"""

    shares: Tensor
    """[B, M, K, 4]"""

    def split(self, counts: tuple[int, ...]) -> list[Reading]:
        """By outputs."""
        pairs = zip(self.rows.split(counts, dim=1), self.shares.split(counts, dim=1), strict=True)
        return [Reading(*pair) for pair in pairs]


def reading(offsets_BMK2: Tensor, mask_BMK: Tensor, at: Geometry, positions: int) -> Reading:
    """`offsets_BMK2`: down and right, in places; `positions`: N. What lies outside of the level is zero."""
    down_BMK, right_BMK = offsets_BMK2.to(torch.promote_types(offsets_BMK2.dtype, torch.float32)).unbind(-1)
    upper, lower, share_upper, share_lower = _neighbours(at.rows_MK + down_BMK, at.heights_MK)
    left, right, share_left, share_right = _neighbours(at.columns_MK + right_BMK, at.widths_MK)
    widths_MK = at.widths_MK.to(torch.int32)
    upper, lower = (one * widths_MK + at.starts_MK for one in (upper, lower))
    picture_B11 = torch.arange(len(upper), dtype=torch.int32, device=upper.device).view(-1, 1, 1) * positions
    upper, lower = upper + picture_B11, lower + picture_B11
    rows = torch.stack([upper + left, upper + right, lower + left, lower + right], dim=-1)
    share_upper, share_lower = share_upper * mask_BMK, share_lower * mask_BMK
    shares = [share_upper * share_left, share_upper * share_right, share_lower * share_left, share_lower * share_right]
    return Reading(rows, torch.stack(shares, dim=-1))


def _neighbours(place: Tensor, size: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Along one side: the places before and after (int32, inside of the level), and their shares (0 outside of it)."""
    before = place.detach().floor()
    part = place - before
    # A place at -1 exactly has a share of 0 in place 0, and official training gives it no slope either.
    in_level_before = (before >= 0) & (before < size)
    in_level_after = (place.detach() > -1) & (before + 1 < size)
    # An offset that is no number reads somewhere, and gives no number: the shares carry it.
    first = before.nan_to_num(0)
    last = size - 1
    return (
        first.clamp(min=0).minimum(last).to(torch.int32),
        (first + 1).clamp(min=0).minimum(last).to(torch.int32),
        (1 - part) * in_level_before,
        part * in_level_after,
    )


def convolve(table_RC: Tensor, read: Reading, weight: Tensor, bias: Tensor | None) -> Tensor:
    """[B, M, C'] by a `weight` [C', C, 3, 3]; `read` may be any part of the outputs of a `reading`."""
    batch, outputs = read.rows.shape[:2]
    matrix = weight.permute(2, 3, 1, 0).reshape(-1, weight.shape[0])
    rows, shares = read.rows.flatten(0, 1), read.shares.flatten(0, 1).to(table_RC.dtype)
    step = max(1, VALUES // len(matrix)) if sliced(table_RC) else max(1, len(rows))
    # Where the four of each kernel position begin.
    starts = torch.arange(0, 4 * KERNEL * step, 4, dtype=rows.dtype, device=rows.device)
    pieces = zip(rows.split(step), shares.split(step), strict=True)
    results = [_some(table_RC, *piece, starts, matrix, bias) for piece in pieces]
    return (torch.cat(results) if len(results) > 1 else results[0]).view(batch, outputs, -1)


def _some(
    table_RC: Tensor, rows_MK4: Tensor, shares_MK4: Tensor, starts: Tensor, matrix: Tensor, bias: Tensor | None
) -> Tensor:
    outputs = len(rows_MK4)
    read = F.embedding_bag(
        rows_MK4.flatten(),
        table_RC,
        starts[: outputs * KERNEL],
        mode="sum",
        per_sample_weights=shares_MK4.flatten(),
    ).view(outputs, -1)
    return read @ matrix if bias is None else torch.addmm(bias, read, matrix)
