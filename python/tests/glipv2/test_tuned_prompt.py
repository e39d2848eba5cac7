"""Prompt tuning: a small file beside weights that stay as they are, and serve every other prompt too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_runs import TINY, assert_equal, configure, events, result, run_here
from torch import Tensor

from glipv2.checkpoints.load import load, save
from glipv2.errors import InputError, WeightsError
from glipv2.model import GLIP
from glipv2.text.tuned import TunedPrompt
from glipv2.training.folder import RunFolder

NAMES = ("red", "green", "blue")

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("shared") / "model.safetensors"
    save(GLIP(TINY), file)
    return file


def tuning(folder: Path, weights: Path, name: str = "run", **changes: Any) -> RunFolder:
    shared = {"method": "prompt", "weights": str(weights), "config": "auto"}
    return configure(folder, name, **shared, **changes)


def features(model: GLIP, tuned: TunedPrompt | None) -> Tensor:
    text = model.encode_text(torch.tensor([TunedPrompt(NAMES, TINY).prompt.ids]), torch.ones(1, 7, dtype=torch.bool))
    return (text if tuned is None else tuned(text)).hidden_BTC


def test_a_new_one_changes_nothing(weights: Path) -> None:
    model, tuned = load(weights), TunedPrompt(NAMES, TINY)
    assert tuned.prompt.text == "red. green. blue"
    assert torch.equal(features(model, tuned), features(model, None))


def test_a_run_tunes_it_and_leaves_the_weights_alone(tmp_path: Path, weights: Path) -> None:
    before = weights.read_bytes()
    run = tuning(tmp_path, weights, steps=30, batch_size=4, warmup_steps=0, checkpoint_steps=15)
    assert run_here(run) == "completed"
    assert weights.read_bytes() == before
    losses = [one["losses"]["tokens"] for one in events(run, "step")]
    assert sum(losses[-10:]) < 0.97 * sum(losses[:10])
    last = run.checkpoints / "step-00000030"
    assert sorted(one.name for one in last.iterdir()) == ["prompt.safetensors", "training.pt"]
    told = result(run)
    assert (told["prompt"], told["checkpoint"], told["best"]) == (str(run.prompt), None, None)
    assert run.prompt.read_bytes() == (last / "prompt.safetensors").read_bytes()
    assert run.prompt.stat().st_size < 10_000
    model, tuned = load(weights), TunedPrompt.load(run.prompt, TINY)
    assert tuned.names == NAMES
    assert not torch.equal(features(model, tuned), features(model, None))
    assert (last / "training.pt").stat().st_size < 20_000, "nothing of the model"


def test_it_is_gone_on_with_to_the_bit(tmp_path: Path, weights: Path) -> None:
    options: dict[str, Any] = {"steps": 4, "ema": 0.9, "checkpoint_steps": 2}
    whole, run = tuning(tmp_path, weights, "whole", **options), tuning(tmp_path, weights, **options)
    run_here(whole)
    run_here(run)
    for left in (run.checkpoints / "step-00000004").iterdir():
        left.unlink()
    (run.checkpoints / "step-00000004").rmdir()
    assert run_here(run) == "completed"
    assert events(run, "start")[-1]["step"] == 2
    assert_equal(whole, run, 4)


def test_it_is_tied_to_one_list_of_categories(tmp_path: Path, weights: Path) -> None:
    run = tuning(tmp_path, weights, steps=1)
    captions = tmp_path / "captions.jsonl"
    captions.write_text(
        '{"filename": "000001.png", "height": 128, "width": 128, "grounding": {"caption": "a red one", '
        '"regions": [{"bbox": [1, 1, 9, 9], "phrase": "red one"}]}}\n'
    )
    odvg = {"format": "odvg", "annotations": str(captions), "images": str(tmp_path / "train" / "images")}
    with pytest.raises(InputError, match=r"train\[0\]: expected data with categories"):
        run_here(tuning(tmp_path, weights, train=[odvg]))
    with pytest.raises(InputError, match="validation: expected the categories of"):
        run_here(tuning(tmp_path, weights, validation=odvg))
    assert not run.prompt.exists()
    many = [f"category number {index} of many" for index in range(100)]
    with pytest.raises(InputError, match="categories that fit one text of 256 tokens"):
        TunedPrompt(many, TINY)


def test_what_is_no_prompt_of_this_model(tmp_path: Path, weights: Path) -> None:
    from dataclasses import replace

    with pytest.raises(WeightsError, match="no tuned prompt"):
        TunedPrompt.load(weights, TINY)
    with pytest.raises(WeightsError, match="no such file"):
        TunedPrompt.load(tmp_path / "absent.safetensors", TINY)
    TunedPrompt(NAMES, TINY).save(tmp_path / "prompt.safetensors")
    wider = replace(TINY, text=replace(TINY.text, width=64))
    with pytest.raises(WeightsError, match=r"a prompt of the shape \[7, 32\], where the model's text has \[7, 64\]"):
        TunedPrompt.load(tmp_path / "prompt.safetensors", wider)
    other = replace(TINY, prompt=replace(TINY.prompt, separator=" . "))
    with pytest.raises(WeightsError, match="between categories"):
        TunedPrompt.load(tmp_path / "prompt.safetensors", other)
