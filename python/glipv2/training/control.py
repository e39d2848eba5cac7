"""What a run is asked while it goes on: by files in its folder, by signals."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from glipv2.training.folder import RunFolder


class Control:
    """Files are looked for by one process of each host; the processes agree with each other after each step."""

    def __init__(self, folder: RunFolder, looks: bool) -> None:
        self._folder = folder
        self._looks = looks
        self._signalled = threading.Event()

    def stop(self) -> bool:
        """Whether this process is asked to end."""
        return self._signalled.is_set() or (self._looks and self._folder.stop.exists())

    def save(self) -> bool:
        """Whether it is asked for a checkpoint."""
        return self._looks and self._folder.save.exists()

    def saved(self) -> None:
        if self._looks:
            self._folder.save.unlink(missing_ok=True)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within it, SIGTERM asks to end. So does SIGINT, which a terminal sends to all processes."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {one: signal.signal(one, lambda *_: self._signalled.set()) for one in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)
