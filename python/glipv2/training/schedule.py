"""How the learning rate goes over the steps of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Shape = Literal["cosine", "steps", "constant"]

#: What a cosine ends at, as a part of what it starts from.
LEAST = 0.01

#: By which the learning rate drops at a milestone, and on a plateau.
DROP = 0.1


@dataclass(frozen=True)
class Schedule:
    shape: Shape
    total_steps: int
    warmup_steps: int
    """Over them the rate rises linearly; whatever the shape."""
    milestones: Sequence[float] = ()
    """Of the shape `steps`: parts of the run, 0 to 1, after which the rate drops."""

    def factor(self, step: int) -> float:
        """What the learning rate is multiplied by in a step, counted from 0."""
        if step < self.warmup_steps:
            return (step + 1) / self.warmup_steps
        if self.shape == "cosine":
            part = (step - self.warmup_steps) / max(1, self.total_steps - self.warmup_steps)
            return LEAST + (1 - LEAST) * 0.5 * (1 + math.cos(math.pi * min(1.0, part)))
        if self.shape == "steps":
            return float(DROP ** sum(step >= part * self.total_steps for part in self.milestones))
        return 1.0


@dataclass
class Plateau:
    """Counts the evaluations in which a measure did not rise."""

    best: float | None = None
    best_step: int | None = None
    since_best: int = 0
    """Evaluations since the best one ..."""
    since_drop: int = 0
    """... and since that or the last drop of the learning rate."""
    drops: int = 0

    @property
    def factor(self) -> float:
        """What the learning rate is multiplied by."""
        return float(DROP**self.drops)

    def add(self, step: int, value: float | None, patience: int | None) -> bool:
        """Whether it is the best so far. After `patience` evaluations without a better one the rate drops."""
        if value is not None and (self.best is None or value > self.best):
            self.best, self.best_step = value, step
            self.since_best = self.since_drop = 0
            return True
        self.since_best += 1
        self.since_drop += 1
        if patience is not None and self.since_drop >= patience:
            self.drops += 1
            self.since_drop = 0
        return False
