"""Everything that a run is between two steps, kept so that a resumed run goes on as if it had never stopped.

No generator's state is among it: each step seeds its own numbers (`seed_step`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from glipv2.checkpoints.files import write_safetensors
from glipv2.checkpoints.load import CONFIG, read
from glipv2.errors import InputError, WeightsError
from glipv2.training.average import Average
from glipv2.training.checkpoint import Checkpoint, Checkpoints, on_cpu
from glipv2.training.model import Trained, build
from glipv2.training.optimizer import optimizer
from glipv2.training.options import TrainOptions
from glipv2.training.schedule import Plateau

Metrics = dict[str, float | None]

#: Numbers of the state that are kept as they are.
_PLAIN = (
    *("step", "seconds", "evaluated"),
    *("metrics", "replay_metrics", "metrics_before", "replay_metrics_before"),
)


@dataclass
class State:
    trained: Trained
    """On the device, in training."""
    optimizer: torch.optim.AdamW
    average: Average | None
    scaler: torch.amp.GradScaler
    step: int = 0
    """Steps that are done."""
    evaluated: int | None = None
    """The step after which the model was last measured ..."""
    metrics: Metrics | None = None
    """... what came of it,"""
    replay_metrics: Metrics | None = None
    """and of what must not be forgotten."""
    metrics_before: Metrics | None = None
    """Before the first step."""
    replay_metrics_before: Metrics | None = None
    seconds: float = 0.0
    """At work, until the checkpoint."""
    plateau: Plateau = field(default_factory=Plateau)

    def averaged(self) -> AbstractContextManager[object]:
        """Within it, the model has the weights that are kept."""
        return nullcontext() if self.average is None else self.average.applied()

    def save(self, checkpoints: Checkpoints) -> Checkpoint:
        """As `Checkpoints.write`."""
        best = self.plateau
        marked = None if best.best is None or best.best_step is None else (best.best_step, best.best)
        return checkpoints.write(self.step, self._content(), marked, self._write_kept)

    def _content(self) -> dict[str, Any]:
        names = self.trained.kept.keys()
        trained = {name: one for name, one in self.trained.named_parameters() if one.requires_grad}
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "plateau": asdict(self.plateau),
            # Without an average the file that a user takes has them.
            "trained": on_cpu({n: one for n, one in trained.items() if self.average is not None or n not in names}),
            "average": None if self.average is None else self.average.updates,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def _write_kept(self, folder: Path) -> None:
        averaged: Mapping[str, Tensor] = {} if self.average is None else self.average.tensors
        prompt, model = self.trained.prompt, self.trained.model
        if prompt is not None:
            prompt.save(folder / "prompt.safetensors", averaged.get("prompt.offsets_TL"))
            return
        tensors = {name: averaged.get(f"model.{name}", one) for name, one in model.state_dict().items()}
        write_safetensors(folder / "model.safetensors", on_cpu(tensors), {CONFIG: json.dumps(model.config.to_json())})


def new_state(options: TrainOptions, names: Sequence[str], device: torch.device, answers: Sequence[str] = ()) -> State:
    """`names`: of the categories that a prompt is tuned for; `answers`: of the questions. WeightsError, InputError: as
    `build`."""
    torch.manual_seed(options.seed)
    return _state(build(options, names, answers=answers), options, device)


def resumed(
    options: TrainOptions,
    names: Sequence[str],
    device: torch.device,
    checkpoint: Checkpoint,
    answers: Sequence[str] = (),
) -> State:
    """WeightsError: the checkpoint is damaged, or of another run's options."""
    try:
        content = checkpoint.state()
        # A tuned prompt stands beside the weights that the run began with.
        weights = None if options.method == "prompt" else read(checkpoint.kept)
        state = _state(build(options, names, weights, answers), options, device)
        _fill(state, content, checkpoint)
    except (MemoryError, InputError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # each kind of damage has its own: RuntimeError, EOFError, UnpicklingError, KeyError, …
        received = f"what cannot be read: {type(error).__name__}: {error}"
        remedy = "remove its folder to go on from the one before"
        raise WeightsError(checkpoint.folder, "content", "a checkpoint of this run", received, remedy) from error
    return state


def seed_step(seed: int, step: int, rank: int) -> torch.Generator:
    """Seeds what a process draws in a step, on every device; gives the generator of what is drawn for the whole batch,
    the same in every process."""
    torch.manual_seed(_digest(seed, step, rank))
    return torch.Generator().manual_seed(_digest(seed, step))


def _digest(*numbers: int) -> int:
    return int.from_bytes(blake2b(repr(numbers).encode(), digest_size=8).digest(), "little") >> 1


def _state(trained: Trained, options: TrainOptions, device: torch.device) -> State:
    trained.to(device)
    average = Average(trained.kept, options.ema) if options.ema > 0 else None
    scaler = torch.amp.GradScaler(device.type, enabled=options.precision == "float16")
    return State(trained, optimizer(trained, options), average, scaler)


def _fill(state: State, content: Mapping[str, Any], checkpoint: Checkpoint) -> None:
    parameters = dict(state.trained.named_parameters())
    prompt = state.trained.prompt
    with torch.no_grad():
        if prompt is not None:
            kept = type(prompt).load(checkpoint.kept, state.trained.model.config)
            prompt.offsets_TL.copy_(kept.offsets_TL)
        if state.average is not None:
            # What a user takes was the average, and `build` has put it into the model.
            for name, one in state.average.tensors.items():
                one.copy_(parameters[name])
            state.average.updates = content["average"]
        for name, value in content["trained"].items():
            parameters[name].copy_(value)
    state.optimizer.load_state_dict(content["optimizer"])
    state.scaler.load_state_dict(content["scaler"])
    state.plateau = Plateau(**content["plateau"])
    for name in _PLAIN:
        setattr(state, name, content[name])
