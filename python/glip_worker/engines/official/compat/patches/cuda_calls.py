"""CUDA where there is none: the calls that ask for it whatever the configuration says.

torch.tensor and Tensor.to stay as they are: with either wrapped, transformers 5 leaves BERT's position ids
uninitialised and says nothing.
"""

from __future__ import annotations

import importlib
from typing import Any

import torch
import torch.distributed
from torch import Tensor, nn

from glip_worker.engines.official.compat.patching import Changes, Settings


def cuda_calls(changes: Changes, settings: Settings) -> None:
    if settings.device == "cuda":
        return
    init_process_group: Any = torch.distributed.init_process_group

    def init(backend: str | None = None, *args: Any, **options: Any) -> None:
        init_process_group("gloo" if backend in (None, "nccl") else backend, *args, **options)

    class DistributedDataParallel(nn.parallel.DistributedDataParallel):
        """Without the device ids of a machine with CUDA."""

        def __init__(
            self, module: nn.Module, device_ids: object = None, output_device: object = None, **options: Any
        ) -> None:
            super().__init__(module, **options)

    def stay(self: Any, *args: Any, **options: Any) -> Any:
        return self

    changes.set(torch.cuda, "set_device", lambda *args, **options: None)
    changes.set(torch.distributed, "init_process_group", init)
    changes.set(nn.parallel, "DistributedDataParallel", DistributedDataParallel)
    changes.set(Tensor, "cuda", stay)
    changes.set(nn.Module, "cuda", stay)


def default_device(changes: Changes, settings: Settings) -> None:
    if settings.device == "cuda":
        return
    model = importlib.import_module("maskrcnn_benchmark.config").cfg.MODEL
    before = model.DEVICE
    model.DEVICE = settings.device
    changes.on_undo(lambda: dict.__setitem__(model, "DEVICE", before))
