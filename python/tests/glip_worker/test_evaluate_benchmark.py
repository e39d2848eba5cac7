"""`evaluate.benchmark` over the wire, on a model of random weights and COCO in miniature."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from worker_client import Client, connected

sys.path.append(str(Path(__file__).resolve().parent.parent / "glipv2"))

from known_answers import write_coco_layout
from known_phrases import write_flickr_layout, write_phrasecut_layout, write_refcoco_layout

from glipv2.config import CONFIGS
from glipv2.text.tuned import TunedPrompt

PICTURES = 4
#: The network's passes on a loaded machine.
PATIENCE = 120.0

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_coco_layout(tmp_path / "data", PICTURES)
    return tmp_path / "data"


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Of a worker that has a model. Random weights are sure of nothing, so nothing is too unsure to count."""
    with connected(engine="native") as (_, one):
        settings = {"postprocess.threshold": 0, "postprocess.max_objects": 10}
        model = {"config": "glip-nano", "weights": None, "text_encoder": None, "accelerate": [], "settings": settings}
        one.request("model.load", model)
        assert type(one.receive(PATIENCE)).__name__ == "Result"
        yield one


def params_of(root: Path, **changes: Any) -> dict[str, Any]:
    return {
        "benchmark": "coco",
        "data": {"type": "root", "folder": str(root)},
        "output": str(root.parent / "run"),
        "resume": False,
        "pictures": None,
        "problems": "fail",
        "masks": False,
        "sets": None,
        "prompt": None,
        **changes,
    }


def evaluate(client: Client, root: Path, **changes: Any) -> tuple[list[Any], Any]:
    """The values of the events, and the last message."""
    number = client.request("evaluate.benchmark", params_of(root, **changes), credit=64)
    events = []
    while True:
        message = client.receive(PATIENCE)
        if message.id != number:
            continue
        if type(message).__name__ != "Event":
            return events, message
        events.append(message.value)


def lines_of(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (root.parent / "run" / "predictions.jsonl").read_text().splitlines()]


def test_a_run(client: Client, root: Path) -> None:
    events, result = evaluate(client, root)
    output = str(root.parent / "run")
    assert events[0] == {"type": "start", "total": PICTURES, "done": 0, "output": output}
    assert (events[-2]["type"], events[-2]["done"]) == ("progress", PICTURES)
    assert events[-1] == {"type": "scoring", "pictures": PICTURES}
    value = result.value
    assert (value["benchmark"], value["pictures"], value["problems"]) == ("coco", PICTURES, [])
    assert 0 <= value["metrics"]["box.AP"] <= 1
    assert set(value["parts"]["categories"]) == {"red", "green", "blue"}
    assert [one["id"] for one in lines_of(root)] == [1, 2, 3, 4]
    assert all(len(one["boxes"]) == 10 for one in lines_of(root))


def test_files_of_the_users_own(client: Client, root: Path) -> None:
    places = {
        "annotations": str(root / "coco/annotations/instances_val2017.json"),
        "images": str(root / "coco/val2017"),
    }
    _, result = evaluate(client, root, data={"type": "files", **places}, pictures=1)
    assert result.value["pictures"] == 1


def test_a_cancelled_run_goes_on(client: Client, root: Path) -> None:
    number = client.request("evaluate.benchmark", params_of(root), credit=1)
    assert client.receive(PATIENCE).value["type"] == "start"
    # It computes, and waits for room for its next word.
    client.send({"kind": "cancel", "id": number})
    ended = client.receive(PATIENCE)
    assert (ended.id, ended.code) == (number, "cancelled")
    done = len(lines_of(root))
    _, refused = evaluate(client, root)
    assert (refused.code, refused.details["path"]) == ("invalid_argument", "output")
    events, result = evaluate(client, root, resume=True)
    assert (events[0]["done"], result.value["pictures"]) == (done, PICTURES)
    assert [one["id"] for one in lines_of(root)] == [1, 2, 3, 4]


def test_another_model_does_not_go_on_with_it(client: Client, root: Path) -> None:
    evaluate(client, root, pictures=1)
    file = root.parent / "run" / "run.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "model": "native of old"}))
    _, error = evaluate(client, root, resume=True)
    assert error.code == "invalid_argument"
    assert "whose run has another model" in error.message


def test_a_tuned_prompt(client: Client, root: Path, tmp_path: Path) -> None:
    for name, names in (("tuned", ["blue", "red", "green"]), ("other", ["cat"])):
        TunedPrompt(names, CONFIGS["glip-nano"]).save(tmp_path / f"{name}.safetensors")
    prompts = {name: str(tmp_path / f"{name}.safetensors") for name in ("tuned", "other")}
    client.request("model.prompts", {"prompts": prompts})
    assert client.receive(PATIENCE).value["prompts"]["tuned"] == ["blue", "red", "green"]
    _, result = evaluate(client, root, prompt="tuned", pictures=1)
    assert set(result.value["parts"]["categories"]) == {"red", "green", "blue"}
    _, error = evaluate(client, root, resume=True)
    assert "whose run has another model" in error.message
    refused = {
        "other": ("coco", "one tuned for the categories red, green, blue"),
        "none": ("coco", "a prompt that model.prompts loaded (tuned, other)"),
        "tuned": ("refcoco", "none: refcoco asks for no list of categories"),
    }
    for name, (benchmark, expected) in refused.items():
        output = str(tmp_path / f"refused-{name}")
        _, error = evaluate(client, root, prompt=name, benchmark=benchmark, output=output)
        assert (error.code, error.details["path"], error.details["expected"]) == (
            "invalid_argument",
            "prompt",
            expected,
        )


def test_all_files_that_are_missing(client: Client, tmp_path: Path) -> None:
    _, error = evaluate(client, tmp_path / "data", benchmark="lvis-val")
    assert error.code == "benchmark_incomplete"
    assert (error.details["benchmark"], error.details["path"]) == ("lvis-val", str(tmp_path / "data"))
    missing = error.details["missing"]
    names = ["lvis_od_val.json", "coco", "train2017", "val2017"]
    assert [Path(one["path"]).name for one in missing] == names
    assert all(one["page"].startswith("https://") and one["reason"] == "is not there" for one in missing)
    assert all(one["path"] in error.message for one in missing)


def test_sets_that_are_missing(client: Client, root: Path) -> None:
    _, error = evaluate(client, root, benchmark="odinw35", sets=["pothole", "dice"])
    paths = [str(Path(one["path"]).relative_to(root / "odinw")) for one in error.details["missing"]]
    file = "annotations_without_background.json"
    assert paths == [
        f"pothole/valid/{file}",
        "pothole/valid",
        f"dice/mediumColor/export/val_{file}",
        "dice/mediumColor/export",
    ]


def test_pictures_that_cannot_be_read(client: Client, root: Path) -> None:
    gone = root / "coco" / "val2017" / "000002.png"
    gone.unlink()
    events, error = evaluate(client, root)
    problem = {"kind": "missing_picture", "where": str(gone), "reason": "it is not there"}
    assert {"type": "problem", **problem} in events
    assert (error.code, error.details["count"], error.details["problems"]) == ("dataset_invalid", 1, [problem])
    _, result = evaluate(client, root, resume=True, problems="skip")
    assert (result.value["pictures"], result.value["problems"]) == (PICTURES - 1, [problem])


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"benchmark": "coc"}, "invalid_argument", "benchmark: expected one of coco, lvis-minival"),
        ({"masks": True}, "unsupported", "coco: the loaded model is none that finds masks"),
        ({"benchmark": "vqav2"}, "unsupported", "vqav2: the loaded model is none that answers questions"),
        ({"benchmark": "coco-captions"}, "unsupported", "the loaded model is none that tells what is in a picture"),
        ({"benchmark": "odinw13", "masks": True}, "invalid_argument", "masks: expected false"),
        ({"sets": ["pothole"]}, "invalid_argument", "sets: expected nothing: the benchmark coco is one set"),
        ({"benchmark": "odinw13", "sets": ["dice"]}, "invalid_argument", "sets[0]: expected one of AerialMaritime"),
        ({"benchmark": "odinw35", "sets": ["dice", "dice"]}, "invalid_argument", "sets[1]: expected each set once"),
        ({"data": {"type": "files", "annotations": "/no/such.json", "images": "/no"}}, "file_error", "/no/such.json"),
    ],
)
def test_what_is_refused(client: Client, root: Path, changes: dict[str, Any], code: str, words: str) -> None:
    _, error = evaluate(client, root, **changes)
    assert error.code == code
    assert words in error.message


def test_annotations_that_are_not_right(client: Client, root: Path) -> None:
    file = root / "coco" / "annotations" / "instances_val2017.json"
    content = json.loads(file.read_text())
    content["annotations"][0]["category_id"] = 99
    content["annotations"][1]["image_id"] = 99
    file.write_text(json.dumps(content))
    _, error = evaluate(client, root)
    assert (error.code, error.details["count"], error.details["path"]) == ("dataset_invalid", 2, str(root))
    assert {one["kind"] for one in error.details["problems"]} == {"unknown_category", "unknown_picture"}


@pytest.mark.parametrize(
    ("benchmark", "write", "figure"),
    [
        ("flickr30k", write_flickr_layout, "separate.R1"),
        ("phrasecut", write_phrasecut_layout, "filled.meanIoU"),
        ("refcoco", write_refcoco_layout, "val.accuracy"),
    ],
)
def test_benchmarks_of_phrases(
    client: Client, tmp_path: Path, benchmark: str, write: Callable[[Path], Any], figure: str
) -> None:
    root = tmp_path / "data"
    write(root)
    _, result = evaluate(client, root, benchmark=benchmark, pictures=1)
    assert 0 <= result.value["metrics"][figure] <= 1
    assert not any(name.startswith("mask.") for name in result.value["metrics"]), "the model has none"
    _, error = evaluate(client, root, benchmark=benchmark, masks=True, output=str(tmp_path / "masked"))
    code = "unsupported" if benchmark == "phrasecut" else "invalid_argument"
    assert error.code == code
    places = {"annotations": str(root / "a.json"), "images": str(root)}
    _, error = evaluate(
        client, root, benchmark=benchmark, data={"type": "files", **places}, output=str(tmp_path / "own")
    )
    assert error.details["path"] == "data"


def test_without_a_model(root: Path) -> None:
    with connected(engine="native") as (_, client):
        _, error = evaluate(client, root)
        assert (error.code, error.details["feature"]) == ("unsupported", "evaluate.benchmark")
