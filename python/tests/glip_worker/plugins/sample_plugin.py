"""Methods that the tests of the worker need: slow, failing and misbehaving ones."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy
import torch

from glip_worker.call import Call
from glip_worker.errors import CallStopped, GlipError
from glip_worker.registry import Registry

_stored: dict[int, numpy.ndarray[Any, Any]] = {}


def register(registry: Registry) -> None:
    for name, function in METHODS.items():
        registry.add(f"test.{name}", function)
    registry.add_together("test.gather", gather, most=4)
    registry.add_together("test.gather_too", gather, most=4)


def size(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Takes a tensor and touches nothing of it."""
    return {"bytes": params["tensor"].bytes}


def stored(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Gives the same array each time: what sending costs without making it."""
    length = params["size"]
    if length not in _stored:
        _stored[length] = numpy.arange(length, dtype="uint32").astype("uint8")
    return {"tensor": _stored[length]}


def spin(call: Call, params: dict[str, Any]) -> None:
    """Works in Python until it is stopped, without ever waiting."""
    while True:
        call.check()


def block(call: Call, params: dict[str, Any]) -> None:
    """Does not listen for so long."""
    time.sleep(params["seconds"])


def wait_for_others(call: Call, params: dict[str, Any]) -> None:
    """Does not end before so many requests wait behind it. Who listens hears an event when it begins."""
    call.emit({})
    end = time.monotonic() + 60
    while len(call._queue._waiting) < params["count"] and time.monotonic() < end:
        time.sleep(0.01)


def hold_gil(call: Call, params: dict[str, Any]) -> None:
    """Native code that keeps the GIL."""
    ctypes.PyDLL(None).usleep(int(params["seconds"] * 1e6))


def spawn_child(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A process that nobody waits for."""
    return {"pid": os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "300")}


def fail(call: Call, params: dict[str, Any]) -> None:
    kind = params["kind"]
    if kind == "value":
        raise ValueError("told to fail")
    if kind == "exit":
        sys.exit(3)
    if kind == "interrupt":
        raise KeyboardInterrupt
    if kind == "surrogate":
        raise OSError("no such file: \udcff")
    if kind == "glip":
        raise GlipError("unsupported", "not here", {"feature": "x", "reason": "y"})
    if kind == "memory":
        raise MemoryError
    if kind == "torch memory":
        torch.empty(2**60, dtype=torch.uint8)
    if kind == "details":
        raise GlipError("unsupported", "not here", {"feature": object()})


def odd(call: Call, params: dict[str, Any]) -> Any:
    """Results of every kind."""
    return {
        "none": None,
        "object": {"x": object()},
        "numpy": {"x": numpy.float32(1.5), "y": numpy.int64(3)},
        "torch": {"x": torch.ones(2, 3), "scalar": torch.tensor(2.5)},
        "transposed": {"x": numpy.arange(6).reshape(2, 3).T},
    }[params["kind"]]


def numbers(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Emits as fast as it may."""
    for number in range(params["count"]):
        call.emit({"number": number, "streaming": call.streaming})
    return {"count": params["count"]}


def large_numbers(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Emits fresh memory each time."""
    for _ in range(params["count"]):
        call.emit({"tensor": numpy.ones(params["size"], dtype="uint8")})
    return {}


def gather(calls: Sequence[tuple[Call, dict[str, Any]]]) -> list[Any]:
    """Says with how many others each call was computed; fails as told, alone or with all."""
    if any(params.get("fail") == "all" for _, params in calls):
        raise ValueError("all of them")
    together = [params["number"] for _, params in calls]
    outcomes: list[Any] = []
    for call, params in calls:
        if "seconds" in params:
            time.sleep(params["seconds"])
        try:
            call.check()
        except CallStopped as stopped:
            outcomes.append(stopped)
            continue
        wrong = params.get("fail") == "alone"
        outcomes.append(GlipError("unsupported", "alone", {}) if wrong else {"together": together})
    return outcomes


METHODS = {
    "size": size,
    "stored": stored,
    "spin": spin,
    "block": block,
    "wait_for_others": wait_for_others,
    "hold_gil": hold_gil,
    "spawn_child": spawn_child,
    "fail": fail,
    "odd": odd,
    "numbers": numbers,
    "large_numbers": large_numbers,
}
