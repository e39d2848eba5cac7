"""What the tests of training runs share: a call without a client, and recipes for scripts of the tests' own."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from glip_worker.device import Device
from glip_worker.engines.common.process import marked
from glip_worker.errors import CallStopped, GlipError, cancelled

CPU = Device("cpu", None, "CPU", 0)
BARE = Path(__file__).resolve().parent / "bare_rank.py"


@dataclass(frozen=True)
class Recipe:
    """As the one of the package; for scripts that no method prepares."""

    script: str
    arguments: list[str]
    output: Path
    results: Path
    config: Path
    environment: dict[str, str] = field(default_factory=dict)
    processes: int = 1
    categories: list[str] = field(default_factory=list)
    validates: bool = False


class FakeCall:
    """Collects events; stopped by `stop_when`, which is asked before each of them and at each check."""

    def __init__(self, stop_when: Callable[[FakeCall], bool] = lambda call: False, gone: bool = False) -> None:
        self.worker: Any = SimpleNamespace(settings=SimpleNamespace(threads=1))
        self.streaming = True
        self.events: list[Any] = []
        self.stopped_at: float | None = None
        self.longest_silence = 0.0
        self._stop_when = stop_when
        self._error: GlipError | None = None if gone else cancelled()
        self._checked = time.monotonic()

    def check(self) -> None:
        now = time.monotonic()
        self.longest_silence, self._checked = max(self.longest_silence, now - self._checked), now
        if self.stopped_at is not None or self._stop_when(self):
            self.stopped_at = self.stopped_at or now
            raise CallStopped(self._error)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
        self.check()

    def emit(self, event: Any) -> None:
        self.check()
        self.events.append(event)

    def of(self, kind: str) -> list[Any]:
        return [event for event in self.events if type(event).__name__.lower() == f"{kind}event"]

    @property
    def log(self) -> str:
        return "\n".join(event.text for event in self.of("log"))


#: Of whatever this process starts, so that runs of others on this machine are not taken for its own.
OWNER = "GLIP_TEST_OWNER"
os.environ.setdefault(OWNER, str(os.getpid()))


def left_of_runs() -> list[int]:
    """Processes of this test's runs that are alive."""
    owner = f"{OWNER}={os.environ[OWNER]}".encode()
    marks = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                environment = Path("/proc", name, "environ").read_bytes().split(b"\0")
                if owner in environment:
                    marks |= {one[9:].decode() for one in environment if one.startswith(b"GLIP_RUN=")}
    return sorted(pid for mark in marks for pid in marked(mark))
