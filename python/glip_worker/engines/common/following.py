"""A run is followed to its end, or stopped: events and log lines go to the client while it runs."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from glip_worker.call import Call
from glip_worker.engines.common.lines import Lines
from glip_worker.engines.common.process import RunProcess
from glip_worker.errors import CallStopped, invalid_argument

#: Time for a cancelled run to end its step and save a checkpoint, before its processes are ended.
STOP_SECONDS = 30.0

#: The same when nobody waits any more: the client is gone, or the worker is closing and will be killed itself.
LEAVE_SECONDS = 1.5

#: How often events, lines and the client's wishes are looked at.
POLL_SECONDS = 0.05

#: Least time between two log events.
LOG_SECONDS = 0.1


class Told(Protocol):
    """What a run says of itself while it runs."""

    @property
    def begun(self) -> bool:
        """Whether there may be something to save."""

    @property
    def stopped(self) -> bool:
        """Whether it has saved, because it was asked to stop."""

    def new(self) -> Sequence[Any]:
        """The events that came since the last call."""


def follow(call: Call, process: RunProcess, told: Told, lines: Lines, stop: Path, logged: Callable[[str], Any]) -> int:
    """The exit code. Whatever happens, nothing of the run is left afterwards. `logged`: makes an event of lines.

    CallStopped when the call is cancelled, late or without a client: the file `stop` then asks the run for a
    checkpoint after the step in progress, for which it has STOP_SECONDS (LEAVE_SECONDS).
    """
    last = 0.0
    try:
        while (code := process.poll()) is None:
            for event in told.new():
                call.emit(event)
            if time.monotonic() - last >= LOG_SECONDS and (text := lines.take()) is not None:
                last = time.monotonic()
                call.emit(logged(text))
            call.sleep(POLL_SECONDS)
        process.end(ask=False)
        while (text := lines.take()) is not None:
            call.emit(logged(text))
        for event in told.new():
            call.emit(event)
        return code
    except CallStopped as stopped:
        _stop(process, told, stop, STOP_SECONDS if stopped.error is not None else LEAVE_SECONDS)
        raise
    finally:
        process.end(ask=False)


def _stop(process: RunProcess, told: Told, stop: Path, seconds: float) -> None:
    """Asks for a checkpoint and waits for it; what has not begun has nothing to save and is ended at once."""
    told.new()
    if told.begun and process.poll() is None:
        stop.touch()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not process.wait(POLL_SECONDS):
            told.new()
            if told.stopped:
                break
    process.end(ask=seconds == STOP_SECONDS and not told.stopped)


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Two runs in one folder would overwrite each other's checkpoints. GlipError `invalid_argument`."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with open(folder / ".lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise invalid_argument("output", "a folder in which no run is under way", str(folder)) from None
        yield
