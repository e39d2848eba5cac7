"""Runs one recipe to its end, or stops it."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from glip_worker.call import Call
from glip_worker.device import Device
from glip_worker.engines.common.following import alone_in, follow
from glip_worker.engines.common.lines import Lines
from glip_worker.engines.common.placement import cores, visible_devices
from glip_worker.engines.common.process import RunProcess
from glip_worker.engines.official.compat.reporting.reporter import EVENTS, STOP
from glip_worker.engines.official.training.records import EventFile, Records
from glip_worker.protocol.messages import LogEvent, StartEvent

if TYPE_CHECKING:
    from glip_worker.engines.official.training.recipe import Recipe

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
    with alone_in(folder):
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
            exit_code = follow(call, process, events, lines, stop, lambda text: LogEvent(text=text))
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
    threads = call.worker.settings.threads or cores()
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
        **visible_devices(options.device, recipe.processes),
        **recipe.environment,
        EVENTS: str(events),
        STOP: str(stop),
    }
