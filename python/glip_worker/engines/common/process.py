"""The processes of one run: torch's launcher, its ranks, and whatever these start. None is left when a run is over."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from glip_worker.engines.common.lines import Lines
from glipv2.training import tie

#: In the environment of every process of a run, so that all of them can be found, in whatever group or session.
MARK = "GLIP_RUN"

#: Between SIGTERM and SIGKILL.
TERM_SECONDS = 3.0

#: How long the last output may take after the launcher has ended.
DRAIN_SECONDS = 2.0


class RunProcess:
    """Started at once, in the worker's process group, so that what kills the worker's group kills the launcher; the
    ranks follow it (see glipv2/training/tie.py). stdin is empty; stdout and stderr go to `lines`.

    Start it on the worker's main thread: Linux ties the launcher to the thread that starts it.
    """

    def __init__(self, command: Sequence[str], cwd: Path, environment: Mapping[str, str], lines: Lines) -> None:
        self._mark = uuid.uuid4().hex
        self._lines = lines
        tied = command if sys.platform == "win32" else [sys.executable, "-I", tie.__file__, str(os.getpid()), *command]
        self._process = subprocess.Popen(
            tied,
            cwd=cwd,
            env={**environment, MARK: self._mark},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._reader = threading.Thread(target=self._read, name="run output", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Of the launcher."""
        return self._process.pid

    def poll(self) -> int | None:
        """The launcher's exit status; minus the signal's number when one ended it; None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> bool:
        """Whether it ended within so long."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self.poll() is not None

    def end(self, *, ask: bool) -> None:
        """Returns when nothing of the run is left: SIGTERM first if `ask`, then SIGKILL. May be called again."""
        if ask and self.poll() is None:
            for pid in self._alive():
                _signal(pid, signal.SIGTERM)
            self.wait(TERM_SECONDS)
        deadline = time.monotonic() + TERM_SECONDS
        # Again until none is left: one may have started another while the list was made.
        while (alive := self._alive()) and time.monotonic() < deadline:
            for pid in alive:
                _signal(pid, KILL)
            self.wait(0.05)
        self.wait(TERM_SECONDS)
        self._reader.join(DRAIN_SECONDS)

    def _alive(self) -> list[int]:
        launcher = [self.pid] if self.poll() is None else []
        return [*launcher, *(pid for pid in marked(self._mark) if pid != self.pid)]

    def _read(self) -> None:
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        with contextlib.suppress(OSError):
            while data := os.read(descriptor, 65536):
                self._lines.feed(data)
        self._lines.close()
        self._process.stdout.close()


KILL = signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL


def marked(mark: str) -> list[int]:
    """The processes whose environment has the mark. Elsewhere than on Linux none: there the launcher's end is what
    ends its ranks."""
    if sys.platform != "linux":
        return []
    wanted = f"{MARK}={mark}".encode()
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and wanted in _environment(name) and not _is_zombie(name):
            found.append(int(name))
    return found


def _environment(pid: str) -> list[bytes]:
    try:
        return Path("/proc", pid, "environ").read_bytes().split(b"\0")
    except OSError:  # gone, or another user's
        return []


def _is_zombie(pid: str) -> bool:
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return True


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
