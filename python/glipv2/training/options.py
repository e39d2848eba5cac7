"""What a training run is told."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    data: Path
    """A split of the scenes."""
    output: Path
    """Folder of checkpoint and log."""
    model: str = "glip-nano"
    """A name of `glipv2.config.CONFIGS`."""
    weights: Path | None = None
    """What a new run starts from, a file of `glipv2.checkpoints.load`; None: random weights."""
    steps: int = 20000
    batch_size: int = 8
    learning_rate: float = 5e-4
    warmup_steps: int = 500
    weight_decay: float = 0.05
    clip: float = 1.0
    """Largest norm of the gradient."""
    ema: float = 0.999
    """Decay of the averaged weights, which are what is kept in the end."""
    seed: int = 0
    checkpoint_seconds: float = 300.0
    hours: float | None = None
    """The run stops after them, to be gone on with later."""
    device: str = "cpu"
    dtype: str = "float32"
    """What the network computes in: float32, or bfloat16, which GPUs and some CPUs are faster in. The losses and the
    weights stay in float32."""


def rate(step: int, options: Options) -> float:
    """The learning rate of a step, counted from 0: a linear rise, then half a cosine down to a hundredth."""
    if step < options.warmup_steps:
        return options.learning_rate * (step + 1) / options.warmup_steps
    part = (step - options.warmup_steps) / max(1, options.steps - options.warmup_steps)
    return options.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, part))))
