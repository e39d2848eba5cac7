"""A training run: it learns, says what it does, and goes on after a stop as if there had been none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_runs import MASKED, TINY, assert_equal, configure, events, result, run_here

from glipv2.checkpoints.load import load
from glipv2.errors import InputError
from glipv2.training.checkpoint import Checkpoints
from glipv2.training.control import Control
from glipv2.training.export import export
from glipv2.training.step import Done, Stepper

pytestmark = pytest.mark.timeout(300)


def steps_done(folder: Path) -> list[int]:
    return [one.step for one in Checkpoints(folder, 1).all()]


@contextmanager
def stopping_after_each_step() -> Iterator[list[int]]:
    """Runs are asked to end in a step, not before; the list must be cleared for each."""
    taken: list[int] = []
    original = Stepper.step

    def step(self: Stepper, *arguments: Any) -> Done:
        taken.append(1)
        return original(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stepper, "step", step)
        patch.setattr(Control, "stop", lambda self: bool(taken))
        yield taken


def test_a_resumed_run_is_the_uninterrupted_one(tmp_path: Path) -> None:
    """With everything that has a state of its own: an average, validation, heads of the other losses."""
    source = {"format": "scenes", "folder": str(tmp_path / "train")}
    options = {
        "validation": source,
        "evaluate_steps": 2,
        "losses": {"inter": 1.0, "mlm": 1.0, "masks": 1.0},
        "config": MASKED.to_json(),
        "patience": {"learning_rate": 1, "stop": 9},
    }
    whole, parts = configure(tmp_path, "whole", **options), configure(tmp_path, "parts", **options)
    assert run_here(whole) == "completed"
    with stopping_after_each_step() as taken:
        for step in range(1, 6):
            taken.clear()
            assert run_here(parts) == "stopped"
            assert result(parts)["steps"] == step
    assert run_here(parts) == "completed"
    assert_equal(whole, parts, 5)
    assert [one["step"] for one in events(parts, "start")] == [0, 1, 2, 3, 4, 5]
    assert events(whole, "evaluation")[-1]["metrics"] == events(parts, "evaluation")[-1]["metrics"]
    assert run_here(parts) == "completed", "nothing is left to do"
    assert events(parts, "start")[-1]["step"] == 5


@pytest.mark.parametrize(
    "options",
    [{"accumulation": 2}, {"precision": "bfloat16"}, {"precision": "float16"}, {"gradient_checkpointing": True}],
)
def test_so_is_one_that_computes_otherwise(tmp_path: Path, options: dict[str, object]) -> None:
    whole, parts = configure(tmp_path, "whole", steps=4, **options), configure(tmp_path, "parts", steps=4, **options)
    assert run_here(whole) == "completed"
    with stopping_after_each_step() as taken:
        while run_here(parts) == "stopped":
            taken.clear()
    assert [one["step"] for one in events(parts, "start")] == [0, 1, 2, 3, 4]
    assert_equal(whole, parts, 4)


def test_it_learns_and_tells(tmp_path: Path) -> None:
    run = configure(tmp_path, steps=60, batch_size=4, warmup_steps=5, learning_rate=2e-3, checkpoint_steps=25)
    assert run_here(run) == "completed"
    steps = events(run, "step")
    assert [one["step"] for one in steps] == list(range(1, 61))
    assert all(abs(sum(one["losses"].values()) - 2 * one["losses"]["total"]) < 1e-4 for one in steps)
    assert sum(one["losses"]["total"] for one in steps[-10:]) < 0.9 * sum(one["losses"]["total"] for one in steps[:10])
    assert steps[0]["learning_rate"] == pytest.approx(2e-3 / 5)
    assert steps[-1]["learning_rate"] < 0.02 * max(one["learning_rate"] for one in steps)
    assert steps[-1]["epoch"] == pytest.approx(60 * 4 / 6)
    assert steps[-1]["eta_seconds"] == 0
    assert all(0 <= one["data_seconds"] <= one["seconds"] for one in steps)
    # The last two, of steps 25, 50 and 60.
    assert steps_done(run.checkpoints) == [50, 60]
    assert [one["step"] for one in events(run, "checkpoint")] == [25, 50, 60]
    told = result(run)
    assert told["checkpoint"] == str(run.checkpoints / "step-00000060" / "model.safetensors")
    assert (told["steps"], told["ended"], told["best"], told["prompt"]) == (60, "completed", None, None)
    assert load(told["checkpoint"]).config == TINY
    export(run.path, tmp_path / "exported.safetensors")
    assert load(tmp_path / "exported.safetensors").config == TINY
    environment = json.loads(run.environment.read_text())
    assert environment["versions"]["torch"] == torch.__version__
    assert environment["data"]["sources"][0]["pictures"] == 6


def test_the_best_checkpoint_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = iter([0.1, 0.5, 0.3, 0.2])
    monkeypatch.setattr("glipv2.training.loop.measure", lambda *_: {"AP": next(figures)})
    source = {"format": "scenes", "folder": str(tmp_path / "train")}
    run = configure(tmp_path, steps=4, validation=source, evaluate_steps=1, keep_checkpoints=1, sample_pictures=0)
    assert run_here(run) == "completed"
    assert steps_done(run.checkpoints) == [2, 4]
    assert [one["best"] for one in events(run, "checkpoint")] == [True, True, False, False]
    assert result(run)["best"] == str(run.checkpoints / "step-00000002" / "model.safetensors")
    told = json.loads((run.checkpoints / "last.json").read_text())
    assert (told["step"], told["best"]["step"], told["best"]["measure"]) == (4, 2, 0.5)


def test_without_improvement_the_rate_drops_and_the_run_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures = iter([0.5, 0.4, 0.4, 0.4, 0.4])
    monkeypatch.setattr("glipv2.training.loop.measure", lambda *_: {"AP": next(figures)})
    source = {"format": "scenes", "folder": str(tmp_path / "train")}
    run = configure(
        tmp_path,
        steps=50,
        schedule="constant",
        warmup_steps=0,
        validation=source,
        evaluate_steps=1,
        sample_pictures=0,
        learning_rate=1e-3,
        patience={"learning_rate": 2, "stop": 4},
    )
    assert run_here(run) == "plateau"
    rates = [one["learning_rate"] for one in events(run, "step")]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-3, 1e-4, 1e-4])
    assert (result(run)["ended"], result(run)["steps"], result(run)["total_steps"]) == ("plateau", 5, 50)


def test_what_it_starts_from_is_measured_too(tmp_path: Path) -> None:
    source = {"format": "scenes", "folder": str(tmp_path / "train")}
    replay = {"sources": [source], "share": 0.25, "validation": source}
    run = configure(tmp_path, steps=2, batch_size=4, validation=source, evaluate_before=True, replay=replay)
    assert run_here(run) == "completed"
    first, last = events(run, "evaluation")[0], events(run, "evaluation")[-1]
    assert (first["step"], last["step"]) == (0, 2)
    assert {"AP", "AP50", "recallAt1"} <= first["metrics"].keys()
    assert first["metrics"] == first["replay_metrics"], "it is the same data"
    told = result(run)
    assert (told["metrics"], told["metrics_before"]) == (last["metrics"], first["metrics"])
    assert (told["replay_metrics"], told["replay_metrics_before"]) == (last["replay_metrics"], first["replay_metrics"])
    # Three of four pictures are new ones.
    assert events(run, "step")[-1]["epoch"] == pytest.approx(2 * 3 / 6)
    sample = events(run, "sample")[0]
    assert sample["categories"] == ["red", "green", "blue"]
    assert Path(sample["path"]).is_file()


def test_asked_for_a_checkpoint_it_writes_one_and_goes_on(tmp_path: Path) -> None:
    run = configure(tmp_path, checkpoint_steps=100)
    run.save.touch()
    assert run_here(run) == "completed"
    assert [one["step"] for one in events(run, "checkpoint")] == [1, 5]
    assert not run.save.exists()


def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path) -> None:
    whole, run = configure(tmp_path, "whole", checkpoint_steps=2), configure(tmp_path, checkpoint_steps=2)
    run_here(whole)
    run_here(run)
    state = run.checkpoints / "step-00000005" / "training.pt"
    state.write_bytes(state.read_bytes()[:-1000])
    assert run_here(run) == "completed"
    assert events(run, "start")[-1]["step"] == 4
    assert "step-00000005" in events(run, "warning")[-1]["text"]
    assert_equal(whole, run, 5)


def test_pictures_that_processes_and_parts_cannot_share_evenly(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="batch_size: expected a multiple of 2"):
        run_here(configure(tmp_path, batch_size=3, accumulation=2))
