"""Where a run's processes compute."""

from __future__ import annotations

import os
import sys

from glip_worker.device import Device
from glip_worker.errors import invalid_argument


def visible_devices(device: Device, processes: int) -> dict[str, str]:
    """The environment by which rank 0 computes on the worker's device, the others on those after it.

    GlipError `invalid_argument` when there are not so many.
    """
    if device.type != "cuda":
        return {}
    import torch

    first, count = device.index or 0, torch.cuda.device_count()
    if first + processes > count:
        expected = f"at most {count - first}, one for each device from {device} on"
        raise invalid_argument("processes", expected, f"{processes}")
    if first == 0:
        return {}
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    visible = named.split(",") if named else [str(index) for index in range(count)]
    return {"CUDA_VISIBLE_DEVICES": ",".join(visible[first:])}


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
