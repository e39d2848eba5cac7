"""The processes of one run, and what they do together. A run of a single one does the same without the others."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn

T = TypeVar("T")

#: How long the others wait for one that saves, measures or reads.
PATIENCE = timedelta(minutes=30)


@dataclass(frozen=True)
class World:
    rank: int
    size: int
    device: torch.device
    local: int = 0
    """Rank among the processes of this host."""

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def part(self, count: int) -> slice:
        """This process's part of `count` things, which the processes divide without a rest."""
        each = count // self.size
        return slice(self.rank * each, (self.rank + 1) * each)

    def sum(self, values: Tensor) -> Tensor:
        """Over the processes, in place."""
        if self.size > 1:
            distributed.all_reduce(values)
        return values

    def any(self, flag: bool) -> bool:
        """Whether one of the processes says so."""
        return flag if self.size == 1 else bool(self.sum(torch.tensor(float(flag))).item() > 0)

    def gather(self, values: Sequence[T]) -> list[T]:
        """Those of all processes, in their order, in the first one; in the others none."""
        if self.size == 1:
            return list(values)
        everyone: list[Any] | None = [None] * self.size if self.first else None
        distributed.gather_object(values, everyone)
        return [value for each in everyone or [] for value in each]

    def share(self, value: T) -> T:
        """The first process's value, in all of them."""
        if self.size == 1:
            return value
        values = [value]
        distributed.broadcast_object_list(values)
        return values[0]

    def equalise(self, parameters: Iterable[nn.Parameter]) -> None:
        """Gives all processes the first one's values."""
        if self.size > 1:
            for one in parameters:
                distributed.broadcast(one.data, 0)


@contextmanager
def world(device: str) -> Iterator[World]:
    """Joins the processes that the environment tells of, as torch.distributed.run sets it. `device`: of the first one;
    on CUDA the others have those that follow."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_RANK", "0"))
    place = torch.device(device)
    if place.type == "cuda":
        place = torch.device("cuda", (place.index or 0) + local)
        torch.cuda.set_device(place)
    if size == 1 and "MASTER_ADDR" not in os.environ:
        yield World(0, 1, place)
        return
    # Objects and flags go over gloo whatever the device.
    distributed.init_process_group("cpu:gloo,cuda:nccl" if place.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield World(distributed.get_rank(), distributed.get_world_size(), place, local)
        distributed.barrier()
    finally:
        distributed.destroy_process_group()
