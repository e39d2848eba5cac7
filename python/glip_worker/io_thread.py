"""The one thread that touches the socket: receives, sends, and keeps what a client cannot take yet."""

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
from glip_worker.curve import Doorkeeper, make_curve_server
from glip_worker.pending import Queue
from glip_worker.protocol.messages import Goodbye, Probe, WorkerMessage
from glip_worker.reception import MAX_FRAMES, Reception
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


class IoThread:
    """`start` binds and serves; then `announce` once, `post` for each answer, `close` in the end."""

    def __init__(self, settings: Settings, queue: Queue) -> None:
        self._settings = settings
        self._queue = queue
        self._clients = Clients()
        self._reception = Reception(settings, self._clients, queue, self._send)
        self._tasks: deque[Callable[[], None]] = deque()
        self._answers: deque[tuple[Client, Frames]] = deque()
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
        self._thread.start()
        return endpoint.rstrip(b"\0").decode() if isinstance(endpoint, bytes) else str(endpoint)

    def call(self, task: Callable[[], None]) -> None:
        """Runs `task` on the IO thread, after the answers posted so far."""
        self._tasks.append(task)
        self.wake()

    def post(self, client: Client, frames: Frames) -> None:
        """Sends an answer; from any thread."""
        self._queue.count_unsent(client, 1)
        self._answers.append((client, frames))
        self.wake()

    def wake(self) -> None:
        if not self._awake:
            self._awake = True
            with contextlib.suppress(BlockingIOError):
                self._wake_out.send(b"\0")

    def close(self, reason: str, seconds: float) -> bool:
        """Tells the clients and ends the thread; whether it ended within that time."""
        self._expected.set()
        self.call(lambda: self._begin_close(reason))
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def reception(self) -> Reception:
        """Of the IO thread: use it inside `call` only."""
        return self._reception

    def _run(self) -> None:
        poller = zmq.Poller()
        poller.register(self._router, zmq.POLLIN)
        poller.register(self._wake_in, zmq.POLLIN)
        if self._door is not None:
            poller.register(self._door.socket, zmq.POLLIN)
        router, wake = self._router, self._wake_in.fileno()
        while self._closing is None:
            try:
                for ready, _ in poller.poll(self._timeout_ms()):
                    if ready is router:
                        self._receive()
                    elif ready == wake:
                        self._woken()
                    elif self._door is not None:
                        self._door.answer()
                if time.monotonic() >= self._next_tick:
                    self._tick()
            except zmq.ContextTerminated:
                return
            except Exception:
                LOG.exception("the IO thread goes on after")
        self._say_goodbye(self._closing)
        if not self._expected.wait(END_SECONDS):
            LOG.warning("the running method does not stop, the process ends under it")
            os._exit(1)

    def _woken(self) -> None:
        # Before the tasks are looked at: one that is added after this wakes the thread again.
        self._awake = False
        with contextlib.suppress(BlockingIOError):
            signals = self._wake_in.recv(4096).strip(b"\0")
            if signals:
                self._begin_close(f"signal {signals[0]}")
        while self._answers:
            client, frames = self._answers.popleft()
            self._deliver(client, frames)
            self._queue.count_unsent(client, -1)
        while self._tasks:
            self._tasks.popleft()()

    def _receive(self) -> None:
        router = self._router
        identity = router.recv(zmq.NOBLOCK)
        header = router.recv(zmq.NOBLOCK, copy=False)
        frames: list[memoryview] = []
        count = 0
        more = header.more
        while more:
            frame = router.recv(zmq.NOBLOCK, copy=False)
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
        self._queue.count_unsent(client, 0)  # a stream may be waiting for the room

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
            router.send(identity, zmq.NOBLOCK | zmq.SNDMORE)
            for index, frame in enumerate(frames):
                router.send(frame, zmq.NOBLOCK | (zmq.SNDMORE if index < last else 0), copy=index == 0)
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
