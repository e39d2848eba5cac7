"""The run's record: one JSON object a line, appended, and read by the worker while it is written."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from typing import Any

#: Names the file that the events are appended to.
EVENTS = "GLIP_EVENTS"

#: Names a file whose appearance asks the run to stop after the step in progress.
STOP = "GLIP_STOP"

#: Exit status of rank 0 when it stopped because it was asked to; torch's launcher then ends the other ranks.
STOPPED = 75


class Reporter:
    """One rank's pen. Rank 0 tells what happens; the others only say why they fail."""

    def __init__(self, events: str, stop: str | None, rank: int) -> None:
        self.rank = rank
        #: The last step that ended; None where nothing is trained.
        self.step: int | None = None
        #: The step of the last checkpoint that this process wrote.
        self.saved_step: int | None = None
        #: Saves a checkpoint of the last step that ended; None while there is nothing to save.
        self.save: Callable[[], None] | None = None
        self._stop = stop
        self._file = os.open(events, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o644)

    def write(self, kind: str, **fields: Any) -> None:
        """Appends one record, of rank 0."""
        if self.rank == 0:
            self.write_anyway(kind, **fields)

    def write_anyway(self, kind: str, **fields: Any) -> None:
        """Appends one record, of any rank: a single write, so that the ranks' lines do not mix."""
        line = json.dumps({"time": time.time(), "type": kind, **fields}, allow_nan=False) + "\n"
        os.write(self._file, line.encode())

    def stop_if_asked(self) -> None:
        """Call where rank 0 may leave: saves, says so and ends the process. Else returns."""
        if self.rank != 0 or self._stop is None or not os.path.exists(self._stop):
            return
        if self.save is not None:
            self.save()
        self.write("stopped", step=self.step)
        # Without finalizers: with the other ranks inside a collective operation they would wait for ever.
        os._exit(STOPPED)


def from_environment() -> Reporter | None:
    """None unless the environment asks for a record."""
    events = os.environ.get(EVENTS)
    return None if not events else Reporter(events, os.environ.get(STOP), int(os.environ.get("RANK", "0")))


def finite(value: float) -> float | None:
    """JSON has no NaN and no infinity."""
    number = float(value)
    return number if math.isfinite(number) else None
