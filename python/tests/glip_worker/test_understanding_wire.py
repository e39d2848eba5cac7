"""`vision.answer` and `vision.caption` over the wire, on a model of random weights."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from worker_client import Client, connected

sys.path.append(str(Path(__file__).resolve().parent.parent / "glipv2"))

from drawn_scenes import write_scenes, write_split

#: The network's passes on a loaded machine.
PATIENCE = 120.0
ANSWERS = ["yes", "no", "top left", "two"]

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_split(tmp_path_factory.mktemp("words") / "squares", 2)


def load(client: Client, settings: dict[str, Any]) -> None:
    model = {"config": "glip-nano", "weights": None, "text_encoder": None, "accelerate": [], "settings": settings}
    client.request("model.load", model)
    assert type(client.receive(PATIENCE)).__name__ == "Result"


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """Random weights are sure of nothing, so nothing is too unsure to count."""
    with connected(engine="native") as (_, one):
        load(one, {"postprocess.threshold": 0, "understanding": {"answers": ANSWERS}})
        yield one


def ask(client: Client, method: str, split: Path, **given: Any) -> tuple[list[Any], Any]:
    """The values of the events, and the last message."""
    own: dict[str, Any] = {"question": "is there a red square?", "answers": None, "top": 3}
    if method == "vision.caption":
        own = {"mode": "greedy", "beams": 3, "length_penalty": 1.0, "temperature": 1.0, "top_p": 1.0, "seed": 0}
        own["max_tokens"] = 5
    image = {"path": str(split / "images" / "000001.png"), "encoded": None, "pixels": None, "view": None}
    look = {"image": image, "threshold": 0.0, "max_objects": 4, "short_side": 128, "long_side": None}
    number = client.request(method, {**look, **own, **given}, credit=32)
    events = []
    while True:
        message = client.receive(PATIENCE)
        if message.id != number:
            continue
        if type(message).__name__ != "Event":
            return events, message
        events.append(message.value)


def test_the_models_own_answers(client: Client, split: Path) -> None:
    _, result = ask(client, "vision.answer", split, top=10)
    ranked = result.value["answers"]
    assert sorted(one["answer"] for one in ranked) == sorted(ANSWERS)
    assert sum(one["probability"] for one in ranked) == pytest.approx(1, abs=1e-4)
    assert [one["probability"] for one in ranked] == sorted((one["probability"] for one in ranked), reverse=True)
    assert result.value["phrases"] == [{"start": 9, "end": 21}]
    assert result.value["boxes"].shape == (4, 4)
    assert (result.value["width"], result.value["height"]) == (128, 128)


def test_answers_of_the_callers(client: Client, split: Path) -> None:
    _, one = ask(client, "vision.answer", split, answers=["red", "green"], top=1)
    _, same = ask(client, "vision.answer", split, answers=["green", "red"], top=1)
    assert one.value["answers"][0]["answer"] == same.value["answers"][0]["answer"]
    assert len(one.value["answers"]) == 1
    _, none = ask(client, "vision.answer", split, question="why?")
    assert (none.value["phrases"], none.value["boxes"].shape) == ([], (0, 4))


def test_twenty_thousand_answers(client: Client, split: Path) -> None:
    _, result = ask(client, "vision.answer", split, answers=[f"{one}" for one in range(20_000)], top=2)
    assert len(result.value["answers"]) == 2


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"question": ""}, "question"),
        ({"question": " "}, "question"),
        ({"question": "word " * 5000}, "question"),
        ({"answers": ["yes", " "]}, "answers[1]"),
        ({"answers": ["yes", "no", "yes"]}, "answers[2]"),
        ({"answers": []}, "answers"),
        ({"short_side": 10_000}, "short_side"),
    ],
)
def test_what_cannot_be_asked(client: Client, split: Path, given: dict[str, Any], path: str) -> None:
    _, error = ask(client, "vision.answer", split, **given)
    assert error.code == "invalid_argument"
    assert path in error.details["path"]


@pytest.mark.parametrize("mode", ["greedy", "beam", "sample"])
def test_a_caption_grows(client: Client, split: Path, mode: str) -> None:
    events, result = ask(client, "vision.caption", split, mode=mode)
    assert "".join(one["text"] for one in events) == result.value["caption"]
    assert 1 <= len(events) <= 5
    assert result.value["log_probability"] < 0
    again, _ = ask(client, "vision.caption", split, mode=mode)
    assert again == events


@pytest.mark.parametrize(
    ("given", "path"),
    [({"max_tokens": 0}, "max_tokens"), ({"max_tokens": 63}, "max_tokens"), ({"beams": 65}, "beams")],
)
def test_what_cannot_be_told(client: Client, split: Path, given: dict[str, Any], path: str) -> None:
    _, error = ask(client, "vision.caption", split, **given)
    assert error.code == "invalid_argument"
    assert path in error.details["path"]


def test_both_are_measured(client: Client, split: Path) -> None:
    number = client.request("evaluate.scenes", {"folder": str(split), "task": "answer", "pictures": 1}, credit=32)
    while (message := client.receive(PATIENCE)).id != number or type(message).__name__ == "Event":
        pass
    metrics = message.value["metrics"]
    assert (metrics["type"], metrics["questions"]) == ("answer", 5)
    assert {one["type"] for one in metrics["types"]} == {"existence", "place"}
    write_scenes(split)
    number = client.request("evaluate.scenes", {"folder": str(split), "task": "caption", "pictures": 1}, credit=32)
    while (message := client.receive(PATIENCE)).id != number or type(message).__name__ == "Event":
        pass
    metrics = message.value["metrics"]
    assert metrics["type"] == "caption"
    assert metrics["recall_at_1"] is None or 0 <= metrics["recall_at_1"] <= 1


def test_a_model_without_the_part(client: Client, split: Path) -> None:
    load(client, {})
    for method in ("vision.answer", "vision.caption"):
        _, error = ask(client, method, split)
        assert error.code == "unsupported"
        assert "settings { understanding: {} }" in error.message
    _, missing = ask(client, "vision.answer", split, answers=["yes"])
    assert missing.code == "unsupported"
    load(client, {"understanding": {}})
    _, error = ask(client, "vision.answer", split)
    assert (error.code, error.details["path"]) == ("invalid_argument", "answers")
