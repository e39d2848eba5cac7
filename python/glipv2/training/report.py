"""What a run says of itself while it goes on: events, and TensorBoard's files. Only the first process says anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glipv2.training.checkpoint import Checkpoint
from glipv2.training.events import Events, finite
from glipv2.training.folder import RunFolder
from glipv2.training.state import Metrics
from glipv2.training.tensorboard import TensorBoard


class Report:
    def __init__(self, folder: RunFolder, first: bool) -> None:
        """OSError: the files cannot be opened."""
        self._events = Events(folder.events) if first else None
        self._board = TensorBoard(folder.tensorboard) if first else None

    def event(self, kind: str, **fields: Any) -> None:
        """OSError, here and below: the disk is full."""
        if self._events is not None:
            self._events.write(kind, **fields)

    def step(self, step: int, losses: Mapping[str, float], **fields: Any) -> None:
        self.event("step", step=step, losses={name: finite(value) for name, value in losses.items()}, **fields)
        self._scalars(step, {f"loss/{name}": value for name, value in losses.items()})
        self._scalars(step, {name: fields[name] for name in ("learning_rate", "pictures_per_second")})

    def evaluation(self, step: int, metrics: Metrics, replay_metrics: Metrics | None) -> None:
        self.event("evaluation", step=step, metrics=metrics, replay_metrics=replay_metrics)
        for prefix, figures in (("validation", metrics), ("replay", replay_metrics or {})):
            self._scalars(step, {f"{prefix}/{name}": one for name, one in figures.items() if one is not None})

    def checkpoint(self, checkpoint: Checkpoint, best: bool) -> None:
        self.event("checkpoint", step=checkpoint.step, path=str(checkpoint.kept), best=best)

    def close(self) -> None:
        for one in (self._events, self._board):
            if one is not None:
                one.close()

    def _scalars(self, step: int, values: Mapping[str, float]) -> None:
        if self._board is not None:
            self._board.scalars(step, values)
