"""The core of fusion: positions read tokens and tokens read positions by one score for each pair.

Scores are made for some positions at a time and never kept, for the backward pass neither: making them again takes one
of ten matrix products, keeping them and what is derived of them took most of a training step's memory. A softmax over
all positions is built up on the way, as in FlashAttention (Dao et al., 2022).

Legend: B pictures, N positions, n some of them, H heads, T tokens, X = H x T, V channels of a position.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from glipv2.ops.dropout import Dropout
from glipv2.ops.precision import product_dtype, wide

#: Scores beyond it are cut: what half precision can hold. As in the released configurations.
LIMIT = 50000.0

#: A CPU's softmax goes through rows shorter than its registers number by number: by hand it takes a fifth of the time.
FEW_TOKENS = 16

#: Scores at a time: on a CPU they stay in the caches.
SCORES_CPU, SCORES_GPU = 2**18, 2**26


class Both(NamedTuple):
    by_positions_BNV: Tensor
    """What each position read: a mean of `values_BXV` for each head, added up."""

    by_tokens_BXV: Tensor
    """What each token read, in each head: a mean of the positions."""

    totals_BX1: Tensor
    """Sums of the weights of these means: 1, but for dropout."""


def read_both_ways(
    positions_BNV: Tensor,
    queries_BXV: Tensor,
    shifts_BX: Tensor,
    values_BXV: Tensor,
    heads: int,
    mask_BT: Tensor | None,
    dropout: float,
) -> Both:
    """Scores are positions x queries + shifts. `mask_BT`: False for tokens that no position reads; None: there are
    none. `dropout`: share of the weights that is dropped."""
    given = (positions_BNV, queries_BXV, shifts_BX, values_BXV, mask_BT)
    # What is summed over the positions is touched with each part of them: a picture for itself has fewer parts.
    pairs = positions_BNV.shape[1] * shifts_BX.shape[1]
    count = max(1, _most_scores(positions_BNV.device) // pairs)
    pictures = len(positions_BNV)
    rows = [given] if count >= pictures else zip(*(_split(one, count, pictures) for one in given), strict=True)
    read = [_BothWays.apply(*some, heads, mask, dropout, Dropout.seed(dropout)) for *some, mask in rows]
    return Both(*(torch.cat(one) for one in zip(*read, strict=True))) if len(read) > 1 else Both(*read[0])


def _most_scores(device: torch.device) -> int:
    return SCORES_CPU if device.type == "cpu" else SCORES_GPU


def _split(values: Tensor | None, count: int, pictures: int) -> Sequence[Tensor | None]:
    """For so many pictures at a time."""
    return [None] * math.ceil(pictures / count) if values is None else values.split(count)


class _BothWays(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        positions_BNV: Tensor,
        queries_BXV: Tensor,
        shifts_BX: Tensor,
        values_BXV: Tensor,
        heads: int,
        mask_BT: Tensor | None,
        dropout: float,
        seed: int,
    ) -> tuple[Tensor, Tensor, Tensor]:
        kind = product_dtype(positions_BNV)
        given = (positions_BNV, queries_BXV, shifts_BX, values_BXV)
        positions_BNV, queries_BXV, values_BXV = (one.to(kind) for one in (positions_BNV, queries_BXV, values_BXV))
        shifts_BX = shifts_BX.to(wide(kind))
        pairs = _Pairs(queries_BXV, shifts_BX, heads, mask_BT, Dropout(dropout, seed, positions_BNV.device))
        scale = pairs.dropout.scale

        highest_B1X = torch.full_like(shifts_BX, -torch.inf).unsqueeze(1)
        sums_B1X, totals_B1X = torch.zeros_like(highest_B1X), torch.zeros_like(highest_B1X)
        by_tokens_BXV = torch.zeros_like(queries_BXV, dtype=wide(kind))
        by_positions = []
        for some_BnV in pairs.split(positions_BNV):
            scores_BnX, _ = _within_limit(pairs.scores(some_BnV))
            before, highest_B1X = highest_B1X, torch.maximum(highest_B1X, scores_BnX.amax(1, keepdim=True))
            less_B1X = (before - highest_B1X).exp_()
            weights_BnX = (scores_BnX - highest_B1X).exp_()
            sums_B1X = torch.addcmul(weights_BnX.sum(1, keepdim=True), sums_B1X, less_B1X)
            pairs.dropout.drop_(weights_BnX)
            totals_B1X = torch.addcmul(weights_BnX.sum(1, keepdim=True), totals_B1X, less_B1X)
            read_BXV = torch.bmm(weights_BnX.to(kind).transpose(1, 2), some_BnV)
            by_tokens_BXV.mul_(less_B1X.transpose(1, 2)).add_(read_BXV)

            weights_BnX = pairs.dropout.drop_(pairs.over_tokens(scores_BnX)).to(kind)
            by_positions.append(torch.bmm(weights_BnX, values_BXV).mul_(scale))

        by_positions_BNV = torch.cat(by_positions, 1) if len(by_positions) > 1 else by_positions[0]
        by_tokens_BXV.mul_((scale / sums_B1X).transpose(1, 2))
        totals_BX1 = (scale * totals_B1X / sums_B1X).transpose(1, 2)
        ctx.save_for_backward(*given, mask_BT, highest_B1X + sums_B1X.log(), by_tokens_BXV, totals_BX1)
        ctx.heads, ctx.dropout, ctx.seed, ctx.kind = heads, dropout, seed, kind
        return by_positions_BNV, by_tokens_BXV.to(kind), totals_BX1

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        *given, mask_BT, logarithms_B1X, by_tokens_BXV, totals_BX1 = ctx.saved_tensors
        positions_BNV, queries_BXV, values_BXV = (given[place].to(ctx.kind) for place in (0, 1, 3))
        dropout = Dropout(ctx.dropout, ctx.seed, positions_BNV.device)
        pairs = _Pairs(queries_BXV, given[2].to(wide(ctx.kind)), ctx.heads, mask_BT, dropout)
        scale = pairs.dropout.scale
        of_positions_BNV, of_tokens_BXV, of_totals_BX1 = gradients
        # Of a softmax, the mean of its weights' gradients is taken off them. Over the positions it is known beforehand.
        mean_B1X = (of_tokens_BXV * by_tokens_BXV).sum(2, keepdim=True).add_(of_totals_BX1 * totals_BX1)
        mean_B1X = mean_B1X.transpose(1, 2)
        of_tokens_BXV = of_tokens_BXV.to(ctx.kind) * scale
        of_totals_B1X = of_totals_BX1.transpose(1, 2) * scale
        values_BVX = values_BXV.transpose(1, 2) * scale

        to_queries_BXV, to_values_BXV = (torch.zeros_like(by_tokens_BXV) for _ in range(2))
        to_shifts_B1X = torch.zeros_like(logarithms_B1X)
        to_positions = []
        for some_BnV, of_some_BnV in zip(
            pairs.split(positions_BNV), pairs.split(of_positions_BNV.to(ctx.kind)), strict=True
        ):
            scores_BnX, within_BnX = _within_limit(pairs.scores(some_BnV))
            weights_BnX = (scores_BnX - logarithms_B1X).exp_()
            slopes_BnX = weights_BnX * -mean_B1X
            pairs.dropout.drop_(weights_BnX)
            of_weights_BnX = torch.bmm(some_BnV, of_tokens_BXV.transpose(1, 2)).to(wide(ctx.kind)).add_(of_totals_B1X)
            slopes_BnX.addcmul_(weights_BnX, of_weights_BnX)
            to_some_BnV = torch.bmm(weights_BnX.to(ctx.kind), of_tokens_BXV)

            weights_BnX = pairs.over_tokens(scores_BnX)
            kept_BnX = pairs.dropout.drop_(weights_BnX.clone()) if pairs.dropout else weights_BnX
            of_weights_BnX = torch.bmm(of_some_BnV, values_BVX).to(wide(ctx.kind)).mul_(kept_BnX)
            mean_BnH1 = pairs.by_head(of_weights_BnX).sum(3, keepdim=True)
            slopes_BnX.add_(of_weights_BnX)
            pairs.by_head(slopes_BnX).addcmul_(pairs.by_head(weights_BnX), mean_BnH1, value=-1)
            to_values_BXV += torch.bmm(kept_BnX.to(ctx.kind).transpose(1, 2), of_some_BnV)

            if within_BnX is not None:
                slopes_BnX.mul_(within_BnX)
            to_shifts_B1X += slopes_BnX.sum(1, keepdim=True)
            slopes_BnX = slopes_BnX.to(ctx.kind)
            to_queries_BXV += torch.bmm(slopes_BnX.transpose(1, 2), some_BnV)
            to_positions.append(torch.baddbmm(to_some_BnV, slopes_BnX, queries_BXV))
        found = (torch.cat(to_positions, 1), to_queries_BXV, to_shifts_B1X.squeeze(1), to_values_BXV.mul_(scale))
        return *(one.to(like.dtype) for one, like in zip(found, given, strict=True)), None, None, None, None


def _within_limit(scores_BnX: Tensor) -> tuple[Tensor, Tensor | None]:
    """Cut in place, and which ones were not; None: all, as nearly always. On a CPU one look at them saves four."""
    if scores_BnX.device.type == "cpu":
        least, most = scores_BnX.aminmax()
        if least >= -LIMIT and most <= LIMIT:
            return scores_BnX, None
    within_BnX = scores_BnX.abs() <= LIMIT
    return scores_BnX.clamp_(-LIMIT, LIMIT), within_BnX


class _Pairs:
    """Scores of some positions, and what is made of them."""

    def __init__(
        self, queries_BXV: Tensor, shifts_BX: Tensor, heads: int, mask_BT: Tensor | None, dropout: Dropout
    ) -> None:
        self.dropout = dropout
        self._queries_BVX, self._shifts_B1X = queries_BXV.transpose(1, 2), shifts_BX.unsqueeze(1)
        self._heads = heads
        padded = mask_BT is not None and not (mask_BT.device.type == "cpu" and bool(mask_BT.all()))
        self._padding_B11T = ~mask_BT[:, None, None, :] if mask_BT is not None and padded else None

    def split(self, positions_BNV: Tensor) -> Iterator[Tensor]:
        step = max(1, _most_scores(positions_BNV.device) // self._shifts_B1X.numel())
        return iter(positions_BNV.split(step, dim=1))

    def scores(self, some_BnV: Tensor) -> Tensor:
        return torch.bmm(some_BnV, self._queries_BVX).to(self._shifts_B1X.dtype).add_(self._shifts_B1X)

    def by_head(self, all_BnX: Tensor) -> Tensor:
        """[B, n, H, T]"""
        apart: Tensor = all_BnX.unflatten(2, (self._heads, -1))
        return apart

    def over_tokens(self, scores_BnX: Tensor) -> Tensor:
        """Softmax over the tokens of each head; changes the scores."""
        scores_BnHT = self.by_head(scores_BnX)
        if self._padding_B11T is not None:
            scores_BnHT.masked_fill_(self._padding_B11T, -torch.inf)
        if scores_BnHT.device.type != "cpu" or scores_BnHT.shape[3] >= FEW_TOKENS:
            return scores_BnHT.softmax(3).flatten(2)
        weights_BnHT = scores_BnHT.sub_(scores_BnHT.amax(3, keepdim=True)).exp_()
        return weights_BnHT.div_(weights_BnHT.sum(3, keepdim=True)).flatten(2)
