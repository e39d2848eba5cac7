"""Switches the reporting on: patches as in compat/patches, which observe where those mend."""

from __future__ import annotations

import functools
import os
import random
from collections.abc import Callable

import numpy as np
import torch

from glip_worker.engines.official.compat.patching import Changes, Patch, Settings
from glip_worker.engines.official.compat.reporting import checkpoints, evaluation, steps
from glip_worker.engines.official.compat.reporting.reporter import Reporter

#: Seeds a script that does not do it itself.
SEED = "GLIP_SEED"


def patches(reporter: Reporter) -> tuple[Patch, ...]:
    """What is wrapped for `reporter`."""

    def patch(name: str, reason: str, wraps: str, apply: Callable[[Reporter, Changes, Settings], None]) -> Patch:
        return Patch(f"report_{name}", reason, wraps, functools.partial(apply, reporter), after_import=True)

    return (
        patch(
            "steps",
            "losses are printed each 20 steps, rounded; a resumed run with no step left begins a second round",
            "engine/trainer.py: do_train, and MetricLogger.update of the meters it is given",
            steps.trainer,
        ),
        patch(
            "checkpoints",
            "the log alone says what was saved, before it is complete",
            "utils/checkpoint.py: Checkpointer.save",
            checkpoints.checkpointer,
        ),
        patch(
            "whole_files",
            "a process that ends while it saves leaves half a file under the name that last_checkpoint gives",
            "utils/checkpoint.py, engine/inference.py: torch.save",
            checkpoints.whole_files,
        ),
        patch(
            "evaluation",
            "progress is drawn on a terminal, metrics are printed rounded, AP by category has -1 averaged in",
            "engine/inference.py: inference; data/datasets/evaluation/coco/coco_eval.py: evaluate_predictions_on_coco",
            evaluation.inference,
        ),
    )


def switch_on(reporter: Reporter, device: str | None) -> list[Changes]:
    """Applies them; `device` as in `install`. What is given back undoes them."""
    applied = []
    settings = Settings(device="cpu" if device == "cpu" or not torch.cuda.is_available() else "cuda")
    for patch in patches(reporter):
        changes = Changes()
        patch.apply(changes, settings)
        applied.append(changes)
    return applied


def seed_from_environment() -> None:
    """tools/finetune.py reads no seed: each rank gets one of its own here, as tools/train_net.py does by itself."""
    text = os.environ.get(SEED)
    if not text:
        return
    seed = int(text) + int(os.environ.get("RANK", "0"))
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)
