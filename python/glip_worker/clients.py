"""The clients whose `hello` was accepted: what each may receive, what it waits for, what waits for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from glip_worker.pending import Pending
from glip_worker.shared_memory import SharedMemory

Frames = Sequence[bytes | memoryview]

#: More clients than this at once are refused.
MAX_CLIENTS = 256

#: Unsent answers of one client from which on a stream waits, whatever its credit.
MAX_UNSENT = 32

#: Messages kept for a client whose socket is full; a client that asks for so much and reads so little is dropped.
MAX_OUTGOING = 1000


class Client:
    """One accepted connection. A client that comes back is a new one: ZeroMQ names each connection anew."""

    def __init__(self, identity: bytes, max_frame_bytes: int, memory: SharedMemory | None) -> None:
        self.identity = identity
        self.max_frame_bytes = max_frame_bytes
        self.memory = memory
        #: Unfinished requests by id. Guarded by the queue's lock.
        self.pending: dict[int, Pending] = {}
        #: Messages that its socket had no room for. Guarded by the IO thread's lock.
        self.outgoing: deque[Frames] = deque()
        self.gone = False

    @property
    def congested(self) -> bool:
        return len(self.outgoing) >= MAX_UNSENT


class Clients:
    """Guarded by the IO thread's lock."""

    def __init__(self) -> None:
        self._clients: dict[bytes, Client] = {}

    def __len__(self) -> int:
        return len(self._clients)

    def __iter__(self) -> Iterator[Client]:
        return iter(list(self._clients.values()))

    def get(self, identity: bytes) -> Client | None:
        return self._clients.get(identity)

    def add(self, client: Client) -> None:
        self._clients[client.identity] = client

    def remove(self, client: Client) -> None:
        client.gone = True
        client.outgoing.clear()
        if self._clients.get(client.identity) is client:
            del self._clients[client.identity]
        if client.memory is not None:
            client.memory.close()
