"""The socket: receives, sends, and keeps what a client cannot take yet.

Whoever waits for messages does the receiving. As long as the compute loop has nothing to do, that is the compute loop
itself: a request then changes no thread on its way in, nor its answer on its way out, which is half of what a short
call costs. The IO thread steps in when the compute loop has been busy for a moment.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import math
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable

import msgspec
import zmq

from glip_worker.clients import MAX_OUTGOING, Client, Clients, Frames
from glip_worker.codec import MAX_FRAMES
from glip_worker.curve import Doorkeeper, make_curve_server
from glip_worker.pending import Queue
from glip_worker.protocol.messages import Goodbye, Probe, WorkerMessage
from glip_worker.reception import Reception
from glip_worker.settings import Settings

LOG = logging.getLogger("glip_worker.io")

#: Messages that ZeroMQ itself keeps for one client, in each direction.
HIGH_WATER_MARK = 32

#: A silent peer is asked after the one and given up after the other. Long, because a large frame on a slow line
#: is silence to ZeroMQ until it is complete.
HEARTBEAT_INTERVAL_MS = 5_000
HEARTBEAT_TIMEOUT_MS = 30_000

#: How often a client is looked for: one with unfinished requests, and one without.
PROBE_SECONDS = 2.0
IDLE_PROBE_SECONDS = 30.0

#: Waiting requests with a deadline, and clients with a full socket, are looked at this often.
DEADLINE_TICK_SECONDS = 0.05
RETRY_TICK_SECONDS = 0.002

#: How long undelivered messages may hold up the end of the process.
LINGER_MS = 500

#: After a signal, how long the running method has to notice before the process ends under it.
END_SECONDS = 3.0

#: How often the IO thread looks whether the compute loop is too busy to receive.
LOOK_SECONDS = 0.005

# pyzmq's flags are enumerations, which are slow to combine.
_NOBLOCK = int(zmq.NOBLOCK)
_SNDMORE = int(zmq.NOBLOCK | zmq.SNDMORE)
_EVENTS = int(zmq.EVENTS)
_POLLIN = int(zmq.POLLIN)


class IoThread:
    """`start` binds and serves; then `announce` once, `post` for each answer, `close` in the end."""

    def __init__(self, settings: Settings, queue: Queue) -> None:
        self._settings = settings
        self._queue = queue
        self._clients = Clients()
        self._reception = Reception(settings, self._clients, queue, self._send)
        self._tasks: deque[Callable[[], None]] = deque()
        #: Held while the socket, the table of clients or what hangs on them is used.
        self._lock = threading.RLock()
        #: Held while waiting for messages. The socket itself may be used meanwhile: only its descriptor is watched.
        self._receiving = threading.Lock()
        self._poller = zmq.Poller()
        #: How often the compute loop has waited for messages; that it wants to; that it did so of late.
        self._waits = 0
        self._wanted = False
        self._active = threading.Event()
        self._awake = False
        # A socket pair, because Windows cannot poll anything else.
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._context = zmq.Context(io_threads=1)
        self._router: zmq.Socket[bytes] = self._context.socket(zmq.ROUTER)
        self._door: Doorkeeper | None = None
        self._thread = threading.Thread(target=self._run, name="io", daemon=True)
        self._closing: str | None = None
        self._expected = threading.Event()
        #: Clients with something in `outgoing`.
        self._blocked: set[Client] = set()
        self._next_tick = self._probed_idle = self._probed = time.monotonic()
        self._encode = msgspec.msgpack.Encoder().encode

    @property
    def signal_descriptor(self) -> int:
        """For signal.set_wakeup_fd: a signal reaches this thread even while native code keeps the main one busy."""
        return self._wake_out.fileno()

    def start(self) -> str:
        """The real endpoint, with the port that was chosen. zmq.ZMQError when it cannot be bound."""
        router = self._router
        for option, value in (
            (zmq.LINGER, LINGER_MS),
            (zmq.ROUTER_MANDATORY, 1),
            (zmq.MAXMSGSIZE, self._settings.limits.max_frame_bytes),
            (zmq.SNDHWM, HIGH_WATER_MARK),
            (zmq.RCVHWM, HIGH_WATER_MARK),
            (zmq.HEARTBEAT_IVL, HEARTBEAT_INTERVAL_MS),
            (zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS),
        ):
            router.setsockopt(option, value)
        if self._settings.curve is not None:
            self._door = Doorkeeper(self._context, self._settings.curve.clients)
            make_curve_server(router, self._settings.curve)
        umask = os.umask(0o077)  # for the socket file of ipc://
        try:
            router.bind(self._settings.endpoint)
        finally:
            os.umask(umask)
        endpoint = router.getsockopt(zmq.LAST_ENDPOINT)
        self._poller.register(router.getsockopt(zmq.FD), zmq.POLLIN)
        self._poller.register(self._wake_in, zmq.POLLIN)
        if self._door is not None:
            self._poller.register(self._door.socket, zmq.POLLIN)
        self._thread.start()
        return endpoint.rstrip(b"\0").decode() if isinstance(endpoint, bytes) else str(endpoint)

    def call(self, task: Callable[[], None]) -> None:
        """Runs `task` on the IO thread, after the answers posted so far."""
        self._tasks.append(task)
        self.wake()

    def post(self, client: Client, frames: Frames) -> None:
        """Sends an answer; from any thread."""
        with self._lock:
            if self._router.closed:
                return
            self._deliver(client, frames)
            # The IO thread does not know what this send has found: a message that came, or a client's full socket.
            if self._receiving.locked() and (self._blocked or self._has_message()):
                self.wake()

    def wait(self) -> None:
        """For the compute loop, when it has nothing to do: receives, and returns when something may have come."""
        if self._receiving.acquire(blocking=False):
            if self._closing is None:
                self._turn()
        else:
            self._wanted = True
            self.wake()
            self._receiving.acquire()
            self._wanted = False
            # No turn yet: the IO thread may have received a request just now.
        self._waits += 1
        self._receiving.release()
        if not self._active.is_set():
            self._active.set()

    def receive_waiting(self, most: int) -> None:
        """For the compute loop: receives what has come by now, at most so many messages. Waits for nothing."""
        if not self._receiving.acquire(blocking=False):
            return  # the IO thread does it
        try:
            for _ in range(most):
                with self._lock:
                    if self._closing is not None or not self._has_message():
                        return
                self._turn()
        finally:
            self._receiving.release()

    def wake(self) -> None:
        if not self._awake:
            self._awake = True
            with contextlib.suppress(BlockingIOError):
                self._wake_out.send(b"\0")

    def close(self, reason: str, seconds: float) -> bool:
        """Tells the clients and ends the thread; whether it ended within that time."""
        self._expected.set()
        self.call(lambda: self._begin_close(reason))
        self._active.set()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def reception(self) -> Reception:
        """Of the IO thread: use it inside `call` only."""
        return self._reception

    def _run(self) -> None:
        waits = self._waits
        while self._closing is None:
            if self._receiving.acquire(blocking=False):
                try:
                    # Still the same: the compute loop has been busy since the last look.
                    while self._waits == waits and not self._wanted and self._closing is None:
                        self._turn()
                finally:
                    self._receiving.release()
            elif self._waits == waits:
                self._active.clear()
                # It waits, and tells when it gets something to do.
                if self._receiving.locked() and self._closing is None:
                    self._active.wait()
            waits = self._waits
            time.sleep(LOOK_SECONDS)
        with self._lock:
            self._say_goodbye(self._closing)
        if not self._expected.wait(END_SECONDS):
            LOG.warning("the running method does not stop, the process ends under it")
            os._exit(1)

    def _turn(self) -> None:
        """Waits for something to happen and does what there is to do."""
        try:
            # The descriptor tells of a message once; what is still there must be asked for.
            with self._lock:
                timeout = 0 if self._has_message() else self._timeout_ms()
            ready = self._poller.poll(timeout)
            with self._lock:
                for source, _ in ready:
                    if source == self._wake_in.fileno():
                        self._woken()
                    elif self._door is not None and source is self._door.socket:
                        self._door.answer()
                with contextlib.suppress(zmq.Again):
                    self._receive()
                if time.monotonic() >= self._next_tick:
                    self._tick()
        except Exception:
            LOG.exception("the IO goes on after")

    def _has_message(self) -> bool:
        events = self._router.getsockopt(_EVENTS)
        return isinstance(events, int) and events & _POLLIN != 0

    def _woken(self) -> None:
        signals = b""
        with contextlib.suppress(BlockingIOError):
            signals = self._wake_in.recv(4096).strip(b"\0")
        # After the bytes were read, or the one that belongs to the next wake would be lost and `_awake` stay true;
        # before the answers are looked at, so that one that comes later wakes the thread again.
        self._awake = False
        if signals:
            self._begin_close(f"signal {signals[0]}")
        while self._tasks:
            self._tasks.popleft()()

    def _receive(self) -> None:
        router = self._router
        identity = router.recv(_NOBLOCK)
        header = router.recv(_NOBLOCK, copy=False)
        frames: list[memoryview] = []
        count = 0
        more = header.more
        while more:
            frame = router.recv(_NOBLOCK, copy=False)
            more = frame.more
            count += 1
            if count <= MAX_FRAMES:
                frames.append(frame.buffer)
        self._reception.receive(identity, header.bytes, frames)

    def _timeout_ms(self) -> int:
        """Until the next tick, which comes the sooner the more there is to look after."""
        if self._blocked:
            tick = RETRY_TICK_SECONDS
        else:
            tick = DEADLINE_TICK_SECONDS if self._queue.deadlines else PROBE_SECONDS
        now = time.monotonic()
        self._next_tick = min(self._next_tick, now + tick)
        return max(0, math.ceil((self._next_tick - now) * 1000))

    def _tick(self) -> None:
        now = time.monotonic()
        self._next_tick = now + PROBE_SECONDS
        for client in list(self._blocked):
            self._retry(client)
        for late in self._queue.expire():
            self._reception.answer_stopped(late)
        if now - self._probed < PROBE_SECONDS:
            return
        idle = now - self._probed_idle >= IDLE_PROBE_SECONDS
        self._probed = now
        self._probed_idle = now if idle else self._probed_idle
        for client in self._clients:
            if (idle or client.pending) and not client.outgoing:
                self._send(client.identity, Probe())

    def _retry(self, client: Client) -> None:
        while client.outgoing and self._try_send(client.identity, client.outgoing[0]):
            # A client that turned out to be gone has been forgotten, with what it should have got.
            if client.outgoing:
                client.outgoing.popleft()
        if not client.outgoing:
            self._blocked.discard(client)
        self._queue.notify()

    def _send(self, identity: bytes, message: WorkerMessage) -> None:
        frames = [self._encode(message)]
        client = self._clients.get(identity)
        if client is not None:
            self._deliver(client, frames)
        else:
            # Not accepted: nothing is kept for it, a full socket loses its answer.
            self._try_send(identity, frames)

    def _deliver(self, client: Client, frames: Frames) -> None:
        if client.gone or (not client.outgoing and self._try_send(client.identity, frames)):
            return
        client.outgoing.append(frames)
        self._blocked.add(client)
        if len(client.outgoing) > MAX_OUTGOING:
            LOG.warning("a client does not read its answers and is dropped")
            self._forget(client)

    def _try_send(self, identity: bytes, frames: Frames) -> bool:
        """False when the socket is full. A peer that is gone counts as sent, and is forgotten."""
        router = self._router
        last = len(frames) - 1
        try:
            router.send(identity, _SNDMORE)
            for index, frame in enumerate(frames):
                router.send(frame, _SNDMORE if index < last else _NOBLOCK, copy=index == 0)
        except zmq.Again:
            return False
        except zmq.ZMQError as error:
            if error.errno != errno.EHOSTUNREACH:
                raise
            client = self._clients.get(identity)
            if client is not None:
                self._forget(client)
        return True

    def _forget(self, client: Client) -> None:
        self._clients.remove(client)
        self._blocked.discard(client)
        self._queue.forget(client)

    def _begin_close(self, reason: str) -> None:
        self._closing = reason if self._closing is None else self._closing
        self._queue.close()

    def _say_goodbye(self, reason: str) -> None:
        for identity in [*(client.identity for client in self._clients), *self._reception.waiting]:
            self._send(identity, Goodbye(reason=reason))
        for client in self._clients:
            self._clients.remove(client)
        self._router.close()
        if self._door is not None:
            self._door.socket.close()
        self._context.term()
