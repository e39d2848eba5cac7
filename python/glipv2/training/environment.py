"""What a run ran on, for `environment.json`."""

from __future__ import annotations

import os
import platform
import socket
from importlib import metadata
from typing import Any

import torch

import glipv2
from glipv2.training.world import World

_PACKAGES = ("torchvision", "numpy", "pillow", "safetensors", "pycocotools")


def environment(world: World, fingerprint: dict[str, Any], command: list[str]) -> dict[str, Any]:
    return {
        "versions": {"glipv2": glipv2.__version__, "python": platform.python_version(), **_versions()},
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "device": _device(world.device),
        "threads": torch.get_num_threads(),
        "processes": world.size,
        "command": command,
        "data": fingerprint,
    }


def _versions() -> dict[str, str]:
    versions = {"torch": str(torch.__version__)}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def _device(device: torch.device) -> dict[str, Any]:
    if device.type != "cuda":
        return {"type": device.type, "name": platform.processor() or platform.machine(), "cores": os.cpu_count()}
    properties = torch.cuda.get_device_properties(device)
    return {
        "type": "cuda",
        "name": properties.name,
        "memory_bytes": properties.total_memory,
        "cuda": torch.version.cuda,
        "count": torch.cuda.device_count(),
    }


def peak_memory(device: torch.device) -> int | None:
    """Most bytes of the device so far; on the CPU, of this process. None where nobody knows."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
