"""What a run is told, what it plans, draws and writes down, piece by piece."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_runs import TINY, content

from glipv2.errors import InputError
from glipv2.training.checkpoint import Checkpoints
from glipv2.training.events import Events
from glipv2.training.options import TrainOptions
from glipv2.training.plan import Plan
from glipv2.training.schedule import Plateau, Schedule
from glipv2.training.state import seed_step
from glipv2.training.step import rows
from glipv2.training.tensorboard import TensorBoard


def options(folder: Path, **changes: Any) -> TrainOptions:
    return TrainOptions.from_json(content(folder, **changes))


def test_options_are_their_json(tmp_path: Path) -> None:
    source = {"format": "coco", "annotations": "/a.json", "images": "/a", "copies": 2, "share": 0.5}
    replay = {"sources": [source], "share": 0.25, "validation": source}
    one = options(
        tmp_path, replay=replay, validation=source, milestones=[0.5], patience={"learning_rate": 1, "stop": 2}
    )
    assert TrainOptions.from_json(json.loads(json.dumps(one.to_json()))) == one
    assert one.to_json()["replay"]["sources"] == [source]


def test_none_is_the_methods_default(tmp_path: Path) -> None:
    nothing = {"learning_rate": None, "losses": {"inter": None, "mlm": 0.5}, "schedule": None, "ema": None}
    full = options(tmp_path, **nothing)
    assert (full.learning_rate, full.weight_decay, full.ema, full.schedule) == (1e-4, 0.05, 0.999, "cosine")
    assert (full.losses.grounding, full.losses.inter, full.losses.mlm) == (1.0, 0.0, 0.5)
    prompt = options(tmp_path, method="prompt", weights="/some.safetensors", **{**nothing, "losses": None})
    assert (prompt.learning_rate, prompt.weight_decay, prompt.ema) == (0.05, 0.25, 0.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"step": 1}, "options: unknown step; there are train, output"),
        ({"steps": "3"}, "steps: expected int, got '3'"),
        ({"steps": 0}, "steps: expected a number >= 1, got 0"),
        ({"epochs": 2.0}, "epochs: expected either steps or epochs, got both"),
        ({"train": []}, "train: expected at least one source"),
        ({"train": [{"format": "cocoa"}]}, r"train\[0\]\.format: expected one of coco"),
        ({"config": "glip-x"}, "config: expected one of auto, glip-t-a"),
        ({"config": "auto"}, "config: expected a configuration, where there are no weights"),
        ({"config": {"head": {"blocks": "3"}}}, r"config\.head\.blocks: expected int"),
        ({"method": "lora"}, "method: expected one of full, linear_probe, prompt, got 'lora'"),
        ({"freeze": ["neck"]}, r"freeze\[0\]: expected one of backbone, text, head"),
        ({"freeze": ["text", "head", "backbone"]}, "freeze: expected a part that is trained"),
        ({"losses": {"grounding": 0}}, "losses: a loss must have a weight of more than 0"),
        ({"ema": 1.0}, "ema: expected a number < 1"),
        ({"milestones": [0.5, 1.5]}, r"milestones\[1\]: expected a part of the run"),
        ({"patience": {"learning_rate": 1, "stop": 1}}, "patience: expected a validation"),
        ({"method": "prompt"}, "weights: expected the weights that the prompt is tuned for"),
        ({"method": "prompt", "weights": "/w", "losses": {"mlm": 1}}, "losses.mlm: expected 0 with the method prompt"),
        ({"method": "prompt", "weights": "/w", "losses": {"masks": 1}}, "losses.masks: expected 0 with the method"),
    ],
)
def test_options_that_cannot_be(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        options(tmp_path, **changes)


def test_a_plan_from_epochs(tmp_path: Path) -> None:
    plan = Plan.of(options(tmp_path, steps=None, epochs=10, batch_size=4, warmup_steps=None), 100)
    assert (plan.total_steps, plan.schedule.warmup_steps, plan.checkpoint_steps, plan.evaluate_steps) == (
        250,
        12,
        25,
        25,
    )
    assert plan.epochs_per_step == pytest.approx(0.04)
    # A quarter of the pictures are of another data set, and count for no epoch.
    source = {"format": "scenes", "folder": "/x"}
    replay = {"sources": [source], "share": 0.25}
    assert Plan.of(options(tmp_path, steps=None, epochs=3, batch_size=4, replay=replay), 100).total_steps == 100
    assert Plan.of(options(tmp_path, steps=None, batch_size=4), 4).total_steps == 12


def test_schedules() -> None:
    cosine = Schedule("cosine", 100, 10)
    factors = [cosine.factor(step) for step in range(100)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9] == factors[10] == pytest.approx(1.0)
    assert factors[11:] == sorted(factors[11:], reverse=True)
    assert factors[55] == pytest.approx(0.505)
    assert 0.01 < factors[99] < 0.012
    steps = Schedule("steps", 10, 0, (0.5, 0.8))
    assert [steps.factor(step) for step in range(10)] == pytest.approx([1] * 5 + [0.1] * 3 + [0.01] * 2)
    assert Schedule("constant", 10, 2).factor(7) == 1.0


def test_a_plateau() -> None:
    plateau = Plateau()
    better = [plateau.add(step, value, 2) for step, value in enumerate([0.1, 0.2, 0.2, None, 0.1, 0.3])]
    assert better == [True, True, False, False, False, True]
    assert (plateau.best, plateau.best_step, plateau.drops, plateau.since_best) == (0.3, 5, 1, 0)
    assert plateau.factor == pytest.approx(0.1)


def test_the_same_step_draws_the_same() -> None:
    def drawn(*place: int) -> list[float]:
        generator = seed_step(*place)
        return [*torch.rand(2).tolist(), *torch.rand(2, generator=generator).tolist()]

    assert drawn(1, 2, 3) == drawn(1, 2, 3)
    one, of_another_rank = drawn(1, 2, 3), drawn(1, 2, 4)
    assert one[:2] != of_another_rank[:2]
    assert one[2:] == of_another_rank[2:], "what the processes draw together"
    every = [tuple(drawn(*place)) for place in ((1, 2, 3), (1, 3, 3), (2, 2, 3), (12, 3, 3))]
    assert len({number for numbers in every for number in numbers}) == 16


def test_a_record_after_half_a_one(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"type": "step"}\n{"type": "st')
    events = Events(path)
    events.write("warning", text="ü")
    events.close()
    lines = path.read_text().split("\n")
    assert lines[:2] == ['{"type": "step"}', '{"type": "st']
    assert {**json.loads(lines[2]), "time": 0} == {"time": 0, "type": "warning", "text": "ü"}
    assert lines[3:] == [""]


def test_what_tensorboard_reads(tmp_path: Path) -> None:
    """Record by record, with their checksums."""
    from tensorboardX import record_writer
    from tensorboardX.proto import event_pb2

    board = TensorBoard(tmp_path)
    board.scalars(70_000, {"loss/total": 1.5, "learning_rate": 1e-4})
    board.picture(3, "sample", (20, 30), b"png" * 100)
    board.scalars(4, {})
    board.close()
    [path] = tmp_path.iterdir()
    assert path.name.startswith("events.out.tfevents.")
    data, read = path.read_bytes(), []
    while data:
        length = int.from_bytes(data[:8], "little")
        assert record_writer.masked_crc32c(data[:8]) == int.from_bytes(data[8:12], "little")
        event, check, data = data[12 : 12 + length], data[12 + length : 16 + length], data[16 + length :]
        assert record_writer.masked_crc32c(event) == int.from_bytes(check, "little")
        read.append(event_pb2.Event.FromString(event))
    assert [one.file_version for one in read] == ["brain.Event:2", "", ""]
    assert [one.step for one in read] == [0, 70_000, 3]
    values = {one.tag: one.simple_value for one in read[1].summary.value}
    assert values == pytest.approx({"loss/total": 1.5, "learning_rate": 1e-4})
    image = read[2].summary.value[0].image
    assert (image.height, image.width, image.encoded_image_string) == (20, 30, b"png" * 100)


class TestCheckpoints:
    def write(self, folder: Path, step: int, keep: int = 2, best: tuple[int, float] | None = None) -> None:
        def kept(part: Path) -> None:
            (part / "model.safetensors").write_bytes(b"weights")

        Checkpoints(folder, keep).write(step, {"step": step}, best, kept)

    def steps(self, folder: Path) -> list[int]:
        return [one.step for one in Checkpoints(folder, 1).all()]

    def test_the_last_and_the_best_are_kept(self, tmp_path: Path) -> None:
        for step in range(1, 7):
            self.write(tmp_path, step, best=(2, 0.5) if step > 1 else None)
        assert self.steps(tmp_path) == [2, 5, 6]
        assert sorted(one.name for one in tmp_path.iterdir() if not one.is_dir()) == ["last.json"]

    def test_what_cannot_be_written_leaves_nothing(self, tmp_path: Path) -> None:
        self.write(tmp_path, 1)

        def full(part: Path) -> None:
            (part / "model.safetensors").write_bytes(b"half")
            raise OSError(28, "No space left on device")

        with pytest.raises(OSError, match="No space"):
            Checkpoints(tmp_path, 1).write(2, {}, None, full)
        assert self.steps(tmp_path) == [1]
        assert sorted(one.name for one in tmp_path.iterdir()) == ["last.json", "step-00000001"]

    def test_one_takes_the_place_of_another_of_its_step(self, tmp_path: Path) -> None:
        self.write(tmp_path, 1)
        self.write(tmp_path, 1, best=(1, 0.5))
        assert self.steps(tmp_path) == [1]
        assert json.loads((tmp_path / "last.json").read_text())["best"]["measure"] == 0.5

    def test_those_that_nobody_could_go_on_from_make_way(self, tmp_path: Path) -> None:
        """Otherwise the next ones, of fewer steps, would be pruned as the older ones."""
        for step in (900, 1000):
            self.write(tmp_path, step)
        Checkpoints(tmp_path, 1).set_aside(900)
        self.write(tmp_path, 950, keep=1)
        assert self.steps(tmp_path) == [950]
        assert (tmp_path / "unusable-step-00001000" / "model.safetensors").exists()
        assert json.loads((tmp_path / "last.json").read_text())["step"] == 950

    def test_what_a_killed_process_left_is_cleared(self, tmp_path: Path) -> None:
        self.write(tmp_path, 1)
        self.write(tmp_path, 2)
        (tmp_path / ".step-00000003.part").mkdir()
        (tmp_path / ".step-00000000.gone").mkdir()
        # It was about to be replaced, and its successor had no name yet.
        os.rename(tmp_path / "step-00000002", tmp_path / ".step-00000002.old")
        checkpoints = Checkpoints(tmp_path, 2)
        checkpoints.clear()
        assert self.steps(tmp_path) == [1, 2]
        assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []
        last = checkpoints.last()
        assert last is not None
        assert last.state() == {"step": 2}


def test_a_part_of_a_batch(tmp_path: Path) -> None:
    from glipv2.data.batches import training_batch
    from glipv2.text.wordpiece import WordPiece
    from glipv2.training.data import asking, read_data, viewing

    given = options(tmp_path)
    data = read_data(given, None)
    arguments = (data.mixture, 0, 4, 0, asking(given, TINY), WordPiece.default(), viewing(given, TINY))
    whole = training_batch(*arguments)
    for part in (slice(0, 1), slice(1, 4)):
        mine, theirs = rows(whole, part), training_batch(*arguments, part)
        assert torch.equal(mine.pictures_B3HW, theirs.pictures_B3HW)
        assert torch.equal(mine.ids_BT, theirs.ids_BT)
        assert mine.sizes == theirs.sizes
        assert len(mine.asked) == len(mine.targets.tokens_MT) == part.stop - part.start


def test_few_shots_are_written_down(tmp_path: Path) -> None:
    from glipv2.training.data import read_data

    data = read_data(options(tmp_path, shots=1, shot_seed=30), tmp_path / "subset.json")
    [dataset] = data.mixture.datasets
    assert 1 <= len(dataset.pictures) < 6
    assert {category for one in dataset.pictures for category in one.categories_M} == {0, 1, 2}
    subset = json.loads((tmp_path / "subset.json").read_text())
    assert (subset["shots"], subset["seed"]) == (1, 30)
    assert subset["pictures"] == [[one.id for one in dataset.pictures]]


def test_parts_of_the_steps(tmp_path: Path) -> None:
    def parts(losses: dict[str, float], **asking: float) -> tuple[float, float]:
        return TrainOptions.from_json(content(tmp_path, losses=losses, asking=asking)).parts_of_steps

    assert parts({}) == (0, 0)
    assert parts({"answers": 1}) == (0.25, 0)
    assert parts({"answers": 1, "captions": 1}) == (0.25, 0.25)
    assert parts({"answers": 1, "captions": 1}, questions=0.5, captions=0.1) == (0.5, 0.1)
    assert parts({}, questions=0.5) == (0, 0)
    assert parts({"grounding": 0, "answers": 1, "captions": 1}) == (0.5, 0.5)
    assert parts({"grounding": 0, "answers": 1}, questions=0.1) == (1, 0)
    with pytest.raises(InputError, match=r"asking\.questions, asking\.captions: expected parts of the steps"):
        parts({"answers": 1, "captions": 1}, questions=0.8, captions=0.8)
    with pytest.raises(InputError, match=r"asking\.captions: expected a part of the steps, from 0 to 1, got 2"):
        parts({"captions": 1}, captions=2.0)
    with pytest.raises(InputError, match="asking: expected steps of the only losses that have a weight"):
        parts({"grounding": 0, "answers": 1}, questions=0.0)
