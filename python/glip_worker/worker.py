"""What the worker is made of, as methods and the live window see it."""

from __future__ import annotations

from dataclasses import dataclass

from glip_worker.device import Device
from glip_worker.engines import Engine
from glip_worker.registry import Registry
from glip_worker.settings import Settings


@dataclass(frozen=True)
class Worker:
    settings: Settings
    device: Device
    engine: Engine
    registry: Registry
