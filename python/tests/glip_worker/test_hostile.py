"""Any bytes as frames: nothing dies, nothing grows, each bad message is answered or dropped."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from test_requests import memory_of
from worker_client import Client, WorkerProcess, wait_until

from glip_worker.codec import IN_FRAME, IN_SEGMENT

pack = msgspec.msgpack.encode
HELLO = {"kind": "hello", "id": 1, "protocol": 1, "schema": "", "sdk": "", "max_frame_bytes": 1, "shared_memory": None}
REQUEST = {"kind": "request", "id": 7, "method": "diagnostics.echo", "deadline_ms": None, "credit": None}


def request(value: Any, **changes: Any) -> bytes:
    return pack({**REQUEST, "params": {"value": value}, **changes})


def raw(value: bytes) -> bytes:
    """A request whose `params` is `{"value": <these bytes>}`."""
    return pack({**REQUEST, "params": 0}).replace(b"\xa6params\x00", b"\xa6params\x81\xa5value" + value)


def answer(client: Client, *frames: bytes) -> Any:
    client.socket.send_multipart(frames)
    return client.receive()


@pytest.mark.parametrize(
    ("frames", "number", "reason"),
    [
        ([b""], 0, "truncated"),
        ([b"\xc1"], 0, "malformed"),
        ([b"\x93\1\2\3"], 0, "array"),
        ([pack({})], 0, "kind"),
        ([pack({"kind": "nonsense", "id": 4})], 4, "nonsense"),
        ([pack({"kind": 3, "id": 4})], 4, "kind"),
        ([pack({"kind": "ping"})], 0, "id"),
        ([pack({"kind": "ping", "id": 0})], 0, ">= 1"),
        ([pack({"kind": "ping", "id": 2**32})], 0, "<= 4294967295"),
        ([pack({"kind": "ping", "id": -1})], 0, ">= 1"),
        ([pack({"kind": "ping", "id": "1"})], 0, "int"),
        ([pack({"kind": "ping", "id": 4, "extra": 1})], 4, "extra"),
        ([pack({"kind": "ping", "id": 4}), b"frame"], 4, "no tensor"),
        ([pack({"kind": "ping", "id": 4}) + b"\0"], 0, "trailing"),
        ([pack({"kind": "release", "segments": ["../x"]})], 0, "segments"),
        ([pack({"kind": "release", "segments": [1]})], 0, "segments"),
        ([request(1), b"frame"], 7, "no tensor"),
        ([request(1), *[b""] * 5000], 7, "frames"),
        ([request(1, deadline_ms=-1)], 7, "deadline_ms"),
        ([request(1, credit=1.5)], 7, "credit"),
        ([request(1, method=None)], 7, "method"),
        ([request(msgspec.msgpack.Ext(5, b"x"))], 7, "unknown extension 5"),
        ([request(msgspec.msgpack.Ext(0, b"\0"))], 7, "undefined"),
        ([request(msgspec.msgpack.Ext(IN_FRAME, pack(["uint8", [9], 0]))), b"short"], 7, "9 bytes"),
        ([request(msgspec.msgpack.Ext(IN_SEGMENT, pack(["uint8", [9], "c-1", 0])))], 7, "not agreed"),
        ([raw(b"\x91" * 100_000 + b"\xc0")], 0, "nested"),
        ([raw(b"\xdd\xff\xff\xff\xff")], 0, "truncated"),
        ([raw(b"\xdf\xff\xff\xff\xff")], 0, "truncated"),
        ([raw(b"\xdb\xff\xff\xff\xff")], 0, "truncated"),
        ([raw(b"\xc6\xff\xff\xff\xff")], 0, "truncated"),
        ([b"\x81\xa4kind\xa4pi\xff\xff"], 0, "utf-8"),
        ([b"\xdf\xff\xff\xff\xff"], 0, ""),
    ],
)
def test_broken_messages(client: Client, frames: list[bytes], number: int, reason: str) -> None:
    error = answer(client, *frames)
    assert (error.id, error.code) == (number, "invalid_message"), error
    assert reason in error.details["reason"]


def test_bad_utf8_in_parameters(client: Client) -> None:
    for message in (raw(b"\xa2\xff\xfe"), raw(b"\xd9\x03\xed\xa0\x80")):
        # deadline_ms and credit stand before params here, so the id is known.
        assert answer(client, message).code == "invalid_message"


def test_parameters_nested_as_deep_as_they_may(client: Client) -> None:
    value: Any = 1
    for _ in range(150):
        value = [value]
    assert client.call("diagnostics.echo", {"value": value}).value == {"value": value}


def test_odd_keys(client: Client) -> None:
    for value in (b"\x81\x01\x02", b"\x81\xc0\x02", b"\x81\x90\xc0", b"\x82\xa1a\x01\xa1a\x02"):
        assert type(answer(client, raw(value))).__name__ == "Result"
    for value in (b"\x81\x80\xc0", b"\x81\x91\x80\xc0"):
        assert answer(client, raw(value)).code == "invalid_message"


def test_nothing_before_hello(worker: WorkerProcess) -> None:
    with Client(worker.endpoint) as client:
        for message in (
            request(1),
            pack({"kind": "cancel", "id": 7}),
            pack({"kind": "credit", "id": 7, "events": 1}),
            pack({"kind": "release", "segments": []}),
        ):
            client.socket.send(message)
            error = client.receive()
            assert error.code == "protocol_mismatch"
            assert error.id in (7, 0)


def mutations(count: int) -> list[list[bytes]]:
    """Random bytes, and valid messages with bytes changed, cut, doubled or moved."""
    dice = random.Random(7)
    tensor = msgspec.msgpack.Ext(IN_FRAME, pack(["float32", [2, 2], 0]))
    valid = [
        [request({"a": [1, 2.5, None, "é"], "b": b"xyz"})],
        [request([tensor, {"t": tensor}]), bytes(16)],
        [pack({**REQUEST, "method": "diagnostics.describe", "params": {"tensor": tensor}}), bytes(16)],
        [pack({**REQUEST, "method": "diagnostics.generate", "params": {"dtype": "int8", "shape": [3]}})],
        [pack({"kind": "cancel", "id": 7})],
        [pack({"kind": "credit", "id": 7, "events": 3})],
        [pack({"kind": "release", "segments": ["w-1", "w-2"]})],
        [
            pack(
                {
                    "kind": "hello",
                    "id": 1,
                    "protocol": 1,
                    "schema": "",
                    "sdk": "",
                    "max_frame_bytes": 1,
                    "shared_memory": "/",
                }
            )
        ],
    ]
    messages = []
    for _ in range(count):
        if dice.random() < 0.2:
            messages.append([dice.randbytes(dice.randrange(80)) for _ in range(dice.randrange(1, 4))])
            continue
        frames = [bytearray(frame) for frame in dice.choice(valid)]
        for _ in range(dice.randrange(1, 6)):
            target = dice.choice(frames)
            if not target:
                continue
            at = dice.randrange(len(target))
            match dice.randrange(4):
                case 0:
                    target[at] = dice.randrange(256)
                case 1:
                    del target[at:]
                case 2:
                    target[at:at] = dice.randbytes(dice.randrange(1, 9))
                case 3:
                    frames.append(bytearray(target))
        messages.append([bytes(frame) for frame in frames])
    return messages


def test_ten_thousand_broken_messages(worker: WorkerProcess) -> None:
    messages = mutations(10_000)
    memory = []
    with Client(worker.endpoint) as client:
        client.hello(max_frame_bytes=2**20)
        for start in range(0, len(messages), 500):
            for message in messages[start : start + 500]:
                client.socket.send_multipart(message)
            # A mutated method or deadline may run or wait, but never for long: everything is answered in time.
            client.send({"kind": "ping", "id": 4_000_000_000})
            while getattr(client.receive(), "id", 0) != 4_000_000_000:
                pass
            memory.append(memory_of(worker))
    assert worker.process.poll() is None
    # The first messages may still touch code and pools for the first time.
    assert max(memory) - memory[4] < 10e6, memory
    with Client(worker.endpoint) as client:
        client.hello()
        assert client.call("diagnostics.echo", {"value": 1}).value == {"value": 1}
    refusals = worker.log_text().count("message was refused")
    assert 0 < refusals < 1000


def test_connections_that_say_nothing_cost_nothing(worker: WorkerProcess, client: Client) -> None:
    before = memory_of(worker)
    for _ in range(200):
        with Client(worker.endpoint) as silent:
            silent.send({"kind": "ping", "id": 1})
            silent.receive()
    assert memory_of(worker) - before < 10e6
    assert client.call("diagnostics.echo", {"value": 1}).value == {"value": 1}


def test_a_flood_that_reads_no_answer_is_dropped(worker: WorkerProcess, client: Client) -> None:
    with Client(worker.endpoint) as flood:
        flood.socket.rcvhwm = 1
        flood.hello()
        message = pack({"kind": "nonsense" * 500})
        for _ in range(5000):
            flood.socket.send(message)
        assert client.call("diagnostics.echo", {"value": 1}).value == {"value": 1}
        wait_until(lambda: "does not read its answers" in worker.log_text(), 10)
    assert client.call("diagnostics.echo", {"value": 1}).value == {"value": 1}


def test_too_large_a_frame_costs_its_sender_the_connection(worker: WorkerProcess, client: Client) -> None:
    with Client(worker.endpoint) as large:
        large.hello()
        large.socket.send_multipart([request(1), bytes(64 * 2**20 + 1)])
        assert large.quiet(0.3)
    assert client.call("diagnostics.echo", {"value": 1}).value == {"value": 1}
