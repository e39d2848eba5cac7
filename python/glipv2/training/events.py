"""The record of a run: one JSON object a line, appended, and read by others while it is written."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import Any


class Events:
    """Appends to a file; each record is a single write, so that those of several processes do not mix."""

    def __init__(self, path: Path) -> None:
        """OSError when it cannot be opened."""
        self.path = path
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        self._file = os.open(path, flags, 0o644)
        # A process that was killed, or whose disk was full, may have left half a line.
        size = os.fstat(self._file).st_size
        if size and _byte(path, size - 1) != b"\n":
            os.write(self._file, b"\n")

    def write(self, kind: str, **fields: Any) -> None:
        """`time`, in seconds since 1970, and `type` come first. OSError: the disk is full."""
        line = json.dumps({"time": time.time(), "type": kind, **fields}, allow_nan=False) + "\n"
        data = line.encode()
        while data:
            data = data[os.write(self._file, data) :]

    def close(self) -> None:
        os.close(self._file)


def finite(value: float) -> float | None:
    """JSON has no NaN and no infinity."""
    return value if math.isfinite(value) else None


def _byte(path: Path, at: int) -> bytes:
    with open(path, "rb") as file:
        file.seek(at)
        return file.read(1)
