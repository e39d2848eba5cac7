"""Masks over the wire: `vision.detect` and `vision.ground` with `masks`, on a model of random weights."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from worker_client import Client, connected

from glipv2.data.masks import bitmap
from glipv2.data.records import Mask

sys.path.append(str(Path(__file__).resolve().parent.parent / "glipv2"))

from drawn_scenes import write_split

#: The network's passes on a loaded machine.
PATIENCE = 120.0

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_split(tmp_path_factory.mktemp("scenes") / "squares", 2)


def load(client: Client, **settings: Any) -> None:
    """Random weights are sure of nothing, so nothing is too unsure to count."""
    model = {"config": "glip-nano", "weights": None, "text_encoder": None, "accelerate": []}
    client.request("model.load", {**model, "settings": {"postprocess.threshold": 0, **settings}})
    assert type(client.receive(PATIENCE)).__name__ == "Result"


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with connected(engine="native") as (_, one):
        load(one, masks={})
        yield one


def params(split: Path, masks: bool = True, **changes: Any) -> dict[str, Any]:
    image = {"path": str(split / "images" / "000001.png"), "encoded": None, "pixels": None, "view": None}
    look = {"image": image, "threshold": 0, "max_objects": 4, "short_side": None, "long_side": None, "features": False}
    return {**look, "masks": masks, "categories": ["red", "blue"], "thresholds": None, "prompt": None, **changes}


def ask(client: Client, asked: dict[str, Any], method: str = "vision.detect") -> Any:
    client.request(method, asked)
    return client.receive(PATIENCE)


def pixels(text: str) -> Any:
    return bitmap(Mask(json.dumps({"size": [128, 128], "counts": text}).encode()), (128, 128))


def test_each_object_has_one_within_its_box(client: Client, split: Path) -> None:
    value = ask(client, params(split)).value
    assert (value["width"], value["height"]) == (128, 128)
    boxes = np.frombuffer(value["boxes"].buffer, np.float32).reshape(-1, 4)
    assert len(value["masks"]) == len(boxes) == 4
    for text, (x1, y1, x2, y2) in zip(value["masks"], boxes.tolist(), strict=True):
        rows, columns = pixels(text).nonzero()
        if len(rows):
            assert int(y1) <= rows.min() <= rows.max() <= y2 + 2
            assert int(x1) <= columns.min() <= columns.max() <= x2 + 2
    assert ask(client, params(split, masks=False)).value["masks"] is None


def test_they_are_the_same_in_company(client: Client, split: Path) -> None:
    """In one pass with a call that wants none, of several prompts, and of a picture of another size."""
    # More words than one text holds.
    many = [f"{one} {other}" for one in ("red", "green", "blue", "old") for other in "abcdefghijklmnopqrstuvwxyz"]
    asked = [params(split), params(split, masks=False), params(split, categories=many), params(split, short_side=160)]
    alone = [ask(client, one).value for one in asked]
    assert alone[2]["passes"] > 1
    numbers = [client.request("vision.detect", one) for one in asked]
    answers = {one.id: one.value for one in (client.receive(PATIENCE) for _ in numbers)}
    for number, before in zip(numbers, alone, strict=True):
        now = answers[number]
        assert (now["masks"] is None) == (before["masks"] is None)
        for one, other in zip(now["masks"] or [], before["masks"] or [], strict=True):
            assert (pixels(one) != pixels(other)).mean() < 0.01


def test_of_a_sentence(client: Client, split: Path) -> None:
    asked = params(split, caption="a red thing and a blue one", phrases=None)
    for name in ("categories", "thresholds", "prompt"):
        del asked[name]
    value = ask(client, asked, "vision.ground").value
    assert len(value["masks"]) == 4


def test_an_evaluation(client: Client, split: Path) -> None:
    client.request("evaluate.scenes", {"folder": str(split), "task": "segment", "pictures": 1}, credit=8)
    while type(message := client.receive(PATIENCE)).__name__ == "Event":
        pass
    metrics = dict(message.value["metrics"])
    assert metrics.pop("type") == "segment"
    assert metrics.pop("filled_boxes") == 1
    assert set(metrics) == {"ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "mean_iou"}


def test_a_model_without_the_head_says_so(split: Path) -> None:
    with connected(engine="native") as (_, client):
        load(client)
        error = ask(client, params(split))
        assert (error.code, error.details["feature"]) == ("unsupported", "masks")
        assert "settings { masks: {} }" in error.message
        assert ask(client, params(split, masks=False)).value["masks"] is None
        measured = ask(client, {"folder": str(split), "task": "segment", "pictures": None}, "evaluate.scenes")
        assert measured.code == "unsupported"
