"""A plugin of the worker that costs nothing but the way there and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

if TYPE_CHECKING:
    from glip_worker.call import Call
    from glip_worker.registry import Registry

PAGE = 4096

_prepared: dict[int, numpy.ndarray[Any, Any]] = {}


def register(registry: Registry) -> None:
    registry.add("bench.up", up)
    registry.add("bench.down", down)
    registry.add("bench.both", both)


def up(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Looks at one byte of each page: what was received is really there."""
    data = params["tensor"].numpy()
    return {"bytes": data.size, "sum": int(data[::PAGE].sum())}


def down(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The same array each time."""
    size = params["bytes"]
    if size not in _prepared:
        _prepared[size] = numpy.ones(size, "uint8")
    return {"tensor": _prepared[size]}


def both(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Takes a tensor and gives another one, made for this call."""
    return {"tensor": params["tensor"].numpy() + numpy.uint8(1)}
