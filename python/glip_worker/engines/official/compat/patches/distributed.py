"""Collectives over objects, on whichever backend there is."""

from __future__ import annotations

import importlib
from typing import Any

import torch.distributed as dist

from glip_worker.engines.official.compat.patching import Changes, Settings

#: Where an `all_gather` of objects is written.
GATHERERS = ("maskrcnn_benchmark.utils.comm", "maskrcnn_benchmark.utils.mdetr_dist", "maskrcnn_benchmark.utils.dist")


def collectives(changes: Changes, settings: Settings) -> None:
    for name in GATHERERS:
        changes.everywhere(importlib.import_module(name), "all_gather", all_gather)
    changes.everywhere(importlib.import_module(GATHERERS[0]), "broadcast_data", broadcast_data)


def all_gather(data: Any) -> list[Any]:
    """What each process handed in, in the order of the ranks, on every process."""
    count = dist.get_world_size() if dist.is_initialized() else 1
    if count == 1:
        return [data]
    gathered: list[Any] = [None] * count
    dist.all_gather_object(gathered, data)
    return gathered


def broadcast_data(data: Any) -> Any:
    """What rank 0 handed in, on every process."""
    if not dist.is_initialized():
        return data
    box = [data]
    dist.broadcast_object_list(box, src=0)
    return box[0]
