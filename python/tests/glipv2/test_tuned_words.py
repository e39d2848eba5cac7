"""Trainings of answers and captions, with sets that have nothing else and with sets that have boxes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from drawn_scenes import ANSWERS
from tiny_runs import TINY, configure, content, events, result, run_here
from worded import write_captions, write_questions

from glipv2.checkpoints.load import load, save
from glipv2.data.sources import Source, source_to_json
from glipv2.errors import InputError
from glipv2.head.understanding import UnderstandingConfig
from glipv2.model import GLIP
from glipv2.training.data import read_data
from glipv2.training.folder import RunFolder
from glipv2.training.model import build
from glipv2.training.options import TrainOptions

TELLING = replace(TINY, understanding=UnderstandingConfig(width=16, layers=1, heads=2))

MINE = ("yes", "2", "cat", "kitten", "0", "3", "black cat")


def configured(folder: Path, losses: dict[str, float], *sources: Source, **more: Any) -> RunFolder:
    train = [source_to_json(one) for one in sources]
    return configure(folder, config=TELLING.to_json(), train=train, losses=losses, **more)


def losses_of(run: RunFolder) -> set[str]:
    return {name for event in events(run, "step") for name in event["losses"]}


def test_answers_alone(tmp_path: Path) -> None:
    """Nobody says that there are no boxes to be learnt: these have no steps."""
    source = write_questions(tmp_path / "asked")
    run = configured(tmp_path, {"answers": 1.0}, source, validation=source_to_json(source))
    assert run_here(run) == "completed"
    of_steps = [event["losses"] for event in events(run, "step")]
    assert all(one["answers"] > 0 for one in of_steps)
    assert all(one[name] == 0 for one in of_steps for name in ("tokens", "boxes", "centerness"))
    trained = load(Path(result(run)["checkpoint"]))
    assert trained.config.understanding is not None
    assert trained.config.understanding.answers == MINE


def test_captions_alone(tmp_path: Path) -> None:
    source = write_captions(tmp_path / "told")
    run = configured(tmp_path, {"grounding": 0.0, "captions": 1.0}, source)
    assert run_here(run) == "completed"
    assert losses_of(run) == {"captions", "total"}
    assert all(event["losses"]["captions"] > 0 for event in events(run, "step"))


def test_mixed_with_what_has_boxes(tmp_path: Path) -> None:
    asked, told = write_questions(tmp_path / "asked"), write_captions(tmp_path / "told")
    [scenes] = TrainOptions.from_json(content(tmp_path)).train
    losses = {"answers": 1.0, "captions": 1.0}
    parts = {"questions": 0.4, "captions": 0.3}
    run = configured(tmp_path, losses, scenes, asked, told, asking=parts, steps=12)
    assert run_here(run) == "completed"
    of_steps = [event["losses"] for event in events(run, "step")]
    assert {"answers" in one for one in of_steps} == {"captions" in one for one in of_steps} == {True, False}
    # Of boxes there is always something in the steps that are for them: what has none is not drawn there.
    assert all(one["boxes"] > 0 for one in of_steps if "answers" not in one and "captions" not in one)
    trained = load(Path(result(run)["checkpoint"]))
    assert trained.config.understanding is not None
    assert trained.config.understanding.answers == (*ANSWERS, *(one for one in MINE if one not in ANSWERS))


def test_a_probe_of_words_changes_no_box(tmp_path: Path) -> None:
    torch.manual_seed(3)
    save(GLIP(TINY), tmp_path / "before.safetensors")
    source = source_to_json(write_questions(tmp_path / "asked"))
    start = {"weights": str(tmp_path / "before.safetensors"), "config": "auto", "settings": {"understanding": {}}}
    losses = {"grounding": 0.0, "answers": 1.0}
    run = configure(tmp_path, train=[source], method="linear_probe", losses=losses, **start)
    run_here(run)
    before, after = (load(Path(one)) for one in (start["weights"], result(run)["checkpoint"]))
    known = before.state_dict()
    now = after.state_dict()
    assert all(torch.equal(now[name], value) for name, value in known.items())
    drawn = build(TrainOptions.from_json(json.loads(run.config.read_text())), ()).model.state_dict()
    assert {name.partition(".")[0] for name in now.keys() - known.keys()} == {"understanding"}
    assert any(not torch.equal(now[name], drawn[name]) for name in now.keys() - known.keys())


def test_what_nothing_is_learnt_of_is_refused(tmp_path: Path) -> None:
    asked, told = write_questions(tmp_path / "asked"), write_captions(tmp_path / "told")
    [scenes] = TrainOptions.from_json(content(tmp_path)).train

    def refused(losses: dict[str, float], *sources: Source, **more: Any) -> str:
        train = [source_to_json(one) for one in sources]
        options = content(tmp_path, config=TELLING.to_json(), train=train, losses=losses, **more)
        with pytest.raises(InputError) as raised:
            read_data(TrainOptions.from_json(options), None)
        return str(raised.value)

    assert refused({}, asked).startswith("train[0]: expected data with boxes, of which the losses are, got questions")
    assert "train[1]: expected data with boxes," in refused({}, scenes, told)
    assert "train[1]: expected data with questions, of which" in refused({"answers": 1.0}, asked, told)
    assert "losses.captions: expected 0, or data with captions" in refused({"captions": 1.0}, asked)
    assert "losses.answers: expected 0, or data with questions" in refused({"answers": 1.0}, told)
    assert "losses.mlm: expected 0, or data with boxes, got 1.0" in refused({"answers": 1.0, "mlm": 1.0}, asked)
    replay = {"sources": [source_to_json(told)]}
    assert "replay.sources[0]: expected data with" in refused({"answers": 1.0}, asked, replay=replay)


def test_a_model_is_given_the_answers_that_it_is_taught(tmp_path: Path) -> None:
    torch.manual_seed(3)
    assert TELLING.understanding is not None
    before = replace(TELLING, understanding=replace(TELLING.understanding, answers=("red", "blue")))
    save(GLIP(before), tmp_path / "before.safetensors")
    told = content(tmp_path, weights=str(tmp_path / "before.safetensors"), config="auto", losses={"answers": 1.0})

    def answers(new: tuple[str, ...], settings: dict[str, Any] | None = None) -> tuple[str, ...]:
        config = build(TrainOptions.from_json({**told, "settings": settings or {}}), (), answers=new).model.config
        assert config.understanding is not None
        return config.understanding.answers

    assert answers(("2", "red")) == ("2", "red")
    assert answers(()) == ("red", "blue"), "a training without questions changes none"
    assert answers(("2",), {"understanding": {"answers": ["yes", "no"]}}) == ("yes", "no")
    assert answers(("2",), {"understanding.answers": ["yes", "no"]}) == ("yes", "no")
    assert answers(("2",), {"understanding": {}}) == ("2",)


def test_answers_are_as_they_were_when_a_run_goes_on(tmp_path: Path) -> None:
    source = write_questions(tmp_path / "asked")
    run = configured(tmp_path, {"answers": 1.0}, source, steps=2)
    run_here(run)
    first = load(Path(result(run)["checkpoint"])).config
    told = json.loads(run.config.read_text())
    run.config.write_text(json.dumps({**told, "steps": 4}))
    run_here(run)
    assert result(run)["steps"] == 4
    assert load(Path(result(run)["checkpoint"])).config == first
