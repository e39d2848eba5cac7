"""How long a run is, and what happens when."""

from __future__ import annotations

import math
from dataclasses import dataclass

from glipv2.training.options import TrainOptions
from glipv2.training.schedule import Schedule

#: Epochs of a run of which neither steps nor epochs are said, with and without patience that may end it before.
EPOCHS_WITH_PATIENCE, EPOCHS = 200.0, 12.0

#: What a run has at most where nothing is said of it.
MOST_WARMUP, MOST_UNSAVED = 2000, 1000


@dataclass(frozen=True)
class Plan:
    total_steps: int
    schedule: Schedule
    checkpoint_steps: int
    evaluate_steps: int
    epochs_per_step: float

    @staticmethod
    def of(options: TrainOptions, epoch_pictures: int) -> Plan:
        """`epoch_pictures`: of one pass through what is trained on, without what is replayed."""
        new = options.batch_size * (1.0 if options.replay is None else 1 - options.replay.share)
        epochs = options.epochs or (EPOCHS if options.patience is None else EPOCHS_WITH_PATIENCE)
        total = options.steps or max(1, math.ceil(epochs * epoch_pictures / new))
        warmup = min(MOST_WARMUP, total // 20) if options.warmup_steps is None else options.warmup_steps
        tenth = max(1, total // 10)
        return Plan(
            total,
            Schedule(options.schedule, total, warmup, options.milestones),
            options.checkpoint_steps or min(MOST_UNSAVED, tenth),
            options.evaluate_steps or tenth,
            new / epoch_pictures,
        )
