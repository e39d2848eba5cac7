"""The worker reads what the SDK writes, and writes what the SDK reads: byte by byte, from the same files."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from fixtures import comparable, encode, read_fixtures, revive

from glip_worker.codec import MessageReader
from glip_worker.protocol.messages import ClientMessage, Request, WorkerMessage
from glip_worker.shared_memory import IncomingSegments

CLIENT = read_fixtures("client")
WORKER = read_fixtures("worker")


@pytest.mark.parametrize("name", CLIENT)
def test_reads_what_a_client_sends(name: str, tmp_path: Path) -> None:
    fixture = CLIENT[name]
    for segment, content in fixture.get("segments", {}).items():
        (tmp_path / segment).write_bytes(bytes.fromhex(content))
    directory = os.open(tmp_path, os.O_RDONLY)
    try:
        segments = IncomingSegments(directory, threading.Lock())
        frames = [memoryview(bytes.fromhex(frame)) for frame in fixture["frames"]]
        message: Any = msgspec.msgpack.decode(bytes.fromhex(fixture["hex"]), type=ClientMessage)
        read = {"kind": fixture["kind"], **msgspec.structs.asdict(message)}
        if isinstance(message, Request):
            read["params"] = MessageReader(frames, segments).read(message.params, dict[str, Any])
        assert type(message).__struct_config__.tag == fixture["kind"]
        assert comparable(read) == comparable(revive(fixture))
        segments.close()
    finally:
        os.close(directory)


@pytest.mark.parametrize("name", WORKER)
def test_writes_what_a_client_is_tested_with(name: str) -> None:
    fixture = WORKER[name]
    assert encode(fixture) == [fixture["hex"], *fixture["frames"]]


def test_every_kind_has_a_fixture() -> None:
    for union, fixtures in ((ClientMessage, CLIENT), (WorkerMessage, WORKER)):
        declared = {struct.__struct_config__.tag for struct in get_args(union)}
        assert {fixture["kind"] for fixture in fixtures.values()} == declared
