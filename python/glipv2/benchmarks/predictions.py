"""`predictions.jsonl`: a record for each picture that was asked about, written as it comes and never held whole."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from glipv2.benchmarks.benchmark import Record, Task
from glipv2.errors import DataError

NAME = "predictions.jsonl"


class Predictions:
    """Appends to the file of a run's folder, and knows which pictures it has."""

    def __init__(self, folder: Path, task: Task[Any]) -> None:
        """What a killed run left counts; half a line at the end of it does not. DataError: records of other pictures,
        or of what the task does not ask for: all of them. OSError."""
        self.path = folder / NAME
        self.path.touch()
        _cut(self.path)
        self.done = _keys(self.path, task)
        self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115

    def append(self, key: int, record: Record) -> None:
        """With one write: a run that is killed has all pictures before it."""
        self._file.write(msgspec.json.encode({"id": key, **record}) + b"\n")
        self.done.add(key)

    def of(self, keys: Collection[int]) -> Records:
        """The records of these pictures."""
        return Records(self.path, keys)

    def __enter__(self) -> Predictions:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()


class Records:
    """They can be gone through again and again, and are read each time."""

    def __init__(self, path: Path, keys: Collection[int]) -> None:
        self._path = path
        self._keys = keys

    def __iter__(self) -> Iterator[Record]:
        return (one for one in _records(self._path) if one["id"] in self._keys)


def _records(path: Path) -> Iterator[Record]:
    with open(path, "rb") as lines:
        for line in lines:
            # What a failing disk left of a line is asked for again.
            with contextlib.suppress(msgspec.DecodeError):
                record = msgspec.json.decode(line)
                if isinstance(record, dict) and type(record.get("id")) is int:
                    yield record


def _cut(path: Path) -> None:
    """Takes away what stands behind the last end of a line."""
    with open(path, "r+b") as file:
        end = file.seek(0, 2)
        at = end
        while at > 0:
            start = max(0, at - 65536)
            file.seek(start)
            found = file.read(at - start).rfind(b"\n")
            if found >= 0:
                file.truncate(start + found + 1)
                return
            at = start
        file.truncate(0)


def _keys(path: Path, task: Task[Any]) -> set[int]:
    known: Collection[int] = {one.key for one in task.examples}
    keys: set[int] = set()
    wrong: dict[str, list[dict[str, str]]] = defaultdict(list)
    for place, record in enumerate(_records(path), 1):
        key, where = record["id"], f"{path.name}: record {place}"
        if key not in known:
            wrong["unknown_picture"].append({"where": where, "reason": f"the benchmark has no picture {key}"})
        elif key in keys:
            wrong["duplicate_picture"].append({"where": where, "reason": f"picture {key} has an earlier one"})
        elif (fault := task.faults(record)) is not None:
            wrong["invalid_line"].append({"where": where, "reason": fault})
        keys.add(key)
    if wrong:
        problems = [{"kind": kind, "count": len(rows), "examples": rows} for kind, rows in wrong.items()]
        raise DataError(problems, f"{path} has predictions that are none of this run: begin in another folder.")
    return keys
