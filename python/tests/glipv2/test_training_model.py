"""What a run trains: the model it starts from, what of it learns and how fast, and its average."""

from __future__ import annotations

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
from glipv2.training.export import export
from glipv2.training.model import Trained, build
from glipv2.training.optimizer import optimizer, set_rate
from glipv2.training.options import TrainOptions
from glipv2.training.reduction import _buckets


def options(folder: Path, **changes: Any) -> TrainOptions:
    return TrainOptions.from_json(content(folder, **changes))


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


def test_buckets_hold_everything_once_and_in_order() -> None:
    parameters = [nn.Parameter(torch.zeros(count)) for count in (3, 50, 2, 2, 7)]
    parameters.insert(2, nn.Parameter(torch.zeros(1, dtype=torch.float64)))
    buckets = _buckets(parameters, most=40)
    assert [one for bucket in buckets for one in bucket] == parameters[::-1]
    assert [[one.numel() for one in bucket] for bucket in buckets] == [[7, 2], [2], [1], [50], [3]]


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


def test_the_averaged_weights_of_a_single_file(tmp_path: Path) -> None:
    model = GLIP(TINY)
    torch.save({"config": TINY.to_json(), "average": model.state_dict()}, tmp_path / "last.pt")
    export(tmp_path, tmp_path / "out.safetensors")
    for name, one in load(tmp_path / "out.safetensors").state_dict().items():
        assert torch.equal(one, model.state_dict()[name].half().float()), name
