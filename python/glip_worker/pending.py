"""The requests that have no answer yet: one bounded queue between the IO thread and the compute loop."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from glip_worker.errors import GlipError, cancelled, deadline_exceeded, queue_full

if TYPE_CHECKING:
    from glip_worker.clients import Client
    from glip_worker.protocol.messages import Request


class State(Enum):
    QUEUED = 1
    RUNNING = 2
    FINISHED = 3


class Pending:
    """One request. What changes is guarded by the queue's lock."""

    __slots__ = ("client", "credit", "deadline", "frames", "request", "state", "stop")

    def __init__(self, client: Client, request: Request, frames: list[memoryview]) -> None:
        self.client = client
        self.request = request
        self.frames = frames
        self.state = State.QUEUED
        #: Why it should end early; `Gone` is told to nobody.
        self.stop: GlipError | Gone | None = None
        #: Events that may still be sent; None: not a stream, events go nowhere.
        self.credit = request.credit
        timeout = request.deadline_ms
        self.deadline = None if timeout is None else time.monotonic() + timeout / 1000

    def late(self) -> bool:
        return self.deadline is not None and time.monotonic() >= self.deadline

    def lateness(self) -> GlipError:
        return deadline_exceeded(self.request.deadline_ms or 0)


class Gone:
    """Stops a call whose client is not there any more."""


GONE = Gone()


class Queue:
    """First come, first served. Every method may be called by any thread."""

    def __init__(self, max_queue: int, max_pending: int) -> None:
        self._max_queue = max_queue
        self._max_pending = max_pending
        self._waiting: deque[Pending] = deque()
        self._running: list[Pending] = []
        self._closed = False
        self._lock = threading.Lock()
        #: Notified when a running call's fate or credit changed.
        self._changed = threading.Condition(self._lock)
        #: Whether a waiting request may have a deadline, so that nobody need look otherwise.
        self.deadlines = False

    def add(self, pending: Pending) -> None:
        """GlipError `queue_full` when it may not wait."""
        client = pending.client
        with self._lock:
            if len(client.pending) >= self._max_pending:
                raise queue_full(len(client.pending), self._max_pending)
            if len(self._waiting) >= self._max_queue:
                raise queue_full(len(self._waiting), self._max_queue)
            client.pending[pending.request.id] = pending
            self._waiting.append(pending)
            self.deadlines = self.deadlines or pending.deadline is not None

    def take(self, wait: Callable[[], None]) -> Pending | None:
        """The next request, which is running from now on; None when the queue is closed.

        `wait` is called while there is none, and returns when there may be one.
        """
        while True:
            with self._lock:
                if self._closed:
                    return None
                if self._waiting:
                    return self._start()
            wait()

    def take_more(self, fits: Callable[[Pending], bool], most: int) -> list[Pending]:
        """The next requests as long as they fit, at most so many; they are running from now on.

        None overtakes another: the first that does not fit ends it. `fits` is called with the lock held.
        """
        taken: list[Pending] = []
        with self._lock:
            while len(taken) < most and self._waiting and not self._closed and fits(self._waiting[0]):
                taken.append(self._start())
        return taken

    def _start(self) -> Pending:
        pending = self._waiting.popleft()
        pending.state = State.RUNNING
        self._running.append(pending)
        return pending

    def finish(self, pending: Pending) -> bool:
        """Call before the answer is sent; False when there is nobody to send it to."""
        with self._lock:
            self._remove(pending)
            self._running.remove(pending)
            return pending.stop is not GONE

    def notify(self) -> None:
        """There may be room for the events of a stream that waits for it."""
        with self._lock:
            self._changed.notify_all()

    def stop(self, client: Client, request_id: int) -> Pending | None:
        """Cancels. The request that was still waiting, and is the caller's to answer; None when there is none."""
        with self._lock:
            pending = client.pending.get(request_id)
            if pending is None:
                return None
            return self._stop(pending, cancelled())

    def add_credit(self, client: Client, request_id: int, events: int) -> None:
        """Ignored for what is finished already, and for what is no stream."""
        with self._lock:
            pending = client.pending.get(request_id)
            if pending is not None and pending.credit is not None:
                pending.credit += events
                self._changed.notify_all()

    def forget(self, client: Client) -> None:
        """Ends everything of a client that is gone; nothing of it is answered."""
        with self._lock:
            for pending in list(client.pending.values()):
                self._stop(pending, GONE)

    def expire(self) -> list[Pending]:
        """Takes out the waiting requests whose deadline has passed; they are the caller's to answer."""
        with self._lock:
            late = [pending for pending in self._waiting if pending.late()]
            self.deadlines = any(pending.deadline is not None for pending in self._waiting)
            for pending in late:
                self._stop(pending, pending.lateness())
            return late

    def close(self) -> None:
        """Stops what is running and lets `take` return; what waits is never answered."""
        with self._lock:
            self._closed = True
            self._waiting.clear()
            for pending in self._running:
                pending.stop = GONE
            self._changed.notify_all()

    def wait(self, done: Callable[[], bool], seconds: float | None) -> bool:
        """Waits until `done`, which is called with the lock held, or for so long; whether it was done."""
        with self._changed:
            return self._changed.wait_for(done, seconds)

    def _stop(self, pending: Pending, why: GlipError | Gone) -> Pending | None:
        pending.stop = why
        if pending.state is State.QUEUED:
            self._waiting.remove(pending)
            self._remove(pending)
            return pending
        self._changed.notify_all()
        return None

    def _remove(self, pending: Pending) -> None:
        pending.state = State.FINISHED
        pending.client.pending.pop(pending.request.id, None)
