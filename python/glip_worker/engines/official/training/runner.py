"""Runs one recipe to its end, or stops it: events and log lines go to the client while it runs."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from glip_worker.call import Call
from glip_worker.device import Device
from glip_worker.engines.official.compat.reporting.reporter import EVENTS, STOP
from glip_worker.engines.official.training.lines import Lines
from glip_worker.engines.official.training.process import RunProcess
from glip_worker.engines.official.training.records import EventFile, Records
from glip_worker.errors import CallStopped, invalid_argument
from glip_worker.protocol.messages import LogEvent, StartEvent

if TYPE_CHECKING:
    from glip_worker.engines.official.training.recipe import Recipe

#: Time for a cancelled run to end its step and save a checkpoint, before its processes are ended.
STOP_SECONDS = 30.0

#: The same when nobody waits any more: the client is gone, or the worker is closing and will be killed itself.
LEAVE_SECONDS = 1.5

#: How often events, lines and the client's wishes are looked at.
POLL_SECONDS = 0.05

#: Least time between two log events.
LOG_SECONDS = 0.1

#: What each rank runs.
PROGRAM = ("-m", "glip_worker.official")

#: The folder that `glip_worker` is in.
PACKAGES = Path(__file__).resolve().parents[4]


@dataclass(frozen=True)
class Options:
    """What is given to every script, besides its recipe."""

    checkout: Path
    device: Device
    bert: str | None
    """Folder with the text encoder's vocabulary; None: the one that comes with this package."""
    accelerate: list[str]
    resume: bool
    """Goes on from the checkpoint in the recipe's folder; the recipe has prepared that."""


@dataclass(frozen=True)
class Outcome:
    """A run that ended by itself."""

    recipe: Recipe
    exit_code: int
    """Of torch's launcher."""
    seconds: float
    records: Records
    lines: list[str]
    """The last that were printed, by the ranks and then by the launcher."""
    log: Path
    events: Path


def run(call: Call, recipe: Recipe, options: Options) -> Outcome:
    """Returns when the run has ended, well or not, and nothing of it is left.

    CallStopped when the call is cancelled, late or without a client: the run then saves a checkpoint after the step
    in progress, if it can do so within STOP_SECONDS (LEAVE_SECONDS), and is ended. GlipError `invalid_argument` for
    a folder in which another run is under way.
    """
    start = time.monotonic()
    folder = recipe.output.expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with _alone_in(folder):
        stop = folder / ".stop"
        stop.unlink(missing_ok=True)
        launched = command(recipe, options)
        started = StartEvent(total_steps=None, config=str(recipe.config), command=launched)
        events = EventFile(folder / "events.jsonl")
        lines = Lines(folder / "run.log")
        try:
            events.start(started, resumed=options.resume)
            call.emit(started)
            process = RunProcess(launched, folder, environment(recipe, options, call, events.path, stop), lines)
            exit_code = _follow(call, process, events, lines, stop)
            seconds = time.monotonic() - start
            return Outcome(recipe, exit_code, seconds, events.records, lines.tail, lines.path, events.path)
        finally:
            events.close()
            stop.unlink(missing_ok=True)


def command(recipe: Recipe, options: Options) -> list[str]:
    """As one would type it in the run's folder."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={recipe.processes}"]
    program = [*PROGRAM, "--official", str(options.checkout)]
    program += ["--device", "cuda" if options.device.type == "cuda" else "cpu"]
    if options.bert is not None:
        program += ["--bert", options.bert]
    if options.accelerate:
        program += ["--accelerate", ",".join(options.accelerate)]
    return [sys.executable, *launcher, *program, recipe.script, *recipe.arguments]


def environment(recipe: Recipe, options: Options, call: Call, events: Path, stop: Path) -> dict[str, str]:
    """The worker's own, and what the run needs; the recipe has the last word."""
    threads = call.worker.settings.threads or _cores()
    python_path = [str(PACKAGES), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(python_path),
        # The run's folder is the working folder: a file there must not be taken for a module.
        "PYTHONSAFEPATH": "1",
        "PYTHONFAULTHANDLER": "1",
        "OMP_NUM_THREADS": str(max(1, threads // recipe.processes)),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        **_visible_devices(recipe, options.device),
        **recipe.environment,
        EVENTS: str(events),
        STOP: str(stop),
    }


def _visible_devices(recipe: Recipe, device: Device) -> dict[str, str]:
    """Rank 0 computes on the worker's device, the others on those after it."""
    if device.type != "cuda":
        return {}
    import torch

    first, count = device.index or 0, torch.cuda.device_count()
    if first + recipe.processes > count:
        received = f"{recipe.processes}"
        raise invalid_argument("processes", f"at most {count - first}, one for each device from {device} on", received)
    if first == 0:
        return {}
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    visible = named.split(",") if named else [str(index) for index in range(count)]
    return {"CUDA_VISIBLE_DEVICES": ",".join(visible[first:])}


def _follow(call: Call, process: RunProcess, events: EventFile, lines: Lines, stop: Path) -> int:
    """The exit code. Whatever happens, nothing of the run is left afterwards."""
    told = 0.0
    try:
        while (code := process.poll()) is None:
            for event in events.new():
                call.emit(event)
            if time.monotonic() - told >= LOG_SECONDS and (text := lines.take()) is not None:
                told = time.monotonic()
                call.emit(LogEvent(text=text))
            call.sleep(POLL_SECONDS)
        process.end(ask=False)
        while (text := lines.take()) is not None:
            call.emit(LogEvent(text=text))
        for event in events.new():
            call.emit(event)
        return code
    except CallStopped as stopped:
        _stop(process, events, stop, STOP_SECONDS if stopped.error is not None else LEAVE_SECONDS)
        raise
    finally:
        process.end(ask=False)


def _stop(process: RunProcess, events: EventFile, stop: Path, seconds: float) -> None:
    """Asks for a checkpoint and waits for it; what has not begun has nothing to save and is ended at once."""
    events.new()
    if events.records.begun and process.poll() is None:
        stop.touch()
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not process.wait(POLL_SECONDS):
            events.new()
            if events.records.stopped is not None:
                break
    process.end(ask=seconds == STOP_SECONDS and events.records.stopped is None)


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Two runs in one folder would overwrite each other's checkpoints."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with open(folder / ".lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise invalid_argument("output", "a folder in which no run is under way", str(folder)) from None
        yield


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
