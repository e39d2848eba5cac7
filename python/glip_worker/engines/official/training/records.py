"""The file of a run's events, followed while it grows, and what it says in the end."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from glip_worker.engines.common.records import RecordFile, all_records
from glip_worker.protocol.messages import StartEvent, TrainingEvent

#: Of the records, those that the client gets; the others are for the result.
EVENTS = frozenset({"step", "progress", "evaluation", "checkpoint"})


@dataclass
class Records:
    """What was reported so far, by this run or (`before`) by those that it resumes."""

    #: Whether training or evaluating has begun, so that there may be something to save.
    begun: bool = False
    evaluations: list[dict[str, Any]] = field(default_factory=list)
    checkpoints: list[dict[str, Any]] = field(default_factory=list)
    trained: dict[str, Any] | None = None
    evaluated: dict[str, Any] | None = None
    stopped: dict[str, Any] | None = None
    #: The first: the other ranks fail because one did.
    failed: dict[str, Any] | None = None

    def add(self, record: dict[str, Any]) -> None:
        kind = record["type"]
        self.begun = self.begun or kind in ("began", "step", "progress")
        if kind == "evaluation":
            self.evaluations.append(record)
        elif kind == "checkpoint":
            self.checkpoints.append(record)
        elif kind in ("trained", "evaluated", "stopped") or (kind == "failed" and self.failed is None):
            setattr(self, kind, record)


class EventFile:
    """`events.jsonl` of a run's folder, from where it ends now."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records = Records()
        self._file = RecordFile(path)

    @property
    def begun(self) -> bool:
        return self.records.begun

    @property
    def stopped(self) -> bool:
        return self.records.stopped is not None

    def start(self, event: StartEvent, *, resumed: bool) -> None:
        """Appends the record that this run begins with."""
        self._file.append({"time": time.time(), **msgspec.to_builtins(event), "resumed": resumed})

    def new(self) -> list[TrainingEvent]:
        """The events that came since the last call; takes note of every record."""
        events = []
        for record in self._file.new():
            self.records.add(record)
            if record["type"] in EVENTS:
                value = {name: one for name, one in record.items() if name != "time"}
                events.append(msgspec.convert(value, TrainingEvent))
        return events

    def close(self) -> None:
        self._file.close()


def since_fresh_start(path: Path) -> Records:
    """Of the last run in the file that did not go on from another, and of those that went on from it."""
    records = Records()
    for record in all_records(path):
        if record["type"] == "start" and not record["resumed"]:
            records = Records()
        records.add(record)
    return records
