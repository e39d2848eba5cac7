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
    """Where the kernels of many outputs lie without offsets, rows first; places count from 0 in their level."""

    places_2MK: Tensor
    sizes_2MK: Tensor
    """Height and width of the level that is read."""

    last_2MK: Tensor
    """Its last row and column,"""

    widths_MK: Tensor
    """its width,"""

    starts_MK: Tensor
    """and its first position in the pyramid; both int32."""


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
    places, of_level, first = [], [], []
    for level, stride in sources:
        height, width = output_size(sizes[level], stride)
        kernel = torch.arange(SIDE) - 1
        rows = (torch.arange(height) * stride).view(-1, 1, 1, 1) + kernel.view(1, 1, -1, 1)
        columns = (torch.arange(width) * stride).view(1, -1, 1, 1) + kernel.view(1, 1, 1, -1)
        places.append(torch.stack(torch.broadcast_tensors(rows, columns)).reshape(2, -1, KERNEL))
        of_level.append(torch.tensor(sizes[level]).view(2, 1, 1).expand(places[-1].shape))
        first.append(torch.tensor(starts[level]).expand(height * width, KERNEL))
    sizes_2MK = torch.cat(of_level, dim=1)
    return Geometry(
        torch.cat(places, dim=1).to(device, torch.float32),
        sizes_2MK.to(device, torch.float32),
        (sizes_2MK - 1).to(device, torch.float32),
        sizes_2MK[1].to(device, torch.int32),
        torch.cat(first).to(device, torch.int32),
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
    offsets_2BMK = torch.stack(offsets_BMK2.unbind(-1)).to(torch.promote_types(offsets_BMK2.dtype, torch.float32))
    near = _neighbours(at.places_2MK[:, None] + offsets_2BMK, at)
    picture_B11 = torch.arange(len(mask_BMK), dtype=torch.int32, device=mask_BMK.device).view(-1, 1, 1) * positions
    first_BMK = at.starts_MK + picture_B11
    (upper, left), (lower, right) = near.before, near.after
    upper, lower = upper * at.widths_MK + first_BMK, lower * at.widths_MK + first_BMK
    rows = torch.stack([upper + left, upper + right, lower + left, lower + right], dim=-1)
    (share_upper, share_left), (share_lower, share_right) = near.share_before, near.share_after
    share_upper, share_lower = share_upper * mask_BMK, share_lower * mask_BMK
    shares = [share_upper * share_left, share_upper * share_right, share_lower * share_left, share_lower * share_right]
    return Reading(rows, torch.stack(shares, dim=-1))


class _Neighbours(NamedTuple):
    """[2, B, M, K], rows and columns: the places before and after, int32 and inside of the level, and their shares, 0
    outside of it."""

    before: Tensor
    after: Tensor
    share_before: Tensor
    share_after: Tensor


def _neighbours(place_2BMK: Tensor, at: Geometry) -> _Neighbours:
    sizes_21MK, last_21MK = at.sizes_2MK[:, None], at.last_2MK[:, None]
    before = place_2BMK.detach().floor()
    part = place_2BMK - before
    after = before + 1
    # A place at -1 exactly has a share of 0 in place 0, and official training gives it no slope either.
    in_level_before = (before >= 0) & (before < sizes_21MK)
    in_level_after = (place_2BMK.detach() > -1) & (after < sizes_21MK)
    # An offset that is no number reads somewhere, and gives no number: the shares carry it.
    first, second = (one.nan_to_num(0).clamp(min=0).minimum(last_21MK).to(torch.int32) for one in (before, after))
    return _Neighbours(first, second, (1 - part) * in_level_before, part * in_level_after)


def convolve(table_RC: Tensor, read: Reading, weight: Tensor, bias: Tensor | None) -> Tensor:
    """[B, M, C'] by a `weight` [C', C, 3, 3]; `read` may be any part of the outputs of a `reading`."""
    rows, shares = read.rows, read.shares
    given = (table_RC, rows.flatten(0, 1), shares.flatten(0, 1), weight, bias)
    found: Tensor = _Convolution.apply(*given) if torch.is_grad_enabled() else _convolved(*given)
    return found.view(*rows.shape[:2], -1)


def _convolved(table_RC: Tensor, rows_MK4: Tensor, shares_MK4: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    kind = product_dtype(table_RC)
    matrix_XC = _matrix(weight).to(kind)
    shares_MK4 = shares_MK4.to(table_RC.dtype)
    found = []
    for rows, shares in zip(*(one.split(_step(table_RC)) for one in (rows_MK4, shares_MK4)), strict=True):
        read = _read(table_RC, rows, shares).to(kind)
        found.append(read @ matrix_XC if bias is None else torch.addmm(bias.to(kind), read, matrix_XC))
    return torch.cat(found) if len(found) > 1 else found[0]


class _Convolution(torch.autograd.Function):
    """Reads once more for the backward pass: what was read is nine times the table, and takes less time than memory."""

    @staticmethod
    def forward(
        ctx: Any, table_RC: Tensor, rows_MK4: Tensor, shares_MK4: Tensor, weight: Tensor, bias: Tensor | None
    ) -> Tensor:
        ctx.save_for_backward(table_RC, rows_MK4, shares_MK4, weight)
        ctx.kind, ctx.bias_kind = product_dtype(table_RC), None if bias is None else bias.dtype
        return _convolved(table_RC, rows_MK4, shares_MK4, weight, bias)

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
