"""What computes: an engine brings methods and what they stand on. A worker has exactly one."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from glip_worker.device import Device
    from glip_worker.registry import Registry

#: Name of each engine and the module that has its `load(options, device) -> Engine`; imported only when asked for.
ENGINES: dict[str, str] = {
    "native": "glip_worker.engines.native.engine",
    "none": "glip_worker.engines.none",
    "official": "glip_worker.engines.official.engine",
}


class Engine(Protocol):
    """One loaded engine."""

    @property
    def name(self) -> str:
        """As in the settings."""

    @property
    def versions(self) -> dict[str, str]:
        """What it stands on besides the worker itself, for `ready`."""

    def register(self, registry: Registry) -> None:
        """Adds its methods."""


def load_engine(name: str, options: dict[str, Any], device: Device) -> Engine:
    """ValueError for an engine or an option that does not exist."""
    module = ENGINES.get(name)
    if module is None:
        raise ValueError(f"there is no engine {name!r}; there are {', '.join(ENGINES)}")
    engine: Engine = importlib.import_module(module).load(options, device)
    return engine
