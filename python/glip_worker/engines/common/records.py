"""A file of records, one JSON object a line, followed while others write it."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


class RecordFile:
    """From where the file ends now; made when it is not there."""

    def __init__(self, path: Path) -> None:
        """OSError when it cannot be opened."""
        self.path = path
        self._file = open(path, "a+b", buffering=0)  # noqa: SIM115
        self._file.seek(0, os.SEEK_END)
        self._rest = b""

    def append(self, record: dict[str, Any]) -> None:
        """Writes one that `new` does not give back."""
        self._file.write(json.dumps(record).encode() + b"\n")
        self._file.seek(0, os.SEEK_END)

    def new(self) -> list[dict[str, Any]]:
        """Those that came since the last call, whole lines alone."""
        *lines, self._rest = (self._rest + self._file.read()).split(b"\n")
        return list(_records(lines))

    def close(self) -> None:
        self._file.close()


def all_records(path: Path) -> Iterator[dict[str, Any]]:
    """Every whole record of a file that nobody writes now."""
    with open(path, "rb") as lines:
        yield from _records(lines)


def _records(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        # A process that was killed may have left half a line.
        with contextlib.suppress(ValueError):
            yield json.loads(line)
