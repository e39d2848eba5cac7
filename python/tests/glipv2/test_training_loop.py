"""A training run: it learns, and goes on after a stop as if there had been none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from drawn_scenes import write_split

from glipv2.config import CONFIGS, GlipConfig, HeadConfig, InputConfig, PostprocessConfig
from glipv2.data.scenes import read_split
from glipv2.evaluation.boxes import evaluate_boxes
from glipv2.evaluation.phrases import evaluate_phrases
from glipv2.fusion.attention import FusionConfig
from glipv2.text.bert import BertConfig
from glipv2.training.loop import train
from glipv2.training.options import Options, rate
from glipv2.training.state import averaged
from glipv2.vision.fpn import FpnConfig
from glipv2.vision.swin import SwinConfig

#: Drops something everywhere: what a resumed run draws has to be what it would have drawn.
TINY = GlipConfig(
    swin=SwinConfig(width=16, depths=(1, 1, 1, 1), heads=(1, 2, 4, 4), window=4, drop_path=0.1),
    fpn=FpnConfig(channels=32, drop_block=0.1),
    text=BertConfig(width=32, layers=1, heads=2, hidden=64, dropout=0.1),
    fusion=FusionConfig(width=64, heads=2, dropout=0.1),
    head=HeadConfig(blocks=1),
    input=InputConfig(short_side=128, long_side=256),
    postprocess=PostprocessConfig(threshold=0.01),
)


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Options:
    monkeypatch.setitem(CONFIGS, "tiny", TINY)
    data = write_split(tmp_path / "train")
    return Options(data=data, output=tmp_path / "run", model="tiny", steps=5, batch_size=2, warmup_steps=2)


def test_a_resumed_run_is_the_uninterrupted_one(options: Options, tmp_path: Path) -> None:
    whole = train(options)
    parts = replace(options, output=tmp_path / "parts", hours=0.0)
    for step in range(1, 6):
        assert train(parts).step == step
    assert whole.step == 5
    one, other = (torch.load(folder / "last.pt", weights_only=True) for folder in (options.output, parts.output))
    for part in ("model", "average"):
        for name, tensor in one[part].items():
            assert torch.equal(tensor, other[part][name]), name
    assert train(parts).step == 5, "nothing is left to do"


def test_another_models_run_is_not_gone_on_with(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    train(replace(options, steps=1))
    monkeypatch.setitem(CONFIGS, "tiny", replace(TINY, head=HeadConfig(blocks=2)))
    with pytest.raises(ValueError, match="expected a run of tiny"):
        train(options)


def test_it_learns(options: Options) -> None:
    options = replace(options, steps=60, batch_size=4, warmup_steps=5, learning_rate=2e-3, ema=0.9)
    model = train(options).average.module
    lines = [json.loads(line) for line in (options.output / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [50, 60]
    first = lines[0]["losses"]
    assert sum(lines[-1]["losses"].values()) < sum(first.values())
    assert lines[-1]["learning_rate"] < lines[0]["learning_rate"]
    kept = averaged(options.output / "last.pt")
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, kept.state_dict()[name])


def test_the_learning_rate_rises_and_falls(options: Options) -> None:
    options = replace(options, steps=100, warmup_steps=10, learning_rate=1.0)
    rates = [rate(step, options) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[10] == pytest.approx(1.0)
    assert rates[11:] == sorted(rates[11:], reverse=True)
    assert rates[55] == pytest.approx(0.505)
    assert 0.01 < rates[99] < 0.012


def test_what_an_untrained_model_is_worth(options: Options) -> None:
    split = read_split(options.data)
    model = train(replace(options, steps=1)).average.module
    metrics = evaluate_boxes(model, split)
    assert metrics.ap is not None
    assert metrics.ap50 is not None
    assert 0 <= metrics.ap <= metrics.ap50 < 0.5
    assert 0 <= evaluate_phrases(model, split) <= 1
