"""A run measures what it teaches: answers and captions of its validation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from drawn_scenes import write_scenes, write_split
from test_understanding import CONFIG
from tiny_runs import configure, content, end_started, events, result, run_here, start

from glipv2.checkpoints.load import load
from glipv2.data.readers import How, read
from glipv2.data.records import Dataset
from glipv2.data.sources import Scenes
from glipv2.errors import InputError
from glipv2.losses.weights import LossWeights
from glipv2.model import GLIP
from glipv2.training import words
from glipv2.training.data import read_data
from glipv2.training.folder import RunFolder
from glipv2.training.measure import Measuring, main_measure, measure, seen
from glipv2.training.options import TrainOptions
from glipv2.training.words import facts_of
from glipv2.training.world import World
from glipv2.understanding.decoding import Decoding, Told

pytestmark = pytest.mark.timeout(300)

OF_BOXES = ["AP", "AP50", "AP75", "APs", "APm", "APl", "recallAt1"]
OF_ANSWERS = ["accuracy", "majority", "types.existence.accuracy", "types.place.accuracy"]
OF_CAPTIONS = ["CIDEr", "oneCaption", "facts", "stated"]


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    end_started()


@pytest.fixture
def validation(tmp_path: Path) -> Path:
    folder = write_split(tmp_path / "val", 4)
    write_scenes(folder)
    return folder


def trained(folder: Path, validation: Path, losses: dict[str, float]) -> RunFolder:
    source = {"format": "scenes", "folder": str(validation)}
    given: dict[str, Any] = {"losses": losses, "validation": source, "config": CONFIG.to_json(), "steps": 2}
    run = configure(folder, "-".join(losses), evaluate_steps=2, **given)
    assert run_here(run) == "completed"
    return run


def alone(losses: LossWeights) -> Measuring:
    """In a single process."""
    world = World(0, 1, torch.device("cpu"))
    return Measuring(world, nullcontext, lambda: False, lambda *_: None, phrases=True, losses=losses)


def best(run: RunFolder) -> float:
    measure: float = json.loads((run.checkpoints / "last.json").read_text())["best"]["measure"]
    return measure


def test_what_is_learnt_is_measured(tmp_path: Path, validation: Path) -> None:
    run = trained(tmp_path, validation, {"answers": 1, "captions": 1})
    metrics = result(run)["metrics"]
    assert [*metrics] == [*OF_BOXES, *OF_ANSWERS, *OF_CAPTIONS]
    assert all(0 <= metrics[name] <= 1 for name in (*OF_ANSWERS, "facts"))
    assert [one["metrics"] for one in events(run, "evaluation")] == [metrics]
    assert best(run) == metrics["AP"]
    [board] = run.tensorboard.iterdir()
    data = board.read_bytes()
    assert all(f"validation/{name}".encode() in data for name in (*OF_ANSWERS, *OF_CAPTIONS))
    assert [*result(trained(tmp_path, validation, {"inter": 1}))["metrics"]] == OF_BOXES


def test_of_a_run_of_words_alone_they_come_first(tmp_path: Path, validation: Path) -> None:
    (validation / "scenes.jsonl").unlink()
    run = trained(tmp_path, validation, {"grounding": 0, "answers": 1, "captions": 1})
    metrics = result(run)["metrics"]
    assert [*metrics] == [*OF_ANSWERS, "CIDEr", "oneCaption", *OF_BOXES]
    assert best(run) == (metrics["accuracy"] + metrics["CIDEr"] / 10) / 2


def test_processes_hear_together_what_one_hears(tmp_path: Path, validation: Path) -> None:
    source = {"format": "scenes", "folder": str(validation)}
    given: dict[str, Any] = {"losses": {"answers": 1, "captions": 1}, "validation": source, "processes": 2, "steps": 1}
    run = configure(tmp_path, config=CONFIG.to_json(), **given)
    process = start(run)
    assert process.wait(240) == 0, process.communicate()[1]
    model, dataset = load(result(run)["checkpoint"]).eval(), read(Scenes(validation), How(words=True)).dataset
    assert result(run)["metrics"] == pytest.approx(measure(model, dataset, alone(LossWeights(answers=1, captions=1))))


def test_what_counts_as_better() -> None:
    every, of_words = LossWeights(answers=1, captions=1), LossWeights(grounding=0, answers=1, captions=1)
    whole = {"AP": 0.5, "recallAt1": 0.75, "accuracy": 0.5, "CIDEr": 2.0}
    assert main_measure(whole, every) == 0.5
    assert main_measure({**whole, "AP": None}, every) == 0.35, "no category has an object"
    assert main_measure({"recallAt1": 0.75, "accuracy": 0.5}, every) == 0.75
    assert main_measure({"accuracy": 0.5, "CIDEr": 2.0}, every) == 0.35
    assert main_measure({**whole, "AP": 0.9}, of_words) == 0.35
    assert main_measure({"AP": 0.9, "accuracy": 0.5}, of_words) == 0.5
    assert main_measure({"AP": 0.9, "CIDEr": 2.0}, of_words) == 0.2
    assert main_measure({"AP": 0.9}, of_words) is None
    of_masks = LossWeights(grounding=0, masks=1)
    assert main_measure({"AP": 0.9, "recallAt1": 0.5, "maskAP": 0.25}, of_masks) == 0.25, "boxes stay what they are"
    assert main_measure({"AP": 0.9, "maskAP": 0.25}, LossWeights(masks=1)) == 0.9
    assert main_measure({}, every) is None


def test_captions_of_no_more_pictures_than_it_says(
    tmp_path: Path, validation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Decoding] = []

    def tell(_: object, __: object, decoding: Decoding) -> Told:
        told.append(decoding)
        return Told([2000, 2001], 0.0, True)

    monkeypatch.setattr("glipv2.evaluation.captions.tell", tell)
    trained(tmp_path, validation, {"captions": 1})
    assert (len(told), {one.mode for one in told}) == (4, {"greedy"})
    monkeypatch.setattr(words, "CAPTIONED", 3)
    told.clear()
    trained(tmp_path, validation, {"captions": 1, "grounding": 1})
    assert len(told) == 3


def test_what_is_known_of_pictures(validation: Path) -> None:
    def dataset() -> Dataset:
        return read(Scenes(validation), How(words=True)).dataset

    assert facts_of(dataset()) is not None
    for other in ("{}", "no JSON", '{"file_name": 3, "objects": []}', "[]", ""):
        (validation / "scenes.jsonl").write_text(other)
        assert facts_of(dataset()) is None, other
    (validation / "scenes.jsonl").unlink()
    assert facts_of(dataset()) is None


def test_a_patience_needs_a_measure_of_what_is_trained(tmp_path: Path, validation: Path) -> None:
    def options(**losses: float) -> TrainOptions:
        source = {"format": "scenes", "folder": str(validation)}
        patience = {"learning_rate": 1, "stop": 2}
        return TrainOptions.from_json(content(tmp_path, losses=losses, validation=source, patience=patience))

    (validation / "questions.json").unlink()
    read_data(options(grounding=0, captions=1), None)
    read_data(options(answers=1), None)
    with pytest.raises(InputError, match="validation: expected data with questions, whose measure the patience counts"):
        read_data(options(grounding=0, answers=1), None)
    (validation / "captions.json").unlink()
    with pytest.raises(InputError, match="validation: expected data with questions or captions"):
        read_data(options(grounding=0, answers=1, captions=1), None)
    read_data(options(grounding=0, masks=1), None)
    instances = validation / "instances.json"
    instances.write_text(instances.read_text().replace("segmentation", "pixels"))
    with pytest.raises(InputError, match="validation: expected data with masks, whose measure"):
        read_data(options(grounding=0, masks=1), None)


def test_nothing_but_words(tmp_path: Path, validation: Path) -> None:
    """Of pictures without a box."""
    whole = read(Scenes(validation), How(words=True)).dataset
    pictures = tuple(replace(one, boxes_M4=one.boxes_M4[:0], categories_M=(), sentences=()) for one in whole.pictures)
    bare = replace(whole, names=(), category_ids=(), annotations=None, pictures=pictures)
    torch.manual_seed(0)
    model = GLIP(CONFIG).eval()
    how = alone(LossWeights(grounding=0, answers=1, captions=1))
    assert [*measure(model, bare, how)] == [*OF_ANSWERS, "CIDEr", "oneCaption"]
    sample = seen(model, bare.pictures[0], bare, torch.no_grad())
    assert sample["caption"] == bare.pictures[0].captions[0].text
    silent = replace(bare.pictures[0], captions=(), questions=())
    assert seen(model, silent, bare, torch.no_grad())["objects"] == []
