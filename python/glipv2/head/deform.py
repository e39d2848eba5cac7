"""Modulated deformable convolution (Zhu et al., 2019) of 3 x 3 on all levels of a pyramid at once.

Each kernel position reads the features where an offset sends it, between four places of a level, and weighs what it
read by a mask. Reading is one weighted sum of rows of the pyramid (`embedding_bag`), convolving one matrix product:
faster than a loop over levels, on a CPU above all, and nothing but torch is needed.

Legend: B pictures, N positions of all levels, M outputs of all convolutions, K = 9 kernel positions, C channels.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from glipv2.ops.precision import product_dtype, wide
from glipv2.pyramid import Sizes, lengths

SIDE = 3
KERNEL = SIDE * SIDE

#: Values that are read at a time: on a CPU they stay in the caches until they are multiplied.
VALUES_CPU, VALUES_GPU = 2**19, 2**28


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
    rows, shares = read.rows, read.shares
    found: Tensor = _Convolution.apply(table_RC, rows.flatten(0, 1), shares.flatten(0, 1), weight, bias)
    return found.view(*rows.shape[:2], -1)


class _Convolution(torch.autograd.Function):
    """Reads once more for the backward pass: what was read is nine times the table, and takes less time than memory."""

    @staticmethod
    def forward(
        ctx: Any, table_RC: Tensor, rows_MK4: Tensor, shares_MK4: Tensor, weight: Tensor, bias: Tensor | None
    ) -> Tensor:
        ctx.save_for_backward(table_RC, rows_MK4, shares_MK4, weight)
        ctx.kind, ctx.bias_kind = product_dtype(table_RC), None if bias is None else bias.dtype
        matrix_XC = _matrix(weight).to(ctx.kind)
        shares_MK4 = shares_MK4.to(table_RC.dtype)
        found = []
        for rows, shares in zip(*(one.split(_step(table_RC)) for one in (rows_MK4, shares_MK4)), strict=True):
            read = _read(table_RC, rows, shares).to(ctx.kind)
            found.append(read @ matrix_XC if bias is None else torch.addmm(bias.to(ctx.kind), read, matrix_XC))
        return torch.cat(found) if len(found) > 1 else found[0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_MC: Tensor) -> tuple[Tensor | None, ...]:
        table_RC, rows_MK4, shares_MK4, weight = ctx.saved_tensors
        of_table, _, of_shares, of_weight, of_bias = ctx.needs_input_grad
        gradient_MC = gradient_MC.to(ctx.kind)
        matrix_CX = _matrix(weight).t().to(ctx.kind)
        to_table_RC = torch.zeros_like(table_RC) if of_table else None
        to_matrix_XC = torch.zeros_like(matrix_CX.t(), dtype=wide(ctx.kind))
        to_shares = []
        parts = (rows_MK4, shares_MK4.to(table_RC.dtype), gradient_MC)
        for rows, shares, gradient in zip(*(one.split(_step(table_RC)) for one in parts), strict=True):
            of_read_XC = (gradient @ matrix_CX).to(table_RC.dtype).view(-1, table_RC.shape[1])
            with torch.enable_grad():
                known = shares.detach().requires_grad_()
                read = _read(table_RC.detach(), rows, known)
            if of_shares:
                to_shares.extend(torch.autograd.grad(read, known, of_read_XC.view_as(read)))
            if of_weight:
                to_matrix_XC += read.detach().to(ctx.kind).t() @ gradient
            if to_table_RC is not None:
                _unread(to_table_RC, rows.flatten(), shares.flatten(), of_read_XC)
        return (
            to_table_RC,
            None,
            torch.cat(to_shares).to(shares_MK4.dtype) if of_shares else None,
            _weight(to_matrix_XC, weight) if of_weight else None,
            gradient_MC.sum(0).to(ctx.bias_kind) if of_bias else None,
        )


def _step(table_RC: Tensor) -> int:
    """Outputs at a time."""
    values = VALUES_CPU if table_RC.device.type == "cpu" else VALUES_GPU
    return max(1, values // (KERNEL * table_RC.shape[1]))


def _matrix(weight: Tensor) -> Tensor:
    return weight.permute(2, 3, 1, 0).flatten(0, 2)


def _weight(matrix_XC: Tensor, like: Tensor) -> Tensor:
    return matrix_XC.view(SIDE, SIDE, like.shape[1], like.shape[0]).permute(3, 2, 0, 1).to(like.dtype)


def _read(table_RC: Tensor, rows_MK4: Tensor, shares_MK4: Tensor) -> Tensor:
    """[M, K x C]"""
    starts = torch.arange(0, rows_MK4.numel(), 4, dtype=rows_MK4.dtype, device=rows_MK4.device)
    read = F.embedding_bag(rows_MK4.flatten(), table_RC, starts, mode="sum", per_sample_weights=shares_MK4.flatten())
    return read.view(len(rows_MK4), -1)


def _unread(to_table_RC: Tensor, rows_S: Tensor, shares_S: Tensor, of_read_XC: Tensor) -> None:
    """Adds to each row of the table the gradients of what read it, every fourth of S its own of X: a reading too, with
    gradient and table in each other's place."""
    ordered_S, order_S = rows_S.sort(stable=True)
    # What is read at a time on a CPU lies close together. A GPU would have to be waited for to know where.
    first, last = (int(ordered_S[0]), int(ordered_S[-1])) if rows_S.device.type == "cpu" else (0, len(to_table_RC) - 1)
    starts = torch.searchsorted(
        ordered_S, torch.arange(first, last + 1, dtype=rows_S.dtype, device=rows_S.device), out_int32=True
    )
    to_table_RC[first : last + 1] += F.embedding_bag(
        (order_S // 4).to(torch.int32), of_read_XC, starts, mode="sum", per_sample_weights=shares_S[order_S]
    )
