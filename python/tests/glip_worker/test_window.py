"""The window, with pythonia's own Bridge.py and the lines that its JavaScript half would write."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from worker_client import Client, WorkerProcess, connected, wait_until

BRIDGE = Path(__file__).resolve().parents[3] / "node_modules" / "pythonia" / "src" / "pythonia"

pytestmark = pytest.mark.skipif(not BRIDGE.is_dir(), reason="the npm package pythonia is not installed")


class Window:
    """One connection."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.socket.settimeout(10)
        self.lines = self.socket.makefile("rw", encoding="utf-8")
        self.number = 0

    def ask(self, action: str, key: list[Any], val: Any = None, ffid: int = 0) -> dict[str, Any]:
        self.number += 1
        self.write(json.dumps({"r": self.number, "action": action, "ffid": ffid, "key": key, "val": val}))
        answer: dict[str, Any] = json.loads(self.lines.readline())
        assert answer["r"] == self.number
        return answer

    def call(self, *arguments: Any, key: list[Any]) -> dict[str, Any]:
        return self.ask("pcall", key, [list(arguments), {}])

    def write(self, line: str) -> None:
        self.lines.write(f"{line}\n")
        self.lines.flush()

    def close(self) -> None:
        self.lines.close()
        self.socket.close()


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[WorkerProcess, Client, str]]:
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "window.sock")
        with connected(window={"socket": path, "bridge": str(BRIDGE)}) as (worker, client):
            yield worker, client, path


@pytest.fixture
def window(opened: tuple[WorkerProcess, Client, str]) -> Iterator[Window]:
    one = Window(opened[2])
    yield one
    one.close()


def scope(window: Window) -> int:
    number: int = window.call(key=["worker"])["val"]
    return number


def test_the_socket_is_private(opened: tuple[WorkerProcess, Client, str]) -> None:
    assert os.stat(opened[2]).st_mode & 0o777 == 0o600


def test_the_running_worker_is_seen(window: Window) -> None:
    root = scope(window)
    assert window.ask("get", ["engine", "name"], ffid=root)["val"] == "none"
    assert window.ask("get", ["device", "type"], ffid=root)["val"] == "cpu"
    assert "diagnostics.echo" in window.ask("value", ["registry", "names"], ffid=root)["val"]
    assert window.call("1 + 1", key=["eval"])["val"] == 2


def test_what_has_no_json_form_is_an_error(opened: tuple[WorkerProcess, Client, str], window: Window) -> None:
    root = scope(window)
    answer = window.ask("value", ["settings"], ffid=root)
    assert answer["key"] == "error"
    assert "TypeError" in answer["sig"]
    number = window.call("{'bytes': b'x', 'nested': [object()]}", key=["eval"])["val"]
    assert window.ask("value", [], ffid=number)["key"] == "error"
    assert opened[0].process.poll() is None


def test_nothing_asked_here_ends_the_worker(opened: tuple[WorkerProcess, Client, str], window: Window) -> None:
    worker, client, _ = opened
    for expression in ("exit()", "1 / 0", "__import__('sys').exit(3)", "(_ for _ in ()).throw(KeyboardInterrupt)"):
        answer = window.call(expression, key=["eval"])
        assert answer["key"] == "error"
        assert answer["sig"]
    for line in (
        "nonsense",
        "[]",
        "1",
        "{}",
        '{"r": 1}',
        '{"r": 9, "action": "nope", "ffid": 0, "key": [], "val": null}',
    ):
        window.write(line)
        assert json.loads(window.lines.readline())["key"] == "error"
    assert window.call("2 + 2", key=["eval"])["val"] == 4
    assert client.call("diagnostics.echo", {"value": 1}).value == {"value": 1}
    assert worker.process.poll() is None


def test_connections_do_not_share_objects(opened: tuple[WorkerProcess, Client, str], window: Window) -> None:
    number = scope(window)
    other = Window(opened[2])
    assert other.ask("get", ["engine"], ffid=number)["key"] == "error"
    other.socket.sendall(b"\xff\xfe\n")
    wait_until(lambda: other.socket.recv(100) == b"", 5)
    other.close()
    assert window.ask("get", ["engine", "name"], ffid=number)["val"] == "none"


def test_a_wrong_directory() -> None:
    with tempfile.TemporaryDirectory() as directory:
        window = {"socket": os.path.join(directory, "w.sock"), "bridge": directory}
        with WorkerProcess(window=window) as worker:
            assert worker.process.wait(60) == 1
            assert "Bridge.py cannot be loaded" in worker.log_text()
