"""The training loop: each step's losses and times, its beginning and its end.

Adds no synchronisation with the device: the official code reads each loss as a Python number once a step, and that
same reading is reported.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from glip_worker.engines.official.compat.patching import Changes, Settings
from glip_worker.engines.official.compat.reporting.reporter import Reporter, finite

LOG = logging.getLogger("glip_worker.official")


def trainer(reporter: Reporter, changes: Changes, settings: Settings) -> None:
    module = importlib.import_module("maskrcnn_benchmark.engine.trainer")
    original: Any = module.do_train
    signature = inspect.signature(original)

    @functools.wraps(original)
    def do_train(*args: Any, **options: Any) -> Any:
        given = signature.bind(*args, **options)
        given.apply_defaults()
        training = Training(reporter, given.arguments, settings.device == "cuda")
        if training.finished_before():
            return None
        given.arguments["data_loader"] = training
        with training:
            return original(*given.args, **given.kwargs)

    changes.everywhere(module, "do_train", do_train)


class Training:
    """One call of the official trainer; stands in for its data loader, to see where the batches end."""

    def __init__(self, reporter: Reporter, arguments: dict[str, Any], cuda: bool) -> None:
        self._reporter = reporter
        self._cuda = cuda
        self._loader = arguments["data_loader"]
        self._optimizer = arguments["optimizer"]
        self._checkpointer = arguments["checkpointer"]
        self._meters = arguments["meters"]
        #: The trainer's own: `iteration` and what else its checkpoints hold besides weights and optimizer.
        self._state = arguments["arguments"]
        self._total = len(self._loader)
        self._epochs_per_step = _epochs_per_step(arguments["cfg"].SOLVER, self._loader, self._total)
        self._losses: dict[str, float] = {}
        self._learning_rate: float | None = None
        self._exhausted = False
        self._warned = False

    def __len__(self) -> int:
        return self._total

    def __iter__(self) -> Iterator[Any]:
        yield from self._loader
        self._exhausted = True

    @property
    def step(self) -> int:
        return int(self._state["iteration"])

    def finished_before(self) -> bool:
        """Whether a resumed run has no step left. The official loop would begin a second round of all of them."""
        if self.step < self._total:
            return False
        LOG.warning("all %d steps were done before: there is nothing to go on with", self._total)
        folder = Path(self._checkpointer.save_dir)
        if not (folder / "model_final.pth").exists():
            self._checkpointer.save("model_final", **self._state)
        self._reporter.step = self.step
        self._reporter.write("began", step=self.step, total_steps=self._total)
        self._reporter.write("trained", steps=self.step, total_steps=self._total, ended="completed")
        return True

    def __enter__(self) -> Training:
        reporter = self._reporter
        reporter.step = self.step
        reporter.write("began", step=self.step, total_steps=self._total)
        if reporter.rank == 0:
            reporter.save = self.save
            self._optimizer.register_step_pre_hook(self._before_update)
            self._original_update = self._meters.update
            self._meters.update = self._update
        return self

    def __exit__(self, kind: object, value: object, at: object) -> None:
        reporter = self._reporter
        reporter.save = None
        if reporter.rank == 0:
            del self._meters.update
        if kind is not None:
            return
        if self._exhausted and self.step < self._total:
            # The last batches held too few annotated pictures and were skipped, the one that saves among them.
            self._checkpointer.save("model_final", **self._state)
        stopped_early = self.step < self._total and not self._exhausted
        ended = "plateau" if stopped_early else "completed"
        reporter.write("trained", steps=self.step, total_steps=self._total, ended=ended)

    def save(self) -> None:
        """A checkpoint of the last step, to go on from."""
        if self._reporter.saved_step != self.step:
            # After the last step only its validation is left: the run is as good as complete.
            name = f"model_{self.step:07d}" if self.step < self._total else "model_final"
            self._checkpointer.save(name, **self._state)

    def _before_update(self, optimizer: Any, *_: object) -> None:
        self._learning_rate = float(optimizer.param_groups[0]["lr"])

    def _update(self, **values: Any) -> None:
        """Called by the trainer twice a step: with the losses, reduced over the processes, then with the times."""
        numbers = {name: value.item() if isinstance(value, torch.Tensor) else value for name, value in values.items()}
        self._original_update(**numbers)
        if "time" not in numbers:
            self._losses = numbers
            return
        self._report(numbers["time"], numbers["data"])
        if self.step < self._total:
            self._reporter.stop_if_asked()

    def _report(self, seconds: float, data_seconds: float) -> None:
        total = self._losses.pop("loss")
        losses = {**self._losses, "total": total}
        if not math.isfinite(total):
            self._warn(losses)
        rate = self._learning_rate
        self._reporter.step = self.step
        self._reporter.write(
            "step",
            step=self.step,
            total_steps=self._total,
            epoch=self.step * self._epochs_per_step,
            losses={name: finite(value) for name, value in losses.items()},
            learning_rate=float(self._optimizer.param_groups[0]["lr"]) if rate is None else rate,
            seconds=seconds,
            data_seconds=data_seconds,
            memory_bytes=torch.cuda.max_memory_allocated() if self._cuda else None,
            eta_seconds=self._meters.time.global_avg * (self._total - self.step),
        )

    def _warn(self, losses: dict[str, float]) -> None:
        if self._warned:
            return
        self._warned = True
        wrong = ", ".join(f"{name} is {value}" for name, value in losses.items() if not math.isfinite(value))
        LOG.warning(
            "step %d: %s. The official trainer counts a loss that is not a number as zero and goes on; lower the "
            "learning rate, clip the gradients, or look at the annotations. Said once; the events have every case",
            self.step,
            wrong,
        )


def _epochs_per_step(solver: Any, loader: Any, total: int) -> float:
    if solver.MAX_EPOCH >= 1:
        return float(solver.MAX_EPOCH) / max(1, total)
    return float(solver.IMS_PER_BATCH) / max(1, len(loader.dataset))
