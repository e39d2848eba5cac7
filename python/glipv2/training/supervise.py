"""The process that is the run: starts the ranks, waits for them, and says how it ended, whatever happens to them.

It computes nothing, and imports torch only where there are several ranks.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from glipv2.training.checkpoint import Checkpoints
from glipv2.training.events import Events
from glipv2.training.failure import Failure, read_failures
from glipv2.training.folder import RunFolder
from glipv2.training.tie import LAUNCHER

#: Exit status of a run that ended because it was asked to. 0: all is done; 1: it failed.
STOPPED = 75

#: What each rank runs.
RANK = "glipv2.training.rank"

#: Tells a rank the folder for what it says when it fails, and the command of the run as JSON.
FAILURES, COMMAND = "GLIP_FAILURES", "GLIP_COMMAND"

#: The file in that folder by which rank 0 says where it is.
FIRST = "first"

#: Between the end of one rank and SIGKILL for the others, which may wait for it for ever.
SHUTDOWN_SECONDS = 5

#: Lines of the log that a failure carries.
LAST_LINES = 50

_PACKAGES = str(Path(__file__).resolve().parents[2])


@dataclass(frozen=True)
class Nodes:
    """Hosts that train together."""

    count: int
    rank: int
    """Of this one, from 0."""
    rendezvous: str
    """`static` or `c10d`, as torch.distributed.run has them."""
    endpoint: str
    """`host:port` of the first host, the same for all."""


def supervise(folder: RunFolder, processes: int, nodes: Nodes | None, command: Sequence[str]) -> int:
    """The exit status. The last event is `done` or `failed`; of several hosts the one of rank 0 writes it.

    InputError: another run is under way in the folder.
    """
    with folder.alone(0 if nodes is None else nodes.rank), tempfile.TemporaryDirectory(prefix="glip-run-") as scratch:
        for left in (folder.stop, folder.save, folder.result):
            left.unlink(missing_ok=True)
        os.environ |= _environment(Path(scratch), processes, command)
        with _stopping(folder):
            statuses = _alone(folder) if nodes is None and processes == 1 else _together(folder, processes, nodes)
        folder.stop.unlink(missing_ok=True)
        # Which host has it, torch decides where they meet by c10d.
        first = (Path(scratch) / FIRST).exists() or nodes is None or (nodes.rank, nodes.rendezvous) == (0, "static")
        if not statuses:
            return _done(folder) if first else 0
        failed = _failed(folder, statuses, read_failures(Path(scratch)))
        print(f"glipv2.training: {failed['message']}", file=sys.stderr, flush=True)  # noqa: T201
        if first:
            _write(folder, "failed", failed)
        return 1


def _environment(scratch: Path, processes: int, command: Sequence[str]) -> dict[str, str]:
    path = [_PACKAGES, *filter(None, [os.environ.get("PYTHONPATH")])]
    # Each its share of the cores, as they all compute at the same time.
    threads = {} if processes == 1 else {"OMP_NUM_THREADS": str(max(1, _cores() // processes))}
    return {
        "PYTHONPATH": os.pathsep.join(path),
        **{name: value for name, value in threads.items() if name not in os.environ},
        LAUNCHER: str(os.getpid()),
        FAILURES: str(scratch),
        COMMAND: json.dumps(list(command)),
    }


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _alone(folder: RunFolder) -> dict[int, int]:
    """Exit status of each rank that failed; of those that a signal ended minus its number."""
    process = subprocess.Popen([sys.executable, "-m", RANK, str(folder.path)], stdin=subprocess.DEVNULL)
    try:
        status = process.wait()
    except KeyboardInterrupt:
        process.kill()
        status = process.wait()
    return {0: status} if status != 0 else {}


def _together(folder: RunFolder, processes: int, nodes: Nodes | None) -> dict[int, int]:
    """The same of several, by torch.distributed.run."""
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import get_args_parser, run

    arguments = [f"--nproc-per-node={processes}", f"--shutdown-timeout={SHUTDOWN_SECONDS}"]
    # A request to stop goes to the ranks through the folder.
    arguments += ["--signals-to-handle=SIGQUIT"]
    if nodes is None:
        arguments += ["--standalone"]
    else:
        arguments += [f"--nnodes={nodes.count}", f"--node-rank={nodes.rank}", f"--rdzv-endpoint={nodes.endpoint}"]
        arguments += [f"--rdzv-backend={nodes.rendezvous}", "--rdzv-id=glip"]
    try:
        run(get_args_parser().parse_args([*arguments, "-m", RANK, str(folder.path)]))
    except ChildFailedError as error:
        return {rank: failure.exitcode for rank, failure in error.failures.items()}
    except KeyboardInterrupt:
        return {0: -signal.SIGINT}
    return {}


@contextmanager
def _stopping(folder: RunFolder) -> Iterator[None]:
    """SIGTERM and SIGINT ask the ranks to stop; the second one ends them."""
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        with contextlib.suppress(OSError):
            folder.stop.touch()

    before = {one: signal.signal(one, ask) for one in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _done(folder: RunFolder) -> int:
    result: dict[str, Any] = json.loads(folder.result.read_text("utf-8"))
    _write(folder, "done", {name: value for name, value in result.items() if name not in ("time", "type")})
    return STOPPED if result["ended"] == "stopped" else 0


def _failed(folder: RunFolder, statuses: dict[int, int], failures: Sequence[Failure]) -> dict[str, Any]:
    """The fields of the event: by what a rank said of itself, where a signal left it the time to."""
    last = Checkpoints(folder.checkpoints, 1).last()
    checkpoint = None if last is None else str(last.kept)
    code, message, details = _why(folder, statuses, failures)
    if checkpoint is not None:
        message += f" The last good checkpoint is {checkpoint}; the option resume goes on from there."
    if code in ("rank_died", "training_failed"):
        details |= {"lastLogLines": _last_lines(folder.log), "logFile": str(folder.log)}
    return {
        "code": code,
        "message": message,
        "details": {**details, "checkpoint": checkpoint},
        "checkpoint": checkpoint,
    }


def _why(folder: RunFolder, statuses: dict[int, int], failures: Sequence[Failure]) -> tuple[str, str, dict[str, Any]]:
    if failures and not failures[0].secondary:
        return failures[0].code, failures[0].message, dict(failures[0].details)
    killed = next((rank for rank, status in statuses.items() if status < 0), None)
    if killed is not None or failures:
        rank = failures[0].rank if killed is None else killed
        return _died(folder, rank, statuses.get(rank))
    rank, status = next(iter(statuses.items()))
    message = f"rank {rank} ended with {status} and did not say why; {folder.log} has its last words."
    return "training_failed", message, {"exitCode": status, "output": str(folder.path)}


def _died(folder: RunFolder, rank: int, status: int | None) -> tuple[str, str, dict[str, Any]]:
    name = None if status is None or status >= 0 else _signal_name(-status)
    if name is None:
        message = "one of the other processes is gone, and with it the run."
        rank_or_none, exit_code = None, None
    else:
        hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
        message = f"{name} ended rank {rank}{hint}, and with it the run."
        rank_or_none, exit_code = rank, status
    details = {"rank": rank_or_none, "exitCode": exit_code, "signal": name, "output": str(folder.path)}
    return "rank_died", message, details


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _write(folder: RunFolder, kind: str, fields: dict[str, Any]) -> None:
    """A disk that is full may have no room for it; the exit status says it then."""
    with contextlib.suppress(OSError):
        events = Events(folder.events)
        events.write(kind, **fields)
        events.close()


def _last_lines(path: Path) -> list[str]:
    try:
        with open(path, "rb") as file:
            file.seek(max(0, path.stat().st_size - 65536))
            return file.read().decode("utf-8", "replace").splitlines()[-LAST_LINES:]
    except OSError:
        return []
