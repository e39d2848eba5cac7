"""Which device the worker computes on."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from typing import Literal

from glip_worker.protocol.messages import ReadyDevice


@dataclass(frozen=True)
class Device:
    """`str(device)` is what torch takes: `cpu`, `mps`, `cuda:0`."""

    type: Literal["cpu", "cuda", "mps"]
    index: int | None
    name: str
    memory_bytes: int

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def message(self) -> ReadyDevice:
        return ReadyDevice(type=self.type, index=self.index, name=self.name, memory_bytes=self.memory_bytes)


def find_device(wanted: str) -> Device:
    """`auto`: the first CUDA device, else MPS, else the CPU. ValueError for one that is not here."""
    import torch

    if wanted == "auto":
        wanted = "cuda:0" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, number = wanted.partition(":")
    if kind == "cuda":
        index = int(number or 0)
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if index >= count:
            raise ValueError(f"there is no device {wanted}: torch {torch.__version__} sees {count} CUDA devices")
        properties = torch.cuda.get_device_properties(index)
        torch.cuda.set_device(index)
        return Device("cuda", index, properties.name, properties.total_memory)
    if kind == "mps":
        if not torch.backends.mps.is_available():
            raise ValueError("there is no device mps: it needs macOS on Apple silicon")
        return Device("mps", None, platform.processor() or "Apple GPU", _host_memory())
    return Device("cpu", None, _processor_name(), _host_memory())


def _processor_name() -> str:
    if sys.platform == "linux":
        try:
            with open("/proc/cpuinfo", encoding="utf-8") as lines:
                for line in lines:
                    if line.startswith("model name"):
                        return line.partition(":")[2].strip()
        except OSError:
            pass
    return platform.processor() or platform.machine()


def _host_memory() -> int:
    """Bytes; 0 where it cannot be told."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return 0
