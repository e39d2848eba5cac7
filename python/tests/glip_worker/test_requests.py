"""What a client is told, through a worker in its own process."""

from __future__ import annotations

import time
from typing import Any

import numpy
import pytest
from worker_client import Client, WorkerProcess, wait_until

from glip_worker.protocol.messages import METHODS, PROTOCOL_VERSION, SCHEMA_HASH


def kind(message: Any) -> str:
    return type(message).__name__


def memory_of(worker: WorkerProcess) -> int:
    """Resident bytes."""
    with open(f"/proc/{worker.process.pid}/statm") as file:
        return int(file.read().split()[1]) * 4096


def free(client: Client) -> None:
    """Waits until nothing of anybody is running."""
    answer = client.call("diagnostics.echo", {"value": "free"})
    assert kind(answer) == "Result", answer


def test_ready(worker: WorkerProcess) -> None:
    with Client(worker.endpoint) as client:
        ready = client.hello(id=77)
    assert (ready.id, ready.protocol, ready.schema) == (77, PROTOCOL_VERSION, SCHEMA_HASH)
    assert ready.pid == worker.process.pid
    assert ready.engine == "none"
    assert {"sdk", "python", "torch", "pyzmq", "libzmq", "numpy"} <= ready.versions.keys()
    # The others are an engine's, and this worker has none.
    assert {name for name in METHODS if name.startswith("diagnostics.")} <= set(ready.methods)
    assert ready.device.type == "cpu"
    assert ready.device.memory_bytes > 2**28
    assert ready.limits.max_pending == 8
    assert ready.shared_memory is False


@pytest.mark.parametrize(("change", "field"), [({"protocol": 99}, "protocol"), ({"schema": "0" * 64}, "schema")])
def test_another_protocol_is_refused(worker: WorkerProcess, change: dict[str, Any], field: str) -> None:
    with Client(worker.endpoint) as client:
        error = client.hello(**change)
        assert (error.code, error.id, error.details["field"]) == ("protocol_mismatch", 1, field)
        assert client.call("diagnostics.echo", {"value": 1}).code == "protocol_mismatch"
        # The connection is not lost.
        assert kind(client.hello()) == "Ready"


def test_ping_needs_no_hello(worker: WorkerProcess) -> None:
    with Client(worker.endpoint) as client:
        client.send({"kind": "ping", "id": 5})
        assert client.receive().id == 5


def test_diagnostics(client: Client) -> None:
    value = {"text": "é", "list": [1, None, 2.5], "bytes": b"\0"}
    assert client.call("diagnostics.echo", {"value": value}).value == {"value": value}
    tensor = numpy.arange(6, dtype="float32").reshape(2, 3)
    assert client.call("diagnostics.describe", {"tensor": tensor}).value == {
        "dtype": "float32",
        "shape": [2, 3],
        "bytes": 24,
        "sum": 15.0,
    }
    for odd in (numpy.zeros((0, 2)), numpy.array([1.0, numpy.nan]), numpy.array([numpy.inf, -numpy.inf])):
        assert client.call("diagnostics.describe", {"tensor": odd}).value["sum"] is None


@pytest.mark.parametrize(
    ("dtype", "count", "last"),
    [
        ("bool", 6, 1),
        ("uint8", 300, 43),
        ("int8", 300, 43),
        ("int16", 70000, 70000 - 1 - 65536),
        ("int32", 10, 9),
        ("int64", 10, 9),
        ("float16", 2050, 1),
        ("float32", 10, 9),
        ("float64", 10, 9),
    ],
)
def test_generate(client: Client, dtype: str, count: int, last: int) -> None:
    tensor = client.call("diagnostics.generate", {"dtype": dtype, "shape": [count, 1]}).value["tensor"]
    assert (tensor.dtype, tensor.shape) == (dtype, (count, 1))
    assert tensor.numpy()[-1, 0] == last


def test_generate_of_any_size(client: Client) -> None:
    error = client.call("diagnostics.generate", {"dtype": "int64", "shape": [2**32 - 1] * 8})
    assert error.code in ("message_too_large", "worker_error")
    assert client.call("diagnostics.generate", {"dtype": "int64", "shape": [2**28]}).code == "message_too_large"
    assert client.call("diagnostics.generate", {"dtype": "int8", "shape": [0, 5]}).value["tensor"].shape == (0, 5)
    assert client.call("diagnostics.generate", {"dtype": "bfloat16", "shape": []}).value["tensor"].shape == ()


@pytest.mark.parametrize(
    ("method", "params", "path", "received"),
    [
        ("diagnostics.count", {"steps": "3", "pause_ms": 0}, "steps", "str"),
        ("diagnostics.count", {"steps": 3}, "pause_ms", "nothing"),
        ("diagnostics.count", {"steps": 3, "pause_ms": 0, "x": 1}, "x", "one"),
        ("diagnostics.count", {"steps": -1, "pause_ms": 0}, "steps", "a value outside of that"),
        ("diagnostics.generate", {"dtype": "int8", "shape": [1, "2"]}, "shape[1]", "str"),
        ("diagnostics.generate", {"dtype": "int7", "shape": []}, "dtype", "a value outside of that"),
        ("diagnostics.describe", {"tensor": [1]}, "tensor", "list"),
        ("diagnostics.echo", [1], "params", "array"),
        ("test.size", 3, "params", "int"),
    ],
)
def test_parameters_that_do_not_fit(client: Client, method: str, params: Any, path: str, received: str) -> None:
    error = client.call(method, params)
    assert (error.code, error.details["path"], error.details["received"]) == ("invalid_argument", path, received)
    assert path in error.message


def test_unknown_method(client: Client) -> None:
    error = client.call("__import__", {})
    assert (error.code, error.details["method"]) == ("unknown_method", "__import__")
    assert "diagnostics.echo" in error.details["known"]


@pytest.mark.parametrize(
    ("how", "code", "type_"),
    [
        ("value", "worker_error", "ValueError"),
        ("exit", "worker_error", "SystemExit"),
        ("interrupt", "worker_error", "KeyboardInterrupt"),
        ("surrogate", "worker_error", "OSError"),
        ("details", "worker_error", "TypeError"),
        ("memory", "out_of_memory", "MemoryError"),
        ("torch memory", "out_of_memory", "RuntimeError"),
    ],
)
def test_exceptions(client: Client, how: str, code: str, type_: str) -> None:
    error = client.call("test.fail", {"kind": how})
    assert (error.code, error.details["type"]) == (code, type_)
    assert type_ in error.details["traceback"]
    free(client)


def test_typed_errors_pass(client: Client) -> None:
    error = client.call("test.fail", {"kind": "glip"})
    assert (error.code, error.message, error.details) == ("unsupported", "not here", {"feature": "x", "reason": "y"})


def test_odd_results(client: Client) -> None:
    assert client.call("test.odd", {"kind": "none"}).value == {}
    assert client.call("test.odd", {"kind": "object"}).code == "worker_error"
    assert client.call("test.odd", {"kind": "numpy"}).value == {"x": 1.5, "y": 3}
    value = client.call("test.odd", {"kind": "torch"}).value
    assert value["x"].shape == (2, 3)
    assert value["scalar"].torch().item() == 2.5
    assert client.call("test.odd", {"kind": "transposed"}).value["x"].numpy().tolist() == [[0, 3], [1, 4], [2, 5]]


def test_an_answer_too_large_for_the_client(worker: WorkerProcess) -> None:
    with Client(worker.endpoint) as client:
        client.hello(max_frame_bytes=1000)
        error = client.call("test.stored", {"size": 1001})
        assert (error.code, error.details) == ("message_too_large", {"bytes": 1001, "limit": 1000})
        assert kind(client.call("test.stored", {"size": 1000})) == "Result"


def test_requests_start_in_order(client: Client) -> None:
    numbers = [client.request("diagnostics.echo", {"value": index}) for index in range(8)]
    assert [client.receive().id for _ in numbers] == numbers


def test_one_client_too_many_requests(client: Client, other: Client) -> None:
    running = client.request("test.spin", {})
    waiting = [client.request("diagnostics.echo", {"value": 1}) for _ in range(7)]
    error = client.call("diagnostics.echo", {"value": 1})
    assert (error.code, error.details) == ("queue_full", {"pending": 8, "limit": 8})
    # The others still have room: 7 of 12 wait.
    others = [other.request("diagnostics.echo", {"value": 1}) for _ in range(6)]
    error = other.receive()
    assert (error.id, error.code, error.details) == (others[5], "queue_full", {"pending": 12, "limit": 12})
    client.send({"kind": "cancel", "id": running})
    assert [client.receive().id for _ in range(8)] == [running, *waiting]
    assert [other.receive().id for _ in range(5)] == others[:5]
    free(client)


def test_cancel_while_running(client: Client) -> None:
    for method, params in (("test.spin", {}), ("diagnostics.count", {"steps": 1, "pause_ms": 60_000})):
        number = client.request(method, params)
        assert client.quiet(0.1)
        client.send({"kind": "cancel", "id": number})
        error = client.receive()
        assert (error.id, error.code, error.details) == (number, "cancelled", {})
    free(client)


def test_cancel_while_queued(client: Client) -> None:
    running = client.request("test.spin", {})
    queued = client.request("diagnostics.echo", {"value": 1})
    client.send({"kind": "cancel", "id": queued})
    error = client.receive()
    assert (error.id, error.code) == (queued, "cancelled")
    client.send({"kind": "cancel", "id": running})
    assert client.receive().id == running
    assert client.quiet(0.1)


def test_cancelled_requests_do_not_fill_the_queue(client: Client) -> None:
    running = client.request("test.spin", {})
    for _ in range(100):
        queued = client.request("diagnostics.echo", {"value": 1})
        client.send({"kind": "cancel", "id": queued})
        assert client.receive().code == "cancelled"
    client.send({"kind": "cancel", "id": running})
    assert client.receive().id == running


def test_cancel_of_nothing_is_ignored(client: Client) -> None:
    number = client.call("diagnostics.echo", {"value": 1}).id
    for which in (number, 4000):
        client.send({"kind": "cancel", "id": which})
        client.send({"kind": "credit", "id": which, "events": 1})
    assert client.quiet(0.1)


def test_deadline_while_running(client: Client) -> None:
    for method, params in (("test.spin", {}), ("diagnostics.count", {"steps": 1, "pause_ms": 60_000})):
        start = time.monotonic()
        error = client.call(method, params, deadline_ms=150)
        assert (error.code, error.details) == ("deadline_exceeded", {"timeoutMs": 150})
        assert 0.14 < time.monotonic() - start < 2


def test_deadline_in_the_queue(client: Client) -> None:
    running = client.request("test.spin", {})
    queued = client.request("diagnostics.echo", {"value": 1}, deadline_ms=100)
    error = client.receive(2)
    assert (error.id, error.code) == (queued, "deadline_exceeded")
    client.send({"kind": "cancel", "id": running})
    assert client.receive().id == running


def test_a_late_result_is_an_error(client: Client) -> None:
    assert client.call("test.block", {"seconds": 0.2}, deadline_ms=50).code == "deadline_exceeded"
    assert client.call("diagnostics.echo", {"value": 1}, deadline_ms=0).code == "deadline_exceeded"


def test_streams_wait_for_credit(client: Client) -> None:
    number = client.request("diagnostics.count", {"steps": 5, "pause_ms": 0}, credit=2)
    events = [client.receive() for _ in range(2)]
    assert [(event.id, event.seq, event.value) for event in events] == [
        (number, 0, {"step": 1}),
        (number, 1, {"step": 2}),
    ]
    assert client.quiet(0.15)
    client.send({"kind": "credit", "id": number, "events": 1})
    assert client.receive().seq == 2
    assert client.quiet(0.1)
    client.send({"kind": "credit", "id": number, "events": 100})
    assert [kind(client.receive()) for _ in range(3)] == ["Event", "Event", "Result"]


def test_a_stream_without_credit_ends(client: Client) -> None:
    number = client.request("diagnostics.count", {"steps": 5, "pause_ms": 0}, credit=0)
    client.send({"kind": "cancel", "id": number})
    assert client.receive().code == "cancelled"
    assert (
        client.call("diagnostics.count", {"steps": 5, "pause_ms": 0}, credit=0, deadline_ms=80).code
        == "deadline_exceeded"
    )


def test_a_unary_call_has_no_events(client: Client) -> None:
    assert client.call("test.numbers", {"count": 10}).value == {"count": 10}


def test_fast_streams(client: Client) -> None:
    client.request("test.numbers", {"count": 5000}, credit=10_000)
    for number in range(5000):
        event = client.receive()
        assert (event.seq, event.value["number"]) == (number, number)
    assert kind(client.receive()) == "Result"


def test_ping_while_computing(client: Client) -> None:
    running = client.request("test.spin", {})
    start = time.monotonic()
    client.send({"kind": "ping", "id": 9})
    assert kind(client.receive()) == "Pong"
    assert time.monotonic() - start < 0.5
    client.send({"kind": "cancel", "id": running})
    client.receive()


def test_requests_at_every_moment(client: Client) -> None:
    """Also just when the IO thread begins to receive for a busy compute loop, and when it gives that up again."""
    for round in range(300):
        client.request("test.block", {"seconds": 0.012})
        time.sleep(0.0115 + 0.00001 * (round % 200))
        client.request("diagnostics.echo", {"value": round})
        assert [kind(client.receive(1.0)) for _ in range(2)] == ["Result", "Result"]


def test_an_id_in_use(client: Client) -> None:
    running = client.request("test.spin", {}, id=50)
    error = client.call("diagnostics.echo", {"value": 1}, id=50)
    assert (error.id, error.code) == (0, "invalid_message")
    client.send({"kind": "cancel", "id": running})
    assert client.receive().code == "cancelled"


def test_a_client_that_goes_frees_the_worker(worker: WorkerProcess, client: Client) -> None:
    with Client(worker.endpoint) as leaving:
        leaving.hello()
        for _ in range(5):
            leaving.request("test.spin", {})
    start = time.monotonic()
    free(client)
    # Noticed by the probe.
    assert time.monotonic() - start < 6


def test_two_clients_may_use_the_same_ids(client: Client, other: Client) -> None:
    client.request("test.block", {"seconds": 0.1}, id=3)
    other.request("diagnostics.echo", {"value": "other"}, id=3)
    assert client.receive().value == {}
    assert other.receive().value == {"value": "other"}


def test_a_second_hello(client: Client) -> None:
    error = client.hello()
    assert (error.code, error.id) == ("invalid_message", 1)
    free(client)


def test_the_log_is_on_stderr(worker: WorkerProcess, client: Client) -> None:
    client.call("test.fail", {"kind": "value"})
    wait_until(
        lambda: "warning glip_worker.compute: test.fail failed: ValueError: told to fail" in worker.log_text(), 2
    )


def test_large_events_are_not_piled_up(worker: WorkerProcess) -> None:
    """1000 events of 1 MB, and a client that reads none of them at first."""
    with Client(worker.endpoint) as client:
        client.socket.rcvhwm = 2
        client.hello()
        before = memory_of(worker)
        client.request("test.large_numbers", {"count": 1000, "size": 10**6}, credit=10_000)
        time.sleep(1)
        assert memory_of(worker) - before < 150e6
        for number in range(1000):
            assert client.receive().seq == number
        assert kind(client.receive()) == "Result"
