"""The folder of a run: what lies where, and who may write there."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glipv2.errors import InputError


@dataclass(frozen=True)
class RunFolder:
    path: Path

    @property
    def config(self) -> Path:
        """The options, as `TrainOptions.to_json` has them."""
        return self.path / "config.json"

    @property
    def environment(self) -> Path:
        """Versions, device, and what the data was."""
        return self.path / "environment.json"

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def log(self) -> Path:
        """What the processes print."""
        return self.path / "run.log"

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def samples(self) -> Path:
        return self.path / "samples"

    @property
    def subset(self) -> Path:
        """Which pictures a few-shot run uses."""
        return self.path / "subset.json"

    @property
    def prompt(self) -> Path:
        """Of prompt tuning, in the end: the best, or else the last."""
        return self.path / "prompt.safetensors"

    @property
    def result(self) -> Path:
        return self.path / "result.json"

    @property
    def stop(self) -> Path:
        """Whoever makes it asks the run to end with a checkpoint after the step in progress."""
        return self.path / ".stop"

    @property
    def save(self) -> Path:
        """Whoever makes it asks for a checkpoint after the step in progress; it is gone when that is written."""
        return self.path / ".checkpoint"

    @contextmanager
    def alone(self, node: int = 0) -> Iterator[None]:
        """Held by the one process that may run here, or of several hosts that share the folder, the one of each. The
        file `.lock` says which: `pid` and `host`.

        InputError: another run is under way. The system frees it when the process ends, however it does.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        name = f".lock-{node}" if node else ".lock"
        file = os.open(self.path / name, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        try:
            if sys.platform != "win32":
                self._lock(file)
            with contextlib.suppress(OSError):  # a full disk
                os.ftruncate(file, 0)
                os.write(file, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
            yield
        finally:
            os.close(file)

    def _lock(self, file: int) -> None:
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError("output", "a folder in which no run is under way", str(self.path)) from None


def write_json(path: Path, content: Any) -> None:
    """Whole, or not at all: the file is there as it was, or as it is to be. OSError."""
    part = path.with_name(f".{path.name}.part")
    with open(part, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
