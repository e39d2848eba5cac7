"""Training runs that take seconds: a tiny model on drawn squares."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from drawn_scenes import write_split
from safetensors.torch import load_file

from glipv2.config import GlipConfig, HeadConfig, InputConfig, PostprocessConfig
from glipv2.fusion.attention import FusionConfig
from glipv2.head.masks import MaskConfig
from glipv2.text.bert import BertConfig
from glipv2.training.checkpoint import Checkpoints
from glipv2.training.folder import RunFolder
from glipv2.training.loop import Ended, train
from glipv2.training.options import TrainOptions
from glipv2.training.world import World
from glipv2.vision.fpn import FpnConfig
from glipv2.vision.swin import SwinConfig

PACKAGES = Path(__file__).resolve().parents[2]

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

#: The same with a head for masks.
MASKED = replace(TINY, masks=MaskConfig(width=16, channels=4, norm_groups=4))


def content(folder: Path, name: str = "run", **changes: Any) -> dict[str, Any]:
    """Options as JSON; the data is made in `folder` when it is not there."""
    data = folder / "train"
    source = {"format": "scenes", "folder": str(data if data.exists() else write_split(data))}
    return {
        "train": [source],
        "output": str(folder / name),
        "config": TINY.to_json(),
        "steps": 5,
        "batch_size": 2,
        "warmup_steps": 2,
        "device": "cpu",
        "readers": 1,
        "sample_pictures": 1,
        **changes,
    }


def configure(folder: Path, name: str = "run", **changes: Any) -> RunFolder:
    """The folder of a run that is still to be started."""
    run = RunFolder(folder / name)
    run.path.mkdir(parents=True, exist_ok=True)
    run.config.write_text(json.dumps(content(folder, name, **changes)))
    return run


def run_here(run: RunFolder) -> Ended:
    """In this process, with as many threads as the others have: sums depend on it in their last bits."""
    run.stop.unlink(missing_ok=True)
    options = TrainOptions.from_json(json.loads(run.config.read_text()))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return train(options, run, World(0, 1, torch.device("cpu")), ["a test"], os.getpid())
    finally:
        torch.set_num_threads(threads)


def start(run: RunFolder, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    """As a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(PACKAGES), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "glipv2.training", str(run.path), *arguments]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, **options)
    _started.append(process)
    return process


_started: list[subprocess.Popen[str]] = []


def end_started() -> None:
    """What a test that failed has left."""
    for process in _started:
        if process.poll() is None:
            process.kill()
        if process.stderr is not None and not process.stderr.closed:
            process.communicate()
    _started.clear()


def events(run: RunFolder, kind: str | None = None) -> list[dict[str, Any]]:
    if not run.events.exists():
        return []
    lines = [line for line in run.events.read_text().split("\n")[:-1] if line]
    return [one for one in map(json.loads, lines) if kind in (None, one["type"])]


def result(run: RunFolder) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(run.result.read_text())
    return told


def tensors(run: RunFolder, step: int) -> dict[str, torch.Tensor]:
    """Every tensor of a checkpoint, by its place."""
    [checkpoint] = [one for one in Checkpoints(run.checkpoints, 1).all() if one.step == step]
    return {**load_file(checkpoint.kept), **_tensors(checkpoint.state(), "state")}


def _tensors(value: Any, place: str) -> dict[str, torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return {place: value}
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    return {name: one for key, each in below for name, one in _tensors(each, f"{place}.{key}").items()}


def assert_equal(one: RunFolder, other: RunFolder, step: int) -> None:
    """To the last bit."""
    mine, theirs = tensors(one, step), tensors(other, step)
    assert mine.keys() == theirs.keys()
    assert [name for name in mine if not torch.equal(mine[name], theirs[name])] == []
