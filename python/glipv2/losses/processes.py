"""A batch that is shared out among processes gives the losses and gradients that it would give as a whole.

Gradients are averaged over the processes after the backward pass. A sum over the whole batch is therefore this
process's part times the number of processes.

Legend: R rows of this process, A of all.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, distributed
from torch.autograd.function import once_differentiable


def world_size() -> int:
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def mean(sums: Tensor) -> Tensor:
    """Of the processes' tensors of this shape, without gradients."""
    size = world_size()
    if size == 1:
        return sums
    total = sums.detach().clone()
    distributed.all_reduce(total)
    return total / size


def draw(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """Numbers from 0 to 1 for each of this process's pictures, as a single one would draw them for the whole batch.

    All processes have as many rows, and generators of the same state.
    """
    size = world_size()
    first = rows * distributed.get_rank() if size > 1 else 0
    drawn = torch.rand(size * rows, columns, generator=generator, device=generator.device)
    return drawn[first : first + rows]


class Gathered(NamedTuple):
    rows_A: Tensor
    """Of the processes in turn."""

    start: int
    """Where this one's are among them."""


def gather(rows_R: Tensor) -> Gathered:
    """All processes' rows, of which each may have another number. Gradients go back to where a row came from."""
    if world_size() == 1:
        return Gathered(rows_R, 0)
    count = rows_R.new_tensor([len(rows_R)], dtype=torch.int64)
    counts = [torch.empty_like(count) for _ in range(world_size())]
    distributed.all_gather(counts, count)
    lengths = [int(one) for one in counts]
    rows_A: Tensor = _Gather.apply(rows_R, lengths)
    return Gathered(rows_A, sum(lengths[: distributed.get_rank()]))


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows_R: Tensor, lengths: list[int]) -> Tensor:
        ctx.lengths = lengths
        padded = rows_R.new_zeros(max(lengths), *rows_R.shape[1:])
        padded[: len(rows_R)] = rows_R
        everyones = [torch.empty_like(padded) for _ in lengths]
        distributed.all_gather(everyones, padded)
        return torch.cat([one[:length] for one, length in zip(everyones, lengths, strict=True)])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient_A: Tensor) -> tuple[Tensor, None]:
        gradient_A = gradient_A.contiguous()
        distributed.all_reduce(gradient_A)
        return gradient_A.split(ctx.lengths)[distributed.get_rank()], None
