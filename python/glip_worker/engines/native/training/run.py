"""Runs a training to its end, stops it, or only starts it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec

from glip_worker.call import Call
from glip_worker.device import Device
from glip_worker.engines.common.failures import as_glip_errors
from glip_worker.engines.common.following import POLL_SECONDS, follow
from glip_worker.engines.common.lines import Lines
from glip_worker.engines.common.placement import cores
from glip_worker.engines.common.process import RunProcess
from glip_worker.engines.common.records import RecordFile
from glip_worker.engines.native.training.options import check_folder, options_of
from glip_worker.errors import GlipError
from glip_worker.protocol.messages import RunEvent, RunLog, RunNodes, RunResult, TrainingRunParams
from glipv2.ops.failures import DISK_TEXTS
from glipv2.training.folder import RunFolder, write_json

#: The folder that `glipv2` is in.
PACKAGES = Path(__file__).resolve().parents[4]

#: Lines that an error carries.
LAST_LINES = 50


class Told:
    """The events of a run's folder, from where its file ends now."""

    def __init__(self, path: Path) -> None:
        self._file = RecordFile(path)
        self.started: dict[str, Any] | None = None
        self.last: dict[str, Any] | None = None
        self.begun = False

    @property
    def stopped(self) -> bool:
        return self.ended is not None

    @property
    def ended(self) -> dict[str, Any] | None:
        """The last event of a run that ended by itself."""
        return self.last if self.last is not None and self.last["type"] in ("done", "failed") else None

    def new(self) -> list[RunEvent]:
        events = []
        for record in self._file.new():
            self.last = record
            self.begun = self.begun or record["type"] == "step"
            if record["type"] == "start":
                self.started = record
            events.append(msgspec.convert(record, RunEvent))
        return events

    def close(self) -> None:
        self._file.close()


def run(call: Call, device: Device, params: TrainingRunParams) -> RunResult:
    """Returns when the run has ended, and nothing of it is left; a detached one's when it has begun.

    CallStopped when the call is cancelled, late or without a client: the run then saves a checkpoint after the step
    in progress, as `follow` says. GlipError: what the run failed with; `invalid_argument` for options, a folder in
    which another run is under way, and one that does not fit `resume`.
    """
    options = options_of(params, device)
    folder = RunFolder(options.output)
    first = params.nodes is None or params.nodes.rank == 0
    with as_glip_errors(), folder.alone(0 if params.nodes is None else params.nodes.rank):
        if first:
            check_folder(folder, options, params.resume)
        write_json(folder.config, options.to_json())
    told = Told(folder.events)
    try:
        command = _command(folder, options.processes, params.nodes)
        environment = _environment(call, options.processes)
        if params.detached:
            return _detached(call, folder, command, environment, told)
        lines = Lines(folder.log)
        process = RunProcess(command, folder.path, environment, lines)
        code = follow(call, process, told, lines, folder.stop, _logged)
        return _result(folder, told, code, lines.tail)
    finally:
        told.close()


def _logged(text: str) -> RunLog:
    return RunLog(time=time.time(), text=text)


def _command(folder: RunFolder, processes: int, nodes: RunNodes | None) -> list[str]:
    command = [sys.executable, "-m", "glipv2.training", str(folder.path), f"--processes={processes}"]
    if nodes is not None:
        command += [f"--nodes={nodes.count}", f"--node-rank={nodes.rank}"]
        command += [f"--rendezvous={nodes.rendezvous}", f"--endpoint={nodes.endpoint}"]
    return command


def _environment(call: Call, processes: int) -> dict[str, str]:
    threads = call.worker.settings.threads or cores()
    python_path = [str(PACKAGES), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(python_path),
        # The run's folder is the working folder: a file there must not be taken for a module.
        "PYTHONSAFEPATH": "1",
        "PYTHONFAULTHANDLER": "1",
        "OMP_NUM_THREADS": str(max(1, threads // processes)),
    }


def _detached(call: Call, folder: RunFolder, command: list[str], environment: dict[str, str], told: Told) -> RunResult:
    """In a session of its own, which what ends the worker does not reach."""
    with open(folder.log, "ab") as log:
        process = subprocess.Popen(
            command,
            cwd=folder.path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # While the worker lives, somebody has to take note of its end: it would stay in the list of processes.
    threading.Thread(target=process.wait, name="detached run", daemon=True).start()
    try:
        while told.started is None:
            code = process.poll()
            for event in told.new():
                call.emit(event)
            if code is not None and told.started is None:
                return _result(folder, told, code, _last_lines(folder.log))
            call.sleep(POLL_SECONDS)
    except BaseException:
        process.terminate()
        raise
    start = told.started
    return RunResult(
        output=str(folder.path),
        config=str(folder.config),
        checkpoint=None,
        best=None,
        prompt=None,
        steps=start["step"],
        total_steps=start["total_steps"],
        metrics=None,
        metrics_before=None,
        replay_metrics=None,
        replay_metrics_before=None,
        seconds=0.0,
        ended="detached",
    )


def _result(folder: RunFolder, told: Told, code: int, lines: list[str]) -> RunResult:
    ended = told.ended
    if ended is not None and ended["type"] == "done":
        outcome = {name: value for name, value in ended.items() if name not in ("time", "type")}
        return msgspec.convert(outcome, RunResult)
    if ended is not None:
        raise GlipError(ended["code"], ended["message"], ended["details"])
    if any(text in line for line in lines for text in DISK_TEXTS):
        path = str(folder.path)
        message = f"{path} does not fit on its disk: there was no room to say more. Make room, and resume"
        raise GlipError("disk_full", message, {"path": path, "needed": None, "free": None})
    words = lines[-1].strip() if lines else "none"
    message = f"the run ended with {code} and did not say why; its last words: {words}. Its log: {folder.log}"
    details = {
        "exitCode": code,
        "output": str(folder.path),
        "lastLogLines": lines[-LAST_LINES:],
        "logFile": str(folder.log),
    }
    raise GlipError("training_failed", message, details)


def _last_lines(path: Path) -> list[str]:
    return path.read_text("utf-8", "replace").splitlines()[-LAST_LINES:]
