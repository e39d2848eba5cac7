"""Tensors through shared memory, with the client that owns the directory in this process."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy
import pytest
from msgspec.msgpack import Ext, encode
from worker_client import Client, WorkerProcess, connected, wait_until

from glip_worker.codec import IN_SEGMENT
from glip_worker.shared_memory import THRESHOLD_BYTES, SharedMemory


@pytest.fixture
def directory() -> Iterator[str]:
    base = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=base, ignore_cleanup_errors=True) as path:
        yield path


@pytest.fixture
def sharing(worker: WorkerProcess, directory: str) -> Iterator[Client]:
    memory = SharedMemory(directory)
    with Client(worker.endpoint) as client:
        assert client.hello(shared_memory=directory).shared_memory is True
        client.incoming, client.outgoing = memory.incoming, memory.outgoing
        yield client
    memory.close()


def test_both_ways(sharing: Client, directory: str) -> None:
    array = numpy.arange(THRESHOLD_BYTES // 4 + 1, dtype="int32")
    result = sharing.call("diagnostics.describe", {"tensor": array})
    assert result.value["sum"] == float(array.sum(dtype="float64"))
    result = sharing.call("diagnostics.echo", {"value": [array, array[:3], {"again": array}]})
    first, small, again = result.value["value"][0], result.value["value"][1], result.value["value"][2]["again"]
    assert numpy.array_equal(first.numpy(), array)
    assert numpy.array_equal(again.numpy(), array)
    assert small.numpy().tolist() == [0, 1, 2]
    for name in os.listdir(directory):
        assert os.stat(os.path.join(directory, name)).st_mode & 0o077 == 0


def test_released_segments_are_written_again(sharing: Client, directory: str) -> None:
    sizes = []
    for _ in range(5):
        sharing.call("test.stored", {"size": 2 * THRESHOLD_BYTES})
        names = sorted(os.listdir(directory))
        sizes.append(len(names))
        sharing.send({"kind": "release", "segments": names})
    assert sizes == [1] * 5
    # Without a release, each answer has a segment of its own.
    for _ in range(3):
        sharing.call("test.stored", {"size": 2 * THRESHOLD_BYTES})
    assert len(os.listdir(directory)) == 3


def test_segments_go_with_the_client(worker: WorkerProcess, directory: str) -> None:
    with Client(worker.endpoint) as client:
        client.hello(shared_memory=directory)
        client.incoming = SharedMemory(directory).incoming
        client.call("test.stored", {"size": THRESHOLD_BYTES})
        assert len(os.listdir(directory)) == 1
        client.request("test.spin", {})
    wait_until(lambda: os.listdir(directory) == [], 6)


@pytest.mark.parametrize("mode", [0o755, 0o777])
def test_a_directory_that_others_reach_is_not_used(worker: WorkerProcess, directory: str, mode: int) -> None:
    os.chmod(directory, mode)
    with Client(worker.endpoint) as client:
        assert client.hello(shared_memory=directory).shared_memory is False
        assert client.call("test.stored", {"size": THRESHOLD_BYTES}).value["tensor"].bytes == THRESHOLD_BYTES
    assert "no shared memory with a client" in worker.log_text()


def test_a_directory_that_is_gone_is_no_error(sharing: Client, directory: str) -> None:
    os.rmdir(directory)
    assert sharing.call("test.stored", {"size": THRESHOLD_BYTES}).value["tensor"].bytes == THRESHOLD_BYTES


def test_refused_segments_are_told(sharing: Client, directory: str) -> None:
    os.symlink("/etc/hostname", os.path.join(directory, "c-link"))
    assert sharing.outgoing is not None
    name = sharing.outgoing.put(memoryview(bytes(100)))
    for segment, offset in (("c-link", 0), ("c-none", 0), (name, 1), (name, 2**20)):
        tensor = Ext(IN_SEGMENT, encode(["uint8", [1], segment, offset]))
        assert sharing.call("diagnostics.echo", {"value": tensor}).code == "invalid_message"


def test_switched_off(directory: str) -> None:
    with connected(shared_memory=False) as (worker, _), Client(worker.endpoint) as client:
        assert client.hello(shared_memory=directory).shared_memory is False


def test_the_watchdog_removes_the_directory(directory: str) -> None:
    Path(directory, "c-left").write_bytes(b"x")
    with connected() as (worker, _), Client(worker.endpoint) as client:
        client.hello(shared_memory=directory)
        worker.process.kill()
        wait_until(lambda: not os.path.exists(directory), 2)
