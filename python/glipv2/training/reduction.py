"""Gradients averaged over the processes while the backward pass still computes the next ones.

torch's DistributedDataParallel does the same, but orders its buckets anew after the first step it sees. A run that is
gone on with would then sum in another order than one that never stopped, and not be equal to it to the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, distributed, nn

#: Bytes that are sent at once.
BUCKET_BYTES = 25 * 2**20


class Reduction:
    """Of the gradients of `parameters`. In every process they are the same, in the same order."""

    def __init__(self, parameters: Sequence[nn.Parameter], size: int, bucket_bytes: int = BUCKET_BYTES) -> None:
        """`size`: processes; of a single one nothing is done."""
        self._size = size
        self._active = False
        if size == 1:
            return
        self._buckets = _buckets(parameters, bucket_bytes)
        self._bucket_of = {one: index for index, bucket in enumerate(self._buckets) for one in bucket}
        for one in parameters:
            one.register_post_accumulate_grad_hook(self._arrived)

    def begin(self) -> None:
        """Before the backward pass after which the gradients are complete."""
        if self._size == 1:
            return
        self._active = True
        self._missing = [len(bucket) for bucket in self._buckets]
        self._sent: list[tuple[Tensor, Any]] = []

    def finish(self) -> None:
        """After it: every gradient is the mean over the processes; 0 counts for one that a process does not have. What
        none has stays without: the optimizer leaves alone what a step has no part for, as with a single process."""
        if self._size == 1:
            return
        self._active = False
        everything = [one for bucket in self._buckets for one in bucket]
        had = torch.tensor([float(one.grad is not None) for one in everything], device=everything[0].device)
        while len(self._sent) < len(self._buckets):
            self._send()
        for bucket, (flat, work) in zip(self._buckets, self._sent, strict=True):
            work.wait()
            parts = flat.div_(self._size).split([one.numel() for one in bucket])
            for one, part in zip(bucket, parts, strict=True):
                one.grad = part.view_as(one)
        self._sent = []
        distributed.all_reduce(had)
        for one, count in zip(everything, had.tolist(), strict=True):
            if not count:
                one.grad = None

    def _arrived(self, parameter: Tensor) -> None:
        if not self._active:
            return
        self._missing[self._bucket_of[parameter]] -= 1  # type: ignore[index]
        # In the same order everywhere, whichever is complete first.
        while len(self._sent) < len(self._buckets) and self._missing[len(self._sent)] == 0:
            self._send()

    def _send(self) -> None:
        bucket = self._buckets[len(self._sent)]
        flat = torch.cat([(torch.zeros_like(one) if one.grad is None else one.grad).flatten() for one in bucket])
        self._sent.append((flat, distributed.all_reduce(flat, async_op=True)))


def _buckets(parameters: Sequence[nn.Parameter], most: int) -> list[list[nn.Parameter]]:
    """Last ones first, as the backward pass comes to them; one kind of number in a bucket."""
    buckets: list[list[nn.Parameter]] = []
    filled = 0
    for one in reversed(parameters):
        size = one.numel() * one.element_size()
        if not buckets or filled + size > most or buckets[-1][-1].dtype != one.dtype:
            buckets.append([])
            filled = 0
        buckets[-1].append(one)
        filled += size
    return buckets
