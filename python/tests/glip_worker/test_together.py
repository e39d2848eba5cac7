"""Requests that wait one after the other, and a method that computes them at once."""

from __future__ import annotations

from typing import Any

import pytest
from worker_client import Client, WorkerProcess


def gathered(client: Client, *numbers: int, between: tuple[str, Any] | None = None, **more: Any) -> dict[int, Any]:
    """Sends calls while the worker is busy; their answers by number. `between`: a request before the last one."""
    client.request("test.wait_for_others", {"count": len(numbers) + (between is not None)}, id=900)
    for number in numbers:
        if between is not None and number == numbers[-1]:
            client.request(*between, id=901)
        name = "test.gather_too" if number % 2 else "test.gather"
        client.request(name, {"number": number, **more.get(f"with_{number}", {})}, id=number)
    answers = [client.receive() for _ in range(len(numbers) + (1 if between is None else 2))]
    return {one.id: one for one in answers if one.id < 900}


def test_what_waits_is_computed_together(client: Client) -> None:
    answers = gathered(client, 1, 2, 3)
    assert [answers[number].value["together"] for number in (1, 2, 3)] == [[1, 2, 3]] * 3


def test_one_alone_waits_for_nobody(client: Client) -> None:
    client.request("test.gather", {"number": 1}, id=1)
    assert client.receive().value == {"together": [1]}


def test_at_most_so_many(client: Client) -> None:
    answers = gathered(client, 1, 2, 3, 4, 5, 6)
    assert [len(answers[number].value["together"]) for number in range(1, 7)] == [4, 4, 4, 4, 2, 2]


def test_nobody_is_overtaken(client: Client) -> None:
    answers = gathered(client, 1, 2, 3, between=("diagnostics.echo", {"value": 0}))
    assert [answers[number].value["together"] for number in (1, 2, 3)] == [[1, 2], [1, 2], [3]]


def test_requests_of_several_clients(client: Client, other: Client) -> None:
    client.request("test.wait_for_others", {"count": 2}, id=900, credit=1)
    # What two clients send comes in any order: the worker is busy when the event is here.
    assert type(client.receive()).__name__ == "Event"
    client.request("test.gather", {"number": 1}, id=1)
    other.request("test.gather", {"number": 2}, id=1)
    assert client.receive().id == 900
    assert {tuple(sorted(one.receive().value["together"])) for one in (client, other)} == {(1, 2)}


@pytest.mark.parametrize(("fail", "codes"), [("alone", ["", "unsupported", ""]), ("all", ["worker_error"] * 3)])
def test_failures(client: Client, fail: str, codes: list[str]) -> None:
    answers = gathered(client, 1, 2, 3, with_2={"fail": fail})
    assert [getattr(answers[number], "code", "") for number in (1, 2, 3)] == codes
    assert gathered(client, 4)[4].value == {"together": [4]}


def test_parameters_that_cannot_be_read_fail_alone(client: Client, worker: WorkerProcess) -> None:
    client.request("test.wait_for_others", {"count": 3}, id=900)
    client.request("test.gather", {"number": 1}, id=1)
    client.request("test.gather", [1], id=2)
    client.request("test.gather", {"number": 3}, id=3)
    answers = {one.id: one for one in (client.receive() for _ in range(4))}
    assert answers[2].code == "invalid_argument"
    assert answers[1].value["together"] == answers[3].value["together"] == [1, 3]


def test_one_of_them_is_cancelled_while_it_runs(client: Client) -> None:
    client.request("test.wait_for_others", {"count": 2}, id=900)
    client.request("test.gather", {"number": 1, "seconds": 0.5}, id=1)
    client.request("test.gather", {"number": 2}, id=2)
    assert client.receive().id == 900
    client.send({"kind": "cancel", "id": 2})
    answers = {one.id: one for one in (client.receive(), client.receive())}
    assert answers[2].code == "cancelled"
    assert answers[1].value["together"] == [1, 2]


def test_a_deadline_passes_while_the_others_go_on(client: Client) -> None:
    client.request("test.wait_for_others", {"count": 2}, id=900)
    client.request("test.gather", {"number": 1, "seconds": 0.6}, id=1)
    client.request("test.gather", {"number": 2}, id=2, deadline_ms=500)
    answers = {one.id: one for one in (client.receive() for _ in range(3))}
    assert answers[2].code == "deadline_exceeded"
    assert answers[1].value["together"] == [1, 2]
