"""The engine `none`: no model. For plugins alone, and for what tests the bridge."""

from __future__ import annotations

from typing import Any

from glip_worker.device import Device
from glip_worker.registry import Registry


class NoEngine:
    name = "none"
    versions: dict[str, str]

    def __init__(self) -> None:
        self.versions = {}

    def register(self, registry: Registry) -> None:
        """Nothing: every worker has the diagnostics anyway."""


def load(options: dict[str, Any], device: Device) -> NoEngine:
    if options:
        raise ValueError(f"the engine none has no options, got {', '.join(options)}")
    return NoEngine()
