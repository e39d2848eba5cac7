"""What a run is made of, kept in one file: a resumed run goes on as if it had never stopped."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from glipv2.checkpoints.load import read
from glipv2.config import CONFIGS, GlipConfig
from glipv2.model import GLIP
from glipv2.training.options import Options

CHECKPOINT = "last.pt"


@dataclass
class State:
    model: GLIP
    average: AveragedModel
    optimizer: torch.optim.AdamW
    step: int = 0
    """Steps that are done."""


def new_state(options: Options) -> State:
    """WeightsError: `options.weights` cannot be read, or are another model's."""
    torch.manual_seed(options.seed)
    model = GLIP(CONFIGS[options.model]).to(options.device).train()
    if options.weights is not None:
        model.load_state_dict(read(options.weights, model.config).tensors)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(options.ema))
    return State(model, average, _optimizer(model, options))


def save(state: State, options: Options) -> Path:
    """Replaces the last checkpoint in one go: it is there whole, or the one before is."""
    path = options.output / CHECKPOINT
    content = {
        "config": state.model.config.to_json(),
        "step": state.step,
        "model": state.model.state_dict(),
        "average": state.average.module.state_dict(),
        "averaged": state.average.n_averaged,
        "optimizer": state.optimizer.state_dict(),
        "random": _random_state(options.device),
    }
    part = path.with_suffix(".part")
    torch.save(content, part)
    os.replace(part, path)
    return path


def resumed(options: Options) -> State | None:
    """None: there is nothing to go on from. ValueError: what is there is another model's."""
    path = options.output / CHECKPOINT
    if not path.exists():
        return None
    content: dict[str, Any] = torch.load(path, map_location=options.device, weights_only=True)
    state = new_state(options)
    if GlipConfig.from_json(content["config"]) != state.model.config:
        raise ValueError(f"{path}: expected a run of {options.model}, got one of another configuration")
    state.model.load_state_dict(content["model"])
    state.average.module.load_state_dict(content["average"])
    state.average.n_averaged.copy_(content["averaged"])
    state.optimizer.load_state_dict(content["optimizer"])
    state.step = content["step"]
    _set_random_state(content["random"], options.device)
    return state


def averaged(path: Path) -> GLIP:
    """The averaged weights of a run's checkpoint, on the CPU, in evaluation."""
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    model = GLIP(GlipConfig.from_json(content["config"]))
    model.load_state_dict(content["average"])
    return model.eval()


def _optimizer(model: nn.Module, options: Options) -> torch.optim.AdamW:
    """What is no matrix, and embeddings, do not decay."""
    embeddings = {id(one.weight) for one in model.modules() if isinstance(one, nn.Embedding)}
    decayed: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for parameter in model.parameters():
        if parameter.requires_grad:
            decays = parameter.ndim > 1 and id(parameter) not in embeddings
            (decayed if decays else others).append(parameter)
    groups = [{"params": decayed, "weight_decay": options.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=options.learning_rate, fused=True)


def _random_state(device: str) -> dict[str, torch.Tensor]:
    states = {"cpu": torch.get_rng_state()}
    return states | ({"cuda": torch.cuda.get_rng_state()} if device.startswith("cuda") else {})


def _set_random_state(states: dict[str, torch.Tensor], device: str) -> None:
    torch.set_rng_state(states["cpu"].cpu())
    if device.startswith("cuda") and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"].cpu())
