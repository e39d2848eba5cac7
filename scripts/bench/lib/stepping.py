"""Training steps as a process: for each line on stdin, what was asked for, as a line of JSON on stdout."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol, TextIO

import torch


class Trainer(Protocol):
    def losses(self, text: str) -> dict[str, float]:
        """Of the batch with the text of that name, where nothing is dropped; by our names."""

    def step(self, text: str, checkpointing: bool) -> None:
        """Forward, backward, clipping and the optimizer; afterwards the device may still be at work."""


def serve(build: Callable[[], Trainer], device: str) -> None:
    """First says that it is ready, by an empty object. A line is `{"losses": text}`, or `{"step": text}` with
    `checkpointing` or without. Whatever else prints does so to stderr."""
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        trainer = build()
        _say(out, {})
        for line in sys.stdin:
            asked = json.loads(line)
            if "losses" in asked:
                _say(out, trainer.losses(asked["losses"]))
                continue
            start = time.perf_counter()
            trainer.step(asked["step"], asked.get("checkpointing", False))
            if device == "cuda":
                torch.cuda.synchronize()
            seconds = time.perf_counter() - start
            _say(out, {"seconds": seconds, "device_bytes": _device_bytes(device)})


def _device_bytes(device: str) -> int | None:
    return torch.cuda.max_memory_allocated() if device == "cuda" else None


def _say(out: TextIO, content: dict[str, Any]) -> None:
    out.write(f"{json.dumps(content)}\n")
    out.flush()
