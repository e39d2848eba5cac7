"""What a run is put together from, piece by piece."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_runs import TINY, content
from torch import nn

from glipv2.checkpoints.load import Weights, load, save
from glipv2.config import CONFIGS
from glipv2.errors import InputError, WeightsError
from glipv2.model import GLIP
from glipv2.training.average import Average
from glipv2.training.checkpoint import Checkpoints
from glipv2.training.events import Events
from glipv2.training.export import export
from glipv2.training.model import Trained, build
from glipv2.training.optimizer import optimizer, set_rate
from glipv2.training.options import TrainOptions
from glipv2.training.plan import Plan
from glipv2.training.reduction import _buckets
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


def test_an_average_by_hand() -> None:
    weight = nn.Parameter(torch.tensor([1.0]), requires_grad=False)
    average = Average({"weight": weight}, decay=0.5)
    expected = 1.0
    for update, value in enumerate([3.0, -1.0, 2.0, 5.0, 8.0, 13.0, 21.0, 34.0, 55.0]):
        weight.data.fill_(value)
        average.update()
        decay = min(0.5, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * value
        assert float(average.tensors["weight"]) == pytest.approx(expected)
    with average.applied():
        assert float(weight) == pytest.approx(expected)
        assert float(average.tensors["weight"]) == 55.0
    assert float(weight) == 55.0


def test_groups_of_the_optimizer(tmp_path: Path) -> None:
    given = options(tmp_path, learning_rate=1e-3, weight_decay=0.1, language_learning_rate=1e-4, backbone_factor=0.5)
    trained = build(given, ())
    groups = optimizer(trained, given).param_groups
    name_of = {id(one): name for name, one in trained.named_parameters()}
    rates = {name_of[id(one)]: (group["lr"], group["weight_decay"]) for group in groups for one in group["params"]}
    assert rates.keys() == dict(trained.named_parameters()).keys()
    assert rates["model.text.layers.0.expand.weight"] == (1e-4, 0.1)
    assert rates["model.text.layers.0.expand.bias"] == (1e-4, 0.0)
    assert rates["model.text.embeddings.word.weight"] == (1e-4, 0.0), "an embedding"
    assert rates["model.swin.stages.0.blocks.0.mlp.expand.weight"] == (5e-4, 0.1)
    assert rates["model.fpn.p6.weight"] == (1e-3, 0.1)
    made = optimizer(trained, given)
    set_rate(made, 0.1)
    assert {round(group["lr"], 9) for group in made.param_groups} == {1e-4, 1e-5, 5e-5}


def test_a_pretrained_text_encoder_learns_slower(tmp_path: Path) -> None:
    save(GLIP(TINY), tmp_path / "weights.safetensors")
    given = options(tmp_path, weights=str(tmp_path / "weights.safetensors"), config="auto")
    rates = {group["lr"] for group in optimizer(build(given, ()), given).param_groups}
    assert sorted(rates) == pytest.approx([1e-5, 1e-4])


def trainable(trained: Trained) -> set[str]:
    return {name.removeprefix("model.").partition(".")[0] for name in trained.kept}


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({}, {"swin", "fpn", "text", "tower", "boxes", "words"}),
        ({"method": "linear_probe"}, {"boxes", "words"}),
        ({"method": "linear_probe", "settings": {"masks": {}}}, {"boxes", "words", "masks"}),
        ({"freeze": ["backbone"]}, {"text", "tower", "boxes", "words"}),
        ({"freeze": ["text", "head"]}, {"swin", "fpn"}),
    ],
)
def test_what_is_frozen(tmp_path: Path, changes: dict[str, Any], parts: set[str]) -> None:
    trained = build(options(tmp_path, **changes), ())
    assert trainable(trained) == parts
    for name, module in trained.model.named_children():
        assert module.training == (name in parts), name
    trained.eval()
    trained.train()
    assert trained.model.swin.training == ("swin" in parts)


def test_stages_of_the_backbone(tmp_path: Path) -> None:
    trained = build(options(tmp_path, frozen_stages=2), ())
    frozen = {name for name, one in trained.model.swin.named_parameters() if not one.requires_grad}
    assert {name.split(".")[0] for name in frozen} == {"patches", "stages", "mergings"}
    assert {name.split(".")[1] for name in frozen if name.startswith("stages")} == {"0"}
    assert trained.model.config == TINY, "a switch of the run, not of the model"
    large = build(options(tmp_path, config=CONFIGS["glip-nano"].to_json(), frozen_stages=0), ())
    assert all(one.requires_grad for one in large.parameters())


def test_what_a_run_starts_from(tmp_path: Path) -> None:
    model = GLIP(TINY)
    file = tmp_path / "weights.safetensors"
    save(model, file)
    before = file.read_bytes()
    trained = build(options(tmp_path, weights=str(file), config="auto", settings={"text.dropout": 0.3}), ())
    assert trained.model.config.text.dropout == 0.3
    for name, one in model.state_dict().items():
        assert torch.equal(one, trained.model.state_dict()[name])
    with torch.no_grad():
        next(trained.parameters()).add_(1)
    assert file.read_bytes() == before, "the file is mapped, and must not be written to"
    with pytest.raises(WeightsError, match="of another shape"):
        build(options(tmp_path, weights=str(file), config="auto", settings={"fpn.channels": 48}), ())
    with pytest.raises(InputError, match="frozen_stages: expected at most 5"):
        build(options(tmp_path, frozen_stages=6), ())


def test_a_head_is_added_to_weights_without_it(tmp_path: Path) -> None:
    model = GLIP(TINY)
    save(model, tmp_path / "weights.safetensors")
    started = {"weights": str(tmp_path / "weights.safetensors"), "config": "auto"}
    trained = build(options(tmp_path, **started, settings={"masks": {"width": 16}}, losses={"masks": 1}), ())
    masks = trained.model.config.masks
    assert masks is not None
    assert (masks.width, masks.channels) == (16, 8)
    state = trained.model.state_dict()
    for name, one in model.state_dict().items():
        assert torch.equal(one, state[name])
    added = state.keys() - model.state_dict().keys()
    assert added
    assert all(name.startswith("masks.") and state[name].isfinite().all() for name in added)

    save(trained.model, tmp_path / "masked.safetensors")
    again = {**started, "weights": str(tmp_path / "masked.safetensors")}
    kept = build(options(tmp_path, **again, settings={"masks": {}}), ()).model
    assert all(torch.equal(one, state[name]) for name, one in kept.state_dict().items())
    lacking = Weights(TINY, {name: one for name, one in model.state_dict().items() if name != "words.bias"}, [])
    with pytest.raises(WeightsError, match="1 missing"):
        build(options(tmp_path, **started, settings={"masks": {}}), (), lacking)


def test_masks_are_learnt_by_a_model_that_finds_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"losses\.masks: expected 0, or a model with the part masks"):
        build(options(tmp_path, losses={"masks": 0.5}), ())


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


def test_buckets_hold_everything_once_and_in_order() -> None:
    parameters = [nn.Parameter(torch.zeros(count)) for count in (3, 50, 2, 2, 7)]
    parameters.insert(2, nn.Parameter(torch.zeros(1, dtype=torch.float64)))
    buckets = _buckets(parameters, most=40)
    assert [one for bucket in buckets for one in bucket] == parameters[::-1]
    assert [[one.numel() for one in bucket] for bucket in buckets] == [[7, 2], [2], [1], [50], [3]]


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


def test_a_part_is_added_to_weights_without_it(tmp_path: Path) -> None:
    torch.manual_seed(3)
    plain = GLIP(TINY)
    save(plain, tmp_path / "plain.safetensors")
    told = content(tmp_path, weights=str(tmp_path / "plain.safetensors"), config="auto", losses={"answers": 1.0})
    with pytest.raises(InputError, match=r"losses\.answers: expected 0, or a model with the part understanding"):
        build(TrainOptions.from_json(told), ())
    told["settings"] = {"understanding": {"layers": 1, "heads": 2}}
    model = build(TrainOptions.from_json(told), (), answers=("yes", "no")).model
    assert model.understanding is not None
    assert model.config.understanding is not None
    assert model.config.understanding.answers == ("yes", "no")
    state = model.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in plain.state_dict().items())
    save(model, tmp_path / "more.safetensors")
    assert load(tmp_path / "more.safetensors").config == model.config
    # Of a part that there is nothing may be missing.
    told |= {"weights": str(tmp_path / "plain.safetensors"), "settings": {"understanding": {}, "head.blocks": 2}}
    with pytest.raises(WeightsError, match=r"missing \(tower\."):
        build(TrainOptions.from_json(told), ())


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


def test_the_averaged_weights_of_a_single_file(tmp_path: Path) -> None:
    model = GLIP(TINY)
    torch.save({"config": TINY.to_json(), "average": model.state_dict()}, tmp_path / "last.pt")
    export(tmp_path, tmp_path / "out.safetensors")
    for name, one in load(tmp_path / "out.safetensors").state_dict().items():
        assert torch.equal(one, model.state_dict()[name].half().float()), name
