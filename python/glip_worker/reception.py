"""What the IO thread does with each received message: answers it itself, or queues it for the compute loop."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec

from glip_worker.clients import MAX_CLIENTS, Client, Clients
from glip_worker.codec import MAX_FRAMES, reason_of
from glip_worker.errors import GlipError, invalid_message, protocol_mismatch, queue_full
from glip_worker.log import LimitedLog
from glip_worker.pending import Pending, Queue
from glip_worker.protocol.messages import (
    PROTOCOL_VERSION,
    SCHEMA_HASH,
    Cancel,
    ClientMessage,
    Credit,
    Error,
    Hello,
    Ping,
    Pong,
    Ready,
    Release,
    Request,
    WorkerMessage,
)
from glip_worker.settings import Settings
from glip_worker.shared_directory import register_directory
from glip_worker.shared_memory import SharedMemory

LOG = logging.getLogger("glip_worker.reception")

#: Clients that said hello before the worker was ready.
MAX_WAITING = MAX_CLIENTS


class _Head(msgspec.Struct):
    """What is left of a message that does not fit otherwise."""

    id: int = 0


_HEADER = msgspec.msgpack.Decoder(ClientMessage)


class Reception:
    """Belongs to the IO thread. `send(identity, message)` sends to whoever that is, accepted or not."""

    def __init__(
        self, settings: Settings, clients: Clients, queue: Queue, send: Callable[[bytes, WorkerMessage], None]
    ) -> None:
        self._settings = settings
        self._clients = clients
        self._queue = queue
        self._send = send
        self._ready: Ready | None = None
        self._waiting: dict[bytes, Hello] = {}
        self._log = LimitedLog(LOG)

    def announce(self, ready: Ready) -> None:
        """The worker is ready: answers those who asked already, and from now on everybody at once."""
        self._ready = ready
        waiting, self._waiting = self._waiting, {}
        for identity, hello in waiting.items():
            self._accept(identity, hello, ready)

    @property
    def waiting(self) -> list[bytes]:
        return list(self._waiting)

    def receive(self, identity: bytes, header: bytes, frames: list[memoryview]) -> None:
        """Never raises: whatever is wrong with a message is told to who sent it."""
        try:
            if len(frames) >= MAX_FRAMES:
                raise invalid_message(f"{len(frames) + 1} frames; at most {MAX_FRAMES} make a message")
            message = _HEADER.decode(header)
            if frames and not isinstance(message, Request):
                raise invalid_message("frames that belong to no tensor")
            self._handle(identity, message, frames)
        except GlipError as error:
            self._refuse(identity, _id_of(header), error)
        except Exception as error:
            # DecodeError and ValidationError, RecursionError, UnicodeDecodeError, MemoryError: all the header's fault.
            self._refuse(identity, _id_of(header), invalid_message(reason_of(error)))

    def _handle(self, identity: bytes, message: ClientMessage, frames: list[memoryview]) -> None:
        if isinstance(message, Ping):
            self._send(identity, Pong(id=message.id))
            return
        if isinstance(message, Hello):
            self._hello(identity, message)
            return
        client = self._clients.get(identity)
        if client is None:
            raise protocol_mismatch("hello", "an accepted hello first", type(message).__name__.lower())
        if isinstance(message, Request):
            self._request(client, message, frames)
        elif isinstance(message, Cancel):
            stopped = self._queue.stop(client, message.id)
            if stopped is not None:
                self.answer_stopped(stopped)
        elif isinstance(message, Credit):
            self._queue.add_credit(client, message.id, message.events)
        elif isinstance(message, Release) and client.memory is not None:
            client.memory.outgoing.release(message.segments)

    def answer_stopped(self, pending: Pending) -> None:
        """Answers a request that left the queue without having been started."""
        if isinstance(pending.stop, GlipError):
            self._send(pending.client.identity, error_message(pending.request.id, pending.stop))

    def _hello(self, identity: bytes, hello: Hello) -> None:
        if hello.protocol != PROTOCOL_VERSION:
            raise protocol_mismatch("protocol", str(PROTOCOL_VERSION), str(hello.protocol))
        if hello.schema != SCHEMA_HASH:
            raise protocol_mismatch("schema", SCHEMA_HASH, hello.schema)
        if self._clients.get(identity) is not None or identity in self._waiting:
            raise invalid_message("a second hello on one connection")
        if self._ready is not None:
            self._accept(identity, hello, self._ready)
        elif len(self._waiting) < MAX_WAITING:
            self._waiting[identity] = hello
        else:
            raise queue_full(len(self._waiting), MAX_WAITING)

    def _accept(self, identity: bytes, hello: Hello, ready: Ready) -> None:
        if len(self._clients) >= MAX_CLIENTS:
            raise queue_full(len(self._clients), MAX_CLIENTS)
        memory = self._open_memory(hello.shared_memory)
        self._clients.add(Client(identity, hello.max_frame_bytes, memory))
        self._send(identity, msgspec.structs.replace(ready, id=hello.id, shared_memory=memory is not None))

    def _open_memory(self, path: str | None) -> SharedMemory | None:
        # Only for clients of this host: to another one's, the path would name some directory of ours.
        if path is None or not self._settings.shared_memory or not self._settings.is_local:
            return None
        try:
            memory = SharedMemory(path)
        except (ValueError, OSError) as error:
            self._log.warning(f"no shared memory with a client: {error}")
            return None
        register_directory(self._settings.run_dir, path)
        return memory

    def _request(self, client: Client, request: Request, frames: list[memoryview]) -> None:
        if request.id in client.pending:
            # Answering under this number would end the request that has it.
            self._refuse(client.identity, 0, invalid_message(f"the id {request.id} belongs to an unfinished request"))
            return
        self._queue.add(Pending(client, request, frames))

    def _refuse(self, identity: bytes, request_id: int, error: GlipError) -> None:
        if error.code == "invalid_message":
            self._log.warning(f"a client's message was refused: {error.details['reason'][:500]}")
        self._send(identity, error_message(request_id, error))


def error_message(request_id: int, error: GlipError) -> Error:
    return Error(id=request_id, code=error.code, message=error.message, details=error.details)


def _id_of(header: bytes) -> int:
    """The request's number, if that much of the header can be read; 0 otherwise."""
    try:
        number: int = msgspec.msgpack.decode(header, type=_Head).id
    except Exception:
        return 0
    return number if 0 < number < 2**32 else 0
