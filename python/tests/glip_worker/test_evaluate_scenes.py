"""`evaluate.scenes` over the wire, on a model of random weights and pictures of coloured squares."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from worker_client import Client, connected

sys.path.append(str(Path(__file__).resolve().parent.parent / "glipv2"))

from drawn_scenes import write_split

PICTURES = 4
#: The network's passes on a loaded machine.
PATIENCE = 120.0

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_split(tmp_path_factory.mktemp("scenes") / "squares", PICTURES)


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Of a worker that has a model. Random weights are sure of nothing, so nothing is too unsure to count."""
    with connected(engine="native") as (_, one):
        settings = {"postprocess.threshold": 0}
        model = {"config": "glip-nano", "weights": None, "text_encoder": None, "accelerate": [], "settings": settings}
        one.request("model.load", model)
        assert type(one.receive(PATIENCE)).__name__ == "Result"
        yield one


def evaluate(client: Client, folder: Path, task: str, **changes: Any) -> tuple[list[Any], Any]:
    """The values of the events, and the last message."""
    params = {"folder": str(folder), "task": task, "pictures": None, **changes}
    number = client.request("evaluate.scenes", params, credit=32)
    events = []
    while True:
        message = client.receive(PATIENCE)
        if message.id != number:
            continue
        if type(message).__name__ != "Event":
            return events, message
        events.append(message.value)


def test_boxes(client: Client, split: Path) -> None:
    events, result = evaluate(client, split, "detect")
    assert events == [{"done": done, "total": PICTURES} for done in range(PICTURES + 1)]
    assert (result.value["split"], result.value["pictures"]) == ("squares", PICTURES)
    metrics = dict(result.value["metrics"])
    assert metrics.pop("type") == "detect"
    assert metrics.pop("ap_large") is None, "no square is large"
    assert set(metrics) == {"ap", "ap50", "ap75", "ap_small", "ap_medium"}
    assert all(0 <= one <= 1 for one in metrics.values())
    assert metrics["ap"] <= metrics["ap50"]


def test_phrases_of_the_first_pictures(client: Client, split: Path) -> None:
    events, result = evaluate(client, split, "ground", pictures=2)
    assert events[-1] == {"done": 2, "total": 2}
    assert result.value["pictures"] == 2
    metrics = result.value["metrics"]
    assert 0 <= metrics["recall_at_1"] <= 1
    # Of two squares each phrase means one.
    assert (metrics["largest_object"], metrics["any_object"]) == (0.5, 0.5)


def test_more_pictures_than_there_are(client: Client, split: Path) -> None:
    events, result = evaluate(client, split, "ground", pictures=100)
    assert (events[-1]["total"], result.value["pictures"]) == (PICTURES, PICTURES)


def test_a_cancel_ends_it_between_two_pictures(client: Client, split: Path) -> None:
    params = {"folder": str(split), "task": "detect", "pictures": None}
    number = client.request("evaluate.scenes", params, credit=1)
    assert client.receive(PATIENCE).value == {"done": 0, "total": PICTURES}
    client.send({"kind": "cancel", "id": number})
    ended = client.receive(PATIENCE)
    assert (ended.id, ended.code) == (number, "cancelled")
    assert client.call("diagnostics.echo", {"value": 1}).value == {"value": 1}


def test_no_such_folder(client: Client, tmp_path: Path) -> None:
    _, error = evaluate(client, tmp_path / "absent", "ground")
    assert (error.code, error.details["path"]) == ("file_error", str(tmp_path / "absent"))


def test_something_else(client: Client, tmp_path: Path) -> None:
    instances = {"images": [], "annotations": [], "categories": []}
    for text in ("no JSON", "[]", json.dumps({}), json.dumps(instances)):
        (tmp_path / "instances.json").write_text(text)
        (tmp_path / "grounding.json").write_text(json.dumps({"images": []}))
        _, error = evaluate(client, tmp_path, "ground")
        assert (error.code, error.details["count"]) == ("dataset_invalid", 1), text


def test_a_picture_that_is_gone(client: Client, tmp_path: Path) -> None:
    folder = write_split(tmp_path / "gone", 1)
    (folder / "images" / "000001.png").unlink()
    _, error = evaluate(client, folder, "ground")
    assert error.code == "file_error"
    assert "000001.png" in error.message


def test_without_a_model(split: Path) -> None:
    with connected(engine="native") as (_, client):
        _, error = evaluate(client, split, "detect")
        assert (error.code, error.details["feature"]) == ("unsupported", "evaluate.scenes")


def test_without_pycocotools(monkeypatch: pytest.MonkeyPatch) -> None:
    from glip_worker.engines.native.evaluate import require_pycocotools
    from glip_worker.errors import GlipError

    require_pycocotools("evaluate.scenes")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(GlipError, match="glip setup") as raised:
        require_pycocotools("evaluate.scenes")
    assert raised.value.code == "unsupported"
