"""What a method is given besides its parameters."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from glip_worker.errors import CallStopped, GlipError
from glip_worker.pending import Pending, Queue

if TYPE_CHECKING:
    from glip_worker.worker import Worker


class Call:
    """One running call of a method.

    Tensors in the parameters are valid until the method returns and are not to be changed in place: they may be
    the client's own memory. Clone what should stay or change.
    """

    def __init__(
        self, worker: Worker, queue: Queue, pending: Pending, send_event: Callable[[Pending, int, Any], None]
    ) -> None:
        #: The device, the engine, the registry.
        self.worker = worker
        self._queue = queue
        self._pending = pending
        self._send_event = send_event
        self._events = 0

    @property
    def method(self) -> str:
        return self._pending.request.method

    @property
    def streaming(self) -> bool:
        """Whether the client listens to events; `emit` does nothing otherwise."""
        return self._pending.credit is not None

    @property
    def max_frame_bytes(self) -> int:
        """Largest tensor that the client takes as a frame."""
        return self._pending.client.max_frame_bytes

    @property
    def remaining_seconds(self) -> float | None:
        """Time left until the deadline; None without one."""
        deadline = self._pending.deadline
        return None if deadline is None else max(0.0, deadline - time.monotonic())

    def check(self) -> None:
        """Call between steps: ends the method (by CallStopped) when its answer is no longer wanted."""
        stop = self._pending.stop
        if stop is None and self._pending.late():
            stop = self._pending.lateness()
        if stop is not None:
            raise CallStopped(stop if isinstance(stop, GlipError) else None)

    def sleep(self, seconds: float) -> None:
        """A pause that a cancel or the deadline ends early, as `check` does."""
        remaining = self.remaining_seconds
        pause = seconds if remaining is None else min(seconds, remaining)
        self._queue.wait(lambda: self._pending.stop is not None, pause)
        self.check()

    def emit(self, value: Any) -> None:
        """Sends one event of the stream. Waits until the client has room for it, and checks as `check` does.

        The worker's one loop waits with it: a client that stops reading its stream holds up the others until its
        deadline passes, or it cancels, or goes.
        """
        self.check()
        if not self.streaming:
            return
        self._queue.wait(self._has_credit, self.remaining_seconds)
        self.check()
        self._send_event(self._pending, self._events, value)
        self._events += 1

    def _has_credit(self) -> bool:
        """Takes one event's worth when there is some, and when what was sent so far has left."""
        pending = self._pending
        if pending.stop is not None:
            return True
        if not pending.credit or pending.client.congested:
            return False
        pending.credit -= 1
        return True
