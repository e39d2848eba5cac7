"""`training.run`, `model.prompts` and `data.check` over the wire, with a tiny model on drawn squares."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from worker_client import Client, WorkerProcess, connected

sys.path.append(str(Path(__file__).resolve().parent.parent / "glipv2"))

from tiny_runs import TINY, content, events

from glip_worker.protocol.messages import TrainingRunParams
from glipv2.checkpoints.load import save
from glipv2.model import GLIP
from glipv2.training.folder import RunFolder

#: Between two messages of a run: the start of its processes, on a loaded machine.
PATIENCE = 300.0

LOSSES = ("grounding", "inter", "mlm", "masks", "answers", "captions")

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]


def params(folder: Path, name: str = "run", **changes: Any) -> dict[str, Any]:
    """Every parameter, as the client sends them: null where nothing is said."""
    nothing = dict.fromkeys(TrainingRunParams.__struct_fields__)
    given = {
        "kind": "finetune",
        "resume": False,
        "detached": False,
        "evaluate_before": False,
        "processes": 1,
        "settings": {},
        "method": "full",
        "freeze": [],
        "problems": "fail",
        "asking": dict.fromkeys(("full", "names", "sentences_every", "questions", "captions")),
        "augment": {"flip": None, "move": None, "zoom": None, "jitter": None},
        "losses": dict.fromkeys(LOSSES),
    }
    options = {**nothing, **given, **content(folder, name), **changes}
    for source in (*options["train"], options["validation"]):
        if source is not None:
            source.update({"copies": 1, "share": None})
    return options


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with connected(engine="native") as (_, one):
        yield one


def until(client: Client, number: int, kind: str = "") -> list[Any]:
    """The messages up to an event of this type, or up to the end of the call."""
    messages: list[Any] = []
    while True:
        message = client.receive(PATIENCE)
        if message.id != number:
            continue
        messages.append(message)
        if type(message).__name__ != "Event" or message.value["type"] == kind:
            return messages
        client.send({"kind": "credit", "id": number, "events": 1})


def run(client: Client, options: dict[str, Any]) -> tuple[list[dict[str, Any]], Any]:
    """The values of the events but the log's, and the last message."""
    *messages, last = until(client, client.request("training.run", options, credit=8))
    return [one.value for one in messages if one.value["type"] != "log"], last


def processes_of(folder: Path) -> list[int]:
    """Those whose command names the folder."""
    found = []
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if name.isdigit() and str(folder).encode() in Path("/proc", name, "cmdline").read_bytes().split(b"\0"):
                found.append(int(name))
    return found


def wait_until_gone(folder: Path, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while left := processes_of(folder):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_a_run_and_one_that_goes_on(client: Client, tmp_path: Path) -> None:
    source = {"format": "scenes", "folder": str(tmp_path / "train")}
    options = params(tmp_path, validation=source, evaluate_steps=5)
    told, ended = run(client, options)
    assert type(ended).__name__ == "Result", ended
    kinds = [one["type"] for one in told if one["type"] != "progress"]
    assert kinds[0] == "start"
    assert kinds[-1] == "done"
    assert set(kinds) == {"start", "step", "evaluation", "sample", "checkpoint", "done"}
    folder = RunFolder(tmp_path / "run")
    assert told == events(folder)
    assert {**ended.value, "type": "done", "time": 0} == {**told[-1], "time": 0}
    assert (ended.value["ended"], ended.value["steps"]) == ("completed", 5)
    assert Path(ended.value["checkpoint"]).is_file()
    assert json.loads(folder.config.read_text())["kind"] == "finetune"
    assert folder.log.exists()

    _, wrong = run(client, options)
    assert (wrong.code, wrong.details["path"]) == ("invalid_argument", "output"), "a run lies there"
    _, wrong = run(client, {**options, "resume": True, "learning_rate": 0.5})
    assert (wrong.code, wrong.details["path"]) == ("invalid_argument", "learning_rate")
    assert "0.0001, as in the run that goes on" in wrong.message
    told, ended = run(client, {**options, "resume": True, "steps": 7})
    assert [one["step"] for one in told if one["type"] == "step"] == [6, 7]
    assert ended.value["total_steps"] == 7


def test_a_cancelled_run_leaves_a_checkpoint_and_the_worker(client: Client, tmp_path: Path) -> None:
    options = params(tmp_path, steps=10_000)
    number = client.request("training.run", options, credit=1)
    until(client, number, "step")
    client.send({"kind": "cancel", "id": number})
    ended = until(client, number)[-1]
    assert ended.code == "cancelled"
    folder = RunFolder(tmp_path / "run")
    assert processes_of(folder.path) == []
    done = events(folder)[-1]
    assert (done["type"], done["ended"]) == ("done", "stopped")
    assert Path(done["checkpoint"]).is_file()
    assert client.call("diagnostics.echo", {"value": 1}).value == {"value": 1}


def test_a_run_that_is_asked_to_stop_has_a_result(client: Client, tmp_path: Path) -> None:
    number = client.request("training.run", params(tmp_path, steps=10_000), credit=1)
    until(client, number, "step")
    (tmp_path / "run" / ".stop").touch()
    client.send({"kind": "credit", "id": number, "events": 100})
    ended = until(client, number)[-1]
    assert ended.value["ended"] == "stopped"
    assert 1 <= ended.value["steps"] < 10_000


def test_what_a_run_fails_with_is_the_calls_error(client: Client, tmp_path: Path) -> None:
    options = params(tmp_path, learning_rate=1e25, clip_gradients=0, warmup_steps=0, checkpoint_steps=1, steps=50)
    told, failed = run(client, options)
    assert failed.code == "loss_not_finite"
    assert failed.details["step"] > 1
    assert failed.details["checkpoint"] in failed.message
    assert told[-1]["type"] == "failed"
    (tmp_path / "train" / "images" / "000001.png").unlink()
    _, failed = run(client, params(tmp_path, "other"))
    assert (failed.code, failed.details["count"]) == ("dataset_invalid", 1)
    assert failed.details["problems"][0]["kind"] == "missing_picture"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"resume": True}, "resume"),
        ({"steps": 3, "epochs": 2.0}, "epochs"),
        ({"config": "auto"}, "config"),
        ({"losses": {**dict.fromkeys(LOSSES), "grounding": 0.0}}, "losses"),
        ({"method": "prompt"}, "weights"),
    ],
)
def test_parameters_that_cannot_be(client: Client, tmp_path: Path, changes: dict[str, Any], path: str) -> None:
    _, refused = run(client, params(tmp_path, **changes))
    assert (refused.code, refused.details["path"]) == ("invalid_argument", path), refused


def test_a_detached_run_outlives_the_worker(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with WorkerProcess(engine="native") as worker, Client(worker.endpoint) as client:
        client.hello()
        told, ended = run(client, params(tmp_path, steps=10_000, detached=True))
        assert ended.value["ended"] == "detached", ended
        assert (ended.value["steps"], ended.value["total_steps"]) == (0, 10_000)
        assert told[-1]["type"] == "start"
        assert client.call("diagnostics.echo", {"value": 1}).value == {"value": 1}, "the worker is free"
        os.kill(worker.process.pid, signal.SIGKILL)
        worker.process.wait()
    steps = len(events(folder, "step"))
    deadline = time.monotonic() + PATIENCE
    while len(events(folder, "step")) < steps + 3:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    folder.stop.touch()
    while events(folder)[-1]["type"] != "done":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert events(folder)[-1]["ended"] == "stopped"
    wait_until_gone(folder.path)


def test_a_killed_worker_takes_its_run_along(tmp_path: Path) -> None:
    with WorkerProcess(engine="native") as worker, Client(worker.endpoint) as client:
        client.hello()
        number = client.request("training.run", params(tmp_path, steps=10_000), credit=1)
        until(client, number, "step")
        assert len(processes_of(tmp_path / "run")) == 2
        os.kill(worker.process.pid, signal.SIGKILL)
        wait_until_gone(tmp_path / "run", 5)
        worker.process.wait()


def test_tuned_prompts_of_one_model(client: Client, tmp_path: Path) -> None:
    """Each finds what it was tuned for; without one the model is what it was, while it serves them."""
    save(GLIP(TINY), tmp_path / "model.safetensors")
    shared = {"weights": str(tmp_path / "model.safetensors"), "config": "auto", "method": "prompt", "steps": 5}
    files = {}
    for name, seed in (("one", 1), ("other", 2)):
        _, ended = run(client, params(tmp_path, name, **shared, seed=seed))
        files[name] = ended.value["prompt"]
    missing = client.call("model.prompts", {"prompts": files})
    assert missing.code == "unsupported", "there is no model yet"
    settings = {"postprocess.threshold": 0}
    model = {"config": "auto", "weights": shared["weights"], "text_encoder": None, "accelerate": []}
    client.request("model.load", {**model, "settings": settings})
    client.receive(PATIENCE)
    loaded = client.call("model.prompts", {"prompts": files})
    names = ["red", "green", "blue"]
    assert loaded.value == {"prompts": {"one": names, "other": names}}

    def look(prompt: str | None, categories: list[str] = names) -> Any:
        path = str(tmp_path / "train" / "images" / "000001.png")
        image = {"path": path, "encoded": None, "pixels": None, "view": None}
        request = {"image": image, "categories": categories, "thresholds": None, "prompt": prompt, "threshold": 0}
        sides = {"max_objects": 5, "short_side": None, "long_side": None, "features": False, "masks": False}
        client.request("vision.detect", {**request, **sides})
        return client.receive(PATIENCE)

    def scores(prompt: str | None) -> Any:
        return np.frombuffer(look(prompt).value["scores"].buffer, np.float32)

    plain, one, other = scores(None), scores("one"), scores("other")
    assert len(plain) == len(one) == len(other) == 5
    assert not np.allclose(plain, one)
    assert not np.allclose(one, other)
    assert np.array_equal(scores("one"), one)
    assert np.array_equal(scores(None), plain)
    assert look("third").details["path"] == "prompt"
    assert look("one", ["red", "blue", "green"]).details["path"] == "categories"
    wrong = client.call("model.prompts", {"prompts": {"one": shared["weights"]}})
    assert wrong.code == "weights_mismatch"
    assert np.array_equal(scores("one"), one), "those that were loaded are still"
    client.call("model.prompts", {"prompts": {}})
    assert look("one").details["path"] == "prompt"


def test_data_is_checked(client: Client, tmp_path: Path) -> None:
    [source] = params(tmp_path)["train"]
    client.request("data.check", {"sources": [source], "open_pictures": True})
    [checked] = client.receive(PATIENCE).value["sources"]
    assert (checked["pictures"], checked["boxes"], checked["categories"]) == (6, 12, ["red", "green", "blue"])
    assert (checked["phrases"], checked["problems"], len(checked["fingerprint"])) == (12, [], 64)
    assert (checked["questions"], checked["captions"]) == (30, 6)
    picture = tmp_path / "train" / "images" / "000001.png"
    picture.write_bytes(picture.read_bytes()[:100])
    client.request("data.check", {"sources": [source, {**source, "folder": "/nowhere"}], "open_pictures": True})
    first, second = client.receive(PATIENCE).value["sources"]
    assert first["fingerprint"] == checked["fingerprint"], "of the annotations"
    assert [(one["kind"], one["count"]) for one in first["problems"]] == [("unreadable_picture", 1)]
    assert first["problems"][0]["examples"][0]["where"].endswith("instances.json: images[0]")
    assert [one["kind"] for one in second["problems"]] == ["unreadable_annotations"]
