"""How a worker starts and ends, with and without its parent's consent."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from worker_client import Client, WorkerProcess, connected, settings, spawn, wait_until

from glip_worker.settings import parse_settings
from glip_worker.watchdog import REGISTER, clean


@pytest.fixture
def run_dir() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="glip-", ignore_cleanup_errors=True) as path:
        yield path


def outcome(line: bytes) -> tuple[int, str]:
    """Exit code and stderr of a worker that gets this line."""
    process = spawn(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        if line.endswith(b"\n"):  # the end of stdin would end a worker that has its settings
            process.wait(60)
        _, text = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, text.decode()


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"unknown": 1}, "unknown"),
        ({"device": "cpu0"}, "device"),
        ({"limits": {"max_frame_bytes": 1, "max_pending": 1, "max_queue": 1}}, "limits.max_frame_bytes"),
        ({"threads": 0}, "threads"),
        ({"endpoint": "udp://x"}, "endpoint"),
        ({"endpoint": "tcp://127.0.0.1:0"}, "curve"),
        ({"curve": {"secret_key": "short", "public_key": "x" * 40, "clients": []}}, "curve.secret_key"),
        ({"run_dir": "/nowhere/at/all"}, "run_dir"),
        ({"plugins": "x"}, "plugins"),
    ],
)
def test_settings_that_do_not_fit(run_dir: str, change: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse_settings(json.dumps({**settings(run_dir), **change}).encode())


def test_every_setting_is_needed(run_dir: str) -> None:
    given = settings(run_dir)
    for name in given:
        with pytest.raises(ValueError, match=name):
            parse_settings(json.dumps({key: value for key, value in given.items() if key != name}).encode())


@pytest.mark.parametrize("line", [b"nonsense\n", b"\n", b"[]\n", b"", b"{"])
def test_a_broken_line_of_settings(line: bytes) -> None:
    code, text = outcome(line)
    assert code == 2
    assert "error glip_worker: " in text
    assert "stdin" in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"engine": "nonsense"}, "no engine 'nonsense'"),
        ({"engine_options": {"x": 1}}, "no options, got x"),
        ({"device": "cuda:99"}, "no device cuda:99"),
        ({"plugins": ["no_such_plugin"]}, "No module named 'no_such_plugin'"),
        ({"plugins": ["json"]}, "no function register"),
        ({"endpoint": "ipc:///nowhere/at/all/worker.sock"}, "cannot listen at ipc:///nowhere/at/all/worker.sock"),
    ],
)
def test_a_start_that_fails(run_dir: str, change: dict[str, Any], text: str) -> None:
    code, log = outcome(json.dumps({**settings(run_dir), **change}).encode() + b"\n")
    assert code == 1
    assert text in log
    wait_until(lambda: not os.path.exists(run_dir), 2)


def test_hello_before_ready() -> None:
    with WorkerProcess() as worker, Client(worker.endpoint) as client:
        client.send({"kind": "ping", "id": 1})
        assert type(client.receive()).__name__ == "Pong"
        early = client.call("diagnostics.echo", {"value": 1})
        assert type(early).__name__ == "Error"
        assert early.code == "protocol_mismatch"
        assert client.hello().pid == worker.process.pid


def test_a_failed_start_says_goodbye() -> None:
    with WorkerProcess(engine="nonsense") as worker, Client(worker.endpoint) as client:
        goodbye = client.hello()
        assert "no engine" in goodbye.reason


@pytest.mark.parametrize("method", ["diagnostics.count", "test.spin", "test.block"])
@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_politely(method: str, name: signal.Signals) -> None:
    params = {
        "diagnostics.count": {"steps": 1, "pause_ms": 60_000},
        "test.spin": {},
        "test.block": {"seconds": 60},
    }[method]
    with connected(plugins=["sample_plugin"]) as (worker, client):
        client.request(method, params)
        assert client.quiet(0.1)
        start = time.monotonic()
        worker.process.send_signal(name)
        goodbye = client.receive(1)
        assert "signal" in goodbye.reason
        assert time.monotonic() - start < 0.5
        # A method that does not listen is given a few seconds.
        assert worker.process.wait(5) == (1 if method == "test.block" else 0)


def test_the_end_of_stdin_ends_it() -> None:
    with connected() as (worker, _):
        assert worker.process.stdin is not None
        start = time.monotonic()
        worker.process.stdin.close()
        worker.process.wait(2)
        assert time.monotonic() - start < 1
        assert worker.process.returncode == -signal.SIGKILL


PARENT = """
import json, os, sys
sys.path[:0] = sys.argv[1:3]
from worker_client import Client, WorkerProcess
worker = WorkerProcess(plugins=["sample_plugin"])
client = Client(worker.endpoint)
client.hello()
os.unlink(worker.log.name)
child = client.call("test.spawn_child", {}).value["pid"]
print(json.dumps([worker.process.pid, child, worker.run_dir]), flush=True)
client.request(*json.loads(sys.argv[3]))
sys.stdin.read()
"""


def parent_of_worker(request: list[Any]) -> tuple[subprocess.Popen[bytes], int, int, str]:
    """A process that has a worker, which has a child and runs a request."""
    here = Path(__file__).resolve().parent
    command = [sys.executable, "-c", PARENT, str(here), str(here.parents[1]), json.dumps(request)]
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    worker, child, run_dir = json.loads(parent.stdout.readline())
    time.sleep(0.2)
    assert alive(worker)
    assert alive(child)
    return parent, worker, child, run_dir


@pytest.mark.parametrize(
    "request_",
    [["diagnostics.echo", {"value": 1}], ["test.spin", {}], ["test.hold_gil", {"seconds": 30}]],
    ids=["idle", "computing", "holding the GIL"],
)
def test_kill_9_of_the_parent(request_: list[Any]) -> None:
    parent, worker, child, run_dir = parent_of_worker(request_)
    parent.kill()
    start = time.monotonic()
    wait_until(lambda: not alive(worker) and not alive(child) and not os.path.exists(run_dir), 5)
    took = time.monotonic() - start
    parent.communicate()
    assert took < 1


def test_kill_9_of_the_worker() -> None:
    parent, worker, child, run_dir = parent_of_worker(["diagnostics.echo", {"value": 1}])
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: not alive(child) and not os.path.exists(run_dir), 1)
    parent.kill()
    parent.communicate()


def test_kill_9_of_the_workers_group_still_cleans_up() -> None:
    parent, worker, child, run_dir = parent_of_worker(["diagnostics.echo", {"value": 1}])
    os.killpg(worker, signal.SIGKILL)
    wait_until(lambda: not alive(worker) and not alive(child) and not os.path.exists(run_dir), 1)
    parent.kill()
    parent.communicate()


def test_the_watchdog_leaves_nothing_and_holds_no_pipe() -> None:
    with connected() as (worker, _):
        children = Path(f"/proc/{worker.process.pid}/task/{worker.process.pid}/children").read_text().split()
        assert len(children) == 1
        watchdog = int(children[0])
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(watchdog, name)
        time.sleep(0.1)
        assert alive(watchdog)
        open_files = {os.readlink(path) for path in Path(f"/proc/{watchdog}/fd").iterdir()}
        assert not any("glip-" in name or "/dev/null" in name for name in open_files), open_files
        assert len(open_files) <= 2
        worker.process.terminate()
        worker.process.wait(5)
        wait_until(lambda: not alive(watchdog), 1)


def test_what_the_watchdog_removes(run_dir: str) -> None:
    with tempfile.TemporaryDirectory() as elsewhere:
        paths = {name: os.path.join(elsewhere, name) for name in ("segments", "precious", "open")}
        for path in paths.values():
            os.mkdir(path, 0o700)
        Path(paths["segments"], "c-1").write_text("x")
        Path(paths["segments"], "w-0-ab").write_text("x")
        Path(paths["precious"], "Thesis.docx").write_text("x")
        Path(paths["precious"], "c-1").write_text("x")
        os.chmod(paths["open"], 0o755)
        os.mkdir(os.path.join(run_dir, "folder"))
        Path(run_dir, "folder", "file").write_text("x")
        os.symlink(elsewhere, os.path.join(run_dir, "link"))
        Path(run_dir, REGISTER).write_text("".join(f"{path}\n" for path in [*paths.values(), "/nowhere", "relative"]))
        clean(run_dir)
        assert sorted(os.listdir(elsewhere)) == ["open", "precious"]
        assert len(os.listdir(paths["precious"])) == 2
        assert not os.path.exists(run_dir)


def test_the_endpoint_file_and_the_socket_are_private() -> None:
    with connected() as (worker, _):
        assert worker.endpoint == f"ipc://{worker.run_dir}/worker.sock"
        assert os.stat(f"{worker.run_dir}/worker.sock").st_mode & 0o077 == 0
        assert sorted(os.listdir(worker.run_dir)) == ["endpoint", "worker.sock"]


def keys() -> tuple[dict[str, Any], tuple[str, bytes, bytes]]:
    """Settings of a server, and what the one client that it knows needs."""
    server_public, server_secret = zmq.curve_keypair()
    public, secret = zmq.curve_keypair()
    clients = [public.decode()]
    curve = {"secret_key": server_secret.decode(), "public_key": server_public.decode(), "clients": clients}
    return curve, (server_public.decode(), public, secret)


def test_curve_lets_in_exactly_the_keys_it_was_given() -> None:
    curve, known = keys()
    with WorkerProcess(endpoint="tcp://127.0.0.1:0", curve=curve) as worker:
        endpoint = worker.endpoint
        assert not endpoint.endswith(":0")
        with Client(endpoint, known) as client:
            assert type(client.hello()).__name__ == "Ready"
            assert client.call("diagnostics.echo", {"value": 1}).value == {"value": 1}
        stranger = (known[0], *zmq.curve_keypair())
        wrong_server = (zmq.curve_keypair()[0].decode(), known[1], known[2])
        for refused in (stranger, wrong_server, None):
            with Client(endpoint, refused) as client:
                client.send({"kind": "ping", "id": 1})
                assert client.quiet(0.5)
        assert "unknown key" in worker.log_text()
        with Client(endpoint, known) as client:
            assert type(client.hello()).__name__ == "Ready"


def test_keys_that_are_none(run_dir: str) -> None:
    curve = {"secret_key": "~" * 40, "public_key": "~" * 40, "clients": []}
    line = json.dumps(settings(run_dir, endpoint="tcp://127.0.0.1:0", curve=curve)).encode() + b"\n"
    code, text = outcome(line)
    assert code == 1
    assert "cannot listen" in text
