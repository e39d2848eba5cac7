"""A training over the wire: its events, a cancel, the worker that goes on, and the worker that is killed."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from runs import left_of_runs
from small import Workshop
from test_training_runs import Bench

sys.path.append(str(Path(__file__).resolve().parent.parent / "glip_worker"))

pytestmark = [pytest.mark.official, pytest.mark.slow, pytest.mark.timeout(400)]

#: Between two messages of a run: the start of its processes, on a loaded machine.
PATIENCE = 120.0


def until(client: Any, kind: str) -> list[Any]:
    """The messages up to an event of this type, or up to the end of the call."""
    messages = []
    while True:
        message = client.receive(PATIENCE)
        messages.append(message)
        name = type(message).__name__
        if name != "Event" or message.value["type"] == kind:
            return messages
        client.send({"kind": "credit", "id": message.id, "events": 1})


def test_over_the_wire(workshop: Workshop, checkout: Path) -> None:
    from worker_client import connected

    bench = Bench(workshop)
    params = bench._training("wire")
    with connected(engine="official", engine_options={"checkout": str(checkout)}) as (worker, client):
        client.request("training.pretrain", params, credit=4)
        messages = until(client, "none")
        events = [message.value for message in messages[:-1]]
        assert [message.seq for message in messages[:-1]] == list(range(len(events)))
        assert events[0]["type"] == "start"
        assert [event["step"] for event in events if event["type"] == "step"] == [1, 2]
        result = messages[-1].value
        assert (result["steps"], result["ended"]) == (2, "completed")

        wrong = client.call("training.pretrain", params)
        assert (wrong.code, wrong.details["path"]) == ("invalid_argument", "output"), "a run lies there"

        long = {**params, "output": params["output"] + "_long", "epochs": 500}
        number = client.request("training.pretrain", long, credit=1)
        until(client, "step")
        client.send({"kind": "cancel", "id": number})
        ended = until(client, "none")[-1]
        assert ended.code == "cancelled"
        assert left_of_runs() == []
        assert Path(long["output"], "last_checkpoint").read_text().startswith("model_00")
        assert client.call("diagnostics.echo", {"value": 1}).value == msgspec.to_builtins({"value": 1})

        client.request("training.pretrain", {**long, "resume": True}, credit=1)
        until(client, "step")
        assert len(left_of_runs()) >= 2, "the launcher and a rank"
        os.kill(worker.process.pid, signal.SIGKILL)
        killed = time.monotonic()
        while left_of_runs():
            assert time.monotonic() - killed < 5, left_of_runs()
            time.sleep(0.05)
