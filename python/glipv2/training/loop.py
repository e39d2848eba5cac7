"""A run from its first step, or the one after its last checkpoint, to its end."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any, Literal

import numpy as np

from glipv2.data.batches import Batch, ahead, training_batch
from glipv2.data.records import Dataset
from glipv2.errors import DataError, InputError, WeightsError
from glipv2.text.wordpiece import WordPiece
from glipv2.training.checkpoint import Checkpoint, Checkpoints
from glipv2.training.control import Control
from glipv2.training.data import Data, asking, read_data, viewing
from glipv2.training.environment import environment, peak_memory
from glipv2.training.folder import RunFolder, write_json
from glipv2.training.measure import Measuring, Stopped, main_measure, measure, seen
from glipv2.training.options import TrainOptions
from glipv2.training.plan import Plan
from glipv2.training.report import Report
from glipv2.training.state import State, new_state, resumed
from glipv2.training.step import Stepper, rows
from glipv2.training.world import World

Ended = Literal["completed", "plateau", "stopped"]

#: Batches that are ready before they are needed, for each reader.
AHEAD = 2

#: Steps from whose times it is told how long the rest will take.
RECENT = 50


def train(options: TrainOptions, folder: RunFolder, world: World, command: Sequence[str], pid: int) -> Ended:
    """Until the last step, until the patience is at its end, or until somebody asks to stop.

    What comes of it lies in the folder, `result.json` last. `command`, `pid`: of the process that is the run, for the
    records. InputError, WeightsError, DataError, OSError: before the first step; LossError, OSError of a full disk,
    torch's and Python's own for memory: later, and the last checkpoint is good.
    """
    parts = world.size * options.accumulation
    if options.batch_size % parts:
        expected = f"a multiple of {parts}: {world.size} processes x {options.accumulation} parts"
        raise InputError("batch_size", expected, str(options.batch_size))
    control = Control(folder, world.local == 0)
    with closing(Report(folder, world.first)) as report, control.listening():
        data = read_data(options, folder.subset if world.first else None)
        checkpoints = Checkpoints(folder.checkpoints, options.keep_checkpoints)
        if world.first:
            checkpoints.clear()
        state, checkpoint = _state(options, data, world, checkpoints, report)
        run = Run(options, folder, world, data, state, checkpoints, checkpoint, report, control)
        run.announce(command, pid)
        return run.go()


class Run:
    def __init__(
        self,
        options: TrainOptions,
        folder: RunFolder,
        world: World,
        data: Data,
        state: State,
        checkpoints: Checkpoints,
        checkpoint: Checkpoint | None,
        report: Report,
        control: Control,
    ) -> None:
        """`checkpoint`: the one that the state is from."""
        self._options, self._folder, self._world = options, folder, world
        self._data, self._state = data, state
        self._checkpoints, self._report, self._control = checkpoints, report, control
        self._plan = Plan.of(options, data.epoch_pictures)
        self._stepper = Stepper(state, options, world)
        self._saved = None if checkpoint is None else (state.step, state.evaluated)
        self._clock = time.monotonic() - state.seconds
        self._times: deque[float] = deque(maxlen=RECENT)

    def announce(self, command: Sequence[str], pid: int) -> None:
        if self._world.first:
            write_json(self._folder.environment, environment(self._world, self._data.fingerprint, list(command)))
        self._report.event(
            "start",
            step=self._state.step,
            total_steps=self._plan.total_steps,
            config=str(self._folder.config),
            command=list(command),
            output=str(self._folder.path),
            pid=pid,
            host=socket.gethostname(),
        )
        for text in self._data.warnings:
            self._report.event("warning", text=text)

    def go(self) -> Ended:
        steps = range(self._state.step, self._plan.total_steps)
        ready = ahead(self._parts, steps, AHEAD * self._options.readers, self._options.readers)
        stop = save = False
        with closing(ready) as batches:
            while True:
                best = False
                if self._evaluation_due() and not stop:
                    try:
                        best = self._evaluate()
                    except Stopped:
                        stop = True
                    except Exception:
                        # What was learnt is not lost with it.
                        self._save(best=False)
                        raise
                ended = self._ended(stop)
                if ended or save or best or self._state.step % self._plan.checkpoint_steps == 0:
                    self._save(best)
                if ended:
                    self._finish(ended)
                    return ended
                stop, save = self._step(batches)

    def _parts(self, step: int) -> list[Batch]:
        """This process's pictures of a step, in the parts that are computed one after the other."""
        options, config = self._options, self._state.trained.model.config
        part = self._world.part(options.batch_size)
        try:
            batch = training_batch(
                self._data.mixture,
                step,
                options.batch_size,
                options.seed,
                asking(options, config, self._data.boxes),
                WordPiece.default(),
                viewing(options, config),
                part,
                masks=options.losses.masks > 0,
            )
        except InputError as error:
            raise _picture_error(
                "wrong_size", error.path, f"expected {error.expected}, got {error.received}"
            ) from error
        except OSError as error:
            raise _picture_error("unreadable_picture", str(error.filename or ""), str(error)) from error
        count = (part.stop - part.start) // options.accumulation
        return [rows(batch, slice(at, at + count)) for at in range(0, part.stop - part.start, count)]

    def _step(self, batches: Iterator[list[Batch]]) -> tuple[bool, bool]:
        start = time.monotonic()
        parts = next(batches)
        waited = time.monotonic() - start
        factor = self._plan.schedule.factor(self._state.step) * self._state.plateau.factor
        done = self._stepper.step(parts, factor, lambda: (self._control.stop(), self._control.save()))
        seconds = time.monotonic() - start
        self._times.append(seconds)
        step, total = self._state.step, self._plan.total_steps
        self._report.step(
            step,
            done.losses,
            total_steps=total,
            epoch=step * self._plan.epochs_per_step,
            learning_rate=self._options.learning_rate * factor,
            seconds=seconds,
            data_seconds=waited,
            pictures_per_second=self._options.batch_size / seconds,
            memory_bytes=peak_memory(self._world.device),
            eta_seconds=sum(self._times) / len(self._times) * (total - step),
        )
        return done.stop, done.save

    def _ended(self, stop: bool) -> Ended | None:
        patience = self._options.patience
        if stop:
            return "stopped"
        if self._state.step >= self._plan.total_steps:
            return "completed"
        if patience is not None and self._state.plateau.since_best >= patience.stop:
            return "plateau"
        return None

    def _evaluation_due(self) -> bool:
        step, plan = self._state.step, self._plan
        if (self._data.validation is None and self._data.held is None) or self._state.evaluated == step:
            return False
        if step == 0:
            return self._options.evaluate_before or self._data.held is not None
        return step % plan.evaluate_steps == 0 or step >= plan.total_steps

    def _evaluate(self) -> bool:
        """Whether this is the best model so far. Stopped: somebody does not want to wait for it."""
        state, data = self._state, self._data
        how = Measuring(
            self._world,
            self._stepper.computing,
            self._control.stop,
            lambda done, total, eta: self._report.event(
                "progress", pictures=done, total_pictures=total, eta_seconds=eta
            ),
            phrases=state.trained.prompt is None,
            losses=self._options.losses,
        )
        state.trained.eval()
        try:
            with state.averaged():
                metrics = {} if data.validation is None else measure(state.trained.model, data.validation, how)
                held = None if data.held is None else measure(state.trained.model, data.held, how)
                self._report.evaluation(state.step, metrics, held)
                self._show_samples(data.validation)
        finally:
            state.trained.train()
        state.evaluated, state.metrics, state.replay_metrics = state.step, metrics, held
        if state.step == 0:
            state.metrics_before, state.replay_metrics_before = metrics, held
            return False
        patience, measure_of = self._options.patience, main_measure(metrics, self._options.losses)
        return state.plateau.add(state.step, measure_of, None if patience is None else patience.learning_rate)

    def _show_samples(self, dataset: Dataset | None) -> None:
        if dataset is None or not self._world.first or not self._options.sample_pictures:
            return
        count = min(self._options.sample_pictures, len(dataset.pictures))
        for place in np.linspace(0, len(dataset.pictures) - 1, count).astype(int):
            picture = dataset.pictures[place]
            fields = seen(self._state.trained.model, picture, dataset, self._stepper.computing())
            self._report.event("sample", step=self._state.step, **fields)

    def _save(self, best: bool) -> None:
        """Of nothing that is there already, and before the first step of nothing at all."""
        now = (self._state.step, self._state.evaluated)
        if self._state.step == 0:
            return
        if self._world.first and now != self._saved:
            self._state.seconds = time.monotonic() - self._clock
            self._report.checkpoint(self._state.save(self._checkpoints), best)
        self._saved = now
        self._control.saved()

    def _finish(self, ended: Ended) -> None:
        if not self._world.first:
            return
        state, everything = self._state, self._checkpoints.all()
        last = everything[-1] if everything else None
        best = next((one for one in everything if one.step == state.plateau.best_step), None)
        tuned = state.trained.prompt is not None
        if tuned and last is not None:
            _copy(best or last, self._folder)
        result: dict[str, Any] = {
            "time": time.time(),
            "type": "done",
            "output": str(self._folder.path),
            "config": str(self._folder.config),
            "checkpoint": None if last is None or tuned else str(last.kept),
            "best": None if best is None or tuned else str(best.kept),
            "prompt": str(self._folder.prompt) if tuned and last is not None else None,
            "steps": state.step,
            "total_steps": self._plan.total_steps,
            "ended": ended,
            "metrics": state.metrics,
            "metrics_before": state.metrics_before,
            "replay_metrics": state.replay_metrics,
            "replay_metrics_before": state.replay_metrics_before,
            "seconds": time.monotonic() - self._clock,
        }
        write_json(self._folder.result, result)


def _state(
    options: TrainOptions, data: Data, world: World, checkpoints: Checkpoints, report: Report
) -> tuple[State, Checkpoint | None]:
    """From the last checkpoint that can be read, or new."""
    for checkpoint in reversed(checkpoints.all()):
        try:
            state = resumed(options, data.names, world.device, checkpoint, data.answers)
        except WeightsError as error:
            report.event("warning", text=str(error))
            continue
        break
    else:
        checkpoint, state = None, new_state(options, data.names, world.device, data.answers)
    first = world.share(state.step)
    if world.any(state.step != first):
        expected = "a folder that all hosts see, with the checkpoint to go on from"
        raise InputError("output", expected, f"step {state.step} in one process, step {first} in another")
    if world.first:
        checkpoints.set_aside(state.step)
    world.equalise(state.trained.parameters())
    return state, checkpoint


def _picture_error(kind: str, where: str, reason: str) -> DataError:
    problem = {"kind": kind, "count": 1, "examples": [{"where": where, "reason": reason}]}
    return DataError([problem], "Mend it, or take it out of the annotations, and go on from the last checkpoint.")


def _copy(checkpoint: Checkpoint, folder: RunFolder) -> None:
    part = folder.prompt.with_name(f".{folder.prompt.name}.part")
    shutil.copyfile(checkpoint.kept, part)
    os.replace(part, folder.prompt)
