"""A worker in a process of its own, and a bare pyzmq DEALER that talks to it: what the tests drive."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec
import zmq

from glip_worker.codec import MessageReader, MessageWriter
from glip_worker.protocol.messages import PROTOCOL_VERSION, SCHEMA_HASH, WorkerMessage
from glip_worker.shared_memory import IncomingSegments, OutgoingSegments

PACKAGES = Path(__file__).resolve().parent.parent.parent
PLUGINS = Path(__file__).resolve().parent / "plugins"

#: Generous: a loaded machine imports torch slowly.
START_SECONDS = 60.0


def settings(run_dir: str, **changes: Any) -> dict[str, Any]:
    """The line of settings, as the SDK writes it."""
    return {
        "sdk": "0.1.0",
        "endpoint": f"ipc://{run_dir}/worker.sock",
        "run_dir": run_dir,
        "device": "cpu",
        "engine": "none",
        "engine_options": {},
        "plugins": [],
        "python_path": [str(PLUGINS)],
        "curve": None,
        "limits": {"max_frame_bytes": 2**30, "max_pending": 64, "max_queue": 128},
        "window": None,
        "shared_memory": True,
        "threads": 1,
        **changes,
    }


def spawn(line: bytes, **options: Any) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, *(["-P"] if sys.version_info >= (3, 11) else []), "-m", "glip_worker"],
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PACKAGES)},
        **options,
    )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(line)
        process.stdin.flush()
    return process


class WorkerProcess:
    """Started at once; ends with the `with` block."""

    def __init__(self, **changes: Any) -> None:
        self.run_dir = tempfile.mkdtemp(prefix="glip-")
        self.log = open(os.path.join(tempfile.gettempdir(), f"{os.path.basename(self.run_dir)}.log"), "w+b")  # noqa: SIM115
        line = json.dumps(settings(self.run_dir, **changes)).encode() + b"\n"
        self.process = spawn(line, stdout=subprocess.DEVNULL, stderr=self.log)

    @property
    def endpoint(self) -> str:
        path = Path(self.run_dir, "endpoint")
        wait_until(lambda: path.exists() or self.process.poll() is not None, START_SECONDS)
        return path.read_text()

    def log_text(self) -> str:
        return Path(self.log.name).read_text()

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)
        self.log.close()
        wait_until(lambda: not os.path.exists(self.run_dir), 5)
        os.unlink(self.log.name)


class Client:
    """Sends what it is told, right or wrong; `receive` decodes what comes."""

    def __init__(self, endpoint: str, curve: tuple[str, bytes, bytes] | None = None) -> None:
        self.context = zmq.Context()
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.sndhwm = self.socket.rcvhwm = 100_000
        if curve is not None:
            server, public, secret = curve
            self.socket.curve_serverkey = server.encode()
            self.socket.curve_publickey, self.socket.curve_secretkey = public, secret
        self.socket.connect(endpoint)
        self.incoming: IncomingSegments | None = None
        self.outgoing: OutgoingSegments | None = None
        self._id = 0

    def close(self) -> None:
        self.context.destroy(linger=0)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, message: dict[str, Any]) -> None:
        writer = MessageWriter(self.outgoing)
        header = msgspec.msgpack.encode(message, enc_hook=writer._extension)
        self.socket.send_multipart([header, *writer._frames], copy=False)

    def hello(self, **changes: Any) -> Any:
        message = {
            "kind": "hello",
            "id": 1,
            "protocol": PROTOCOL_VERSION,
            "schema": SCHEMA_HASH,
            "sdk": "0.1.0",
            "max_frame_bytes": 2**30,
            "shared_memory": None,
            **changes,
        }
        self.send(message)
        return self.receive(START_SECONDS)

    def request(self, method: str, params: Any, *, id: int | None = None, **changes: Any) -> int:
        self._id += 1
        number = self._id if id is None else id
        message = {"kind": "request", "id": number, "method": method, "params": params}
        self.send({**message, "deadline_ms": None, "credit": None, **changes})
        return number

    def call(self, method: str, params: Any, **changes: Any) -> Any:
        """The next message after a request."""
        self.request(method, params, **changes)
        return self.receive()

    def receive(self, seconds: float = 20.0) -> Any:
        """The next message that is no probe; AssertionError when none comes."""
        end = time.monotonic() + seconds
        while True:
            assert self.socket.poll(max(0, end - time.monotonic()) * 1000), "nothing came"
            header, *frames = self.socket.recv_multipart(copy=False)
            reader = MessageReader([frame.buffer for frame in frames], self.incoming)
            message: Any = reader.read(header.bytes, WorkerMessage)  # type: ignore[arg-type]
            if type(message).__name__ != "Probe":
                return message

    def quiet(self, seconds: float) -> bool:
        """Whether nothing but probes comes for so long."""
        try:
            self.receive(seconds)
        except AssertionError:
            return True
        return False


def wait_until(condition: Any, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.005)


@contextlib.contextmanager
def connected(**changes: Any) -> Iterator[tuple[WorkerProcess, Client]]:
    """A worker and an accepted client."""
    with WorkerProcess(**changes) as worker, Client(worker.endpoint) as client:
        ready = client.hello()
        assert type(ready).__name__ == "Ready", ready
        yield worker, client
