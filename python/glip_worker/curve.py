"""CURVE (RFC 26): the worker is the server, and lets in exactly the client keys that it was given."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import zmq
from zmq.utils import z85

from glip_worker.log import LimitedLog
from glip_worker.settings import CurveSettings

LOG = logging.getLogger("glip_worker.curve")

DOMAIN = b"glip"


def make_curve_server(socket: zmq.Socket[bytes], keys: CurveSettings) -> None:
    socket.setsockopt(zmq.CURVE_SERVER, 1)
    socket.setsockopt(zmq.CURVE_SECRETKEY, keys.secret_key.encode())
    socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.public_key.encode())
    socket.setsockopt(zmq.ZAP_DOMAIN, DOMAIN)


class Doorkeeper:
    """Answers ZAP (RFC 27) for the sockets of one context. Polled by the IO thread: it needs none of its own."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], clients: Iterable[str]) -> None:
        self._allowed = frozenset(z85.decode(key) for key in clients)
        self._log = LimitedLog(LOG)
        #: Bound before any other socket, so that nobody gets in unseen.
        self.socket: zmq.Socket[bytes] = context.socket(zmq.REP)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.bind("inproc://zeromq.zap.01")

    def answer(self) -> None:
        version, request, domain, address, _identity, mechanism, *credentials = self.socket.recv_multipart()
        allowed = domain == DOMAIN and mechanism == b"CURVE" and credentials[:1] and credentials[0] in self._allowed
        if not allowed:
            self._log.warning(f"a client at {address.decode(errors='replace')} was refused: unknown key")
        status = [b"200", b"OK"] if allowed else [b"400", b"unknown client key"]
        self.socket.send_multipart([version, request, *status, b"", b""])
