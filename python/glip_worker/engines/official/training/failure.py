"""Why a run failed, as the client is told."""

from __future__ import annotations

import re
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glip_worker.engines.official.compat.reporting.failures import DISK_TEXTS
from glip_worker.errors import GlipError

if TYPE_CHECKING:
    from glip_worker.engines.official.training.runner import Outcome

#: Lines of the ranks that an error carries.
LAST_LINES = 50

#: How torch's launcher begins to speak of a rank that failed, of its own end, and of the rank that failed first.
LAUNCHER = re.compile(r"^[A-Z]\d{4} .* torch/distributed/elastic/")
VERDICT = "failed (exitcode:"
SIGNALLED = re.compile(r"SignalException: Process \d+ got signal: (\d+)")
ROOT_CAUSE = re.compile(r"Root Cause.*?exitcode\s*:\s*(-?\d+)", re.DOTALL)


def failure(outcome: Outcome) -> GlipError:
    """By what the failing rank said of itself; by the launcher's summary where it could not (a signal)."""
    code = _rank_exit_code(outcome)
    record = outcome.records.failed
    if code is not None and code < 0:
        return _failed(outcome, code, _signal_text(code))
    if record is None:
        if any(text in line for line in outcome.lines for text in DISK_TEXTS):
            return _disk_full(str(outcome.recipe.output), "the run could not write")
        return _failed(outcome, outcome.exit_code if code is None else code, _silent_text(outcome))
    cause, text = record["cause"], _one_line(record)
    if cause == "known":
        return GlipError(record["code"], record["message"], record["details"])
    if cause == "out_of_memory":
        details = {"type": record["error"], "traceback": record["traceback"]}
        return GlipError(
            "out_of_memory", f"{text} (rank {record['rank']} of the run in {outcome.recipe.output})", details
        )
    if cause == "disk_full":
        return _disk_full(record["path"] or str(outcome.recipe.output), text)
    rank = f"rank {record['rank']}, {record['place']}"
    if cause == "debugger":
        reason = f"the official code stopped for its debugger, as it does where it meets what it cannot handle ({rank})"
    elif cause == "exit":
        code, words = record["exit_code"], _last_words(outcome)
        reason = f"the official code called exit({code}) ({rank}); its last words: {words}"
    else:
        code, reason = 1, f"{text} ({rank})"
    return _failed(outcome, code, reason)


def _failed(outcome: Outcome, exit_code: int | None, reason: str) -> GlipError:
    message = f"{outcome.recipe.script} failed: {reason}. Its log: {outcome.log}"
    details: dict[str, Any] = {
        "exitCode": exit_code,
        "output": str(outcome.recipe.output),
        "lastLogLines": rank_lines(outcome.lines)[-LAST_LINES:],
        "logFile": str(outcome.log),
    }
    return GlipError("training_failed", message, details)


def _disk_full(path: str, reason: str) -> GlipError:
    free = _free(Path(path))
    left = "" if free is None else f" ({free} bytes are free)"
    message = f"{path} does not fit on its disk{left}: {reason}. Make room, or write fewer checkpoints, and resume"
    return GlipError("disk_full", message, {"path": path, "needed": None, "free": free})


def _free(path: Path) -> int | None:
    for folder in (path, *path.parents):
        try:
            return shutil.disk_usage(folder).free
        except OSError:
            continue
    return None


def _one_line(record: dict[str, Any]) -> str:
    first = next((line for line in record["message"].splitlines() if line.strip()), "")
    return f"{record['error']}: {first}" if first else str(record["error"])


def _rank_exit_code(outcome: Outcome) -> int | None:
    found = ROOT_CAUSE.search("\n".join(outcome.lines))
    return None if found is None else int(found[1])


def _signal_text(code: int) -> str:
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = ", as the system does when memory runs out" if name == "SIGKILL" else ""
    return f"{name} ended one of its processes{hint}"


def _silent_text(outcome: Outcome) -> str:
    if outcome.exit_code == 0:
        return "it ended without a result"
    for line in reversed(outcome.lines):
        if (found := SIGNALLED.search(line)) is not None:
            return _signal_text(-int(found[1]))
    return f"it ended with {outcome.exit_code} and did not say why; its last words: {_last_words(outcome)}"


def rank_lines(lines: list[str]) -> list[str]:
    """Without what the launcher says: its own lines, and everything after its verdict."""
    result = []
    for line in lines:
        if LAUNCHER.match(line):
            if VERDICT in line:
                break
            continue
        result.append(line)
    return result


def _last_words(outcome: Outcome) -> str:
    lines = rank_lines(outcome.lines)
    return lines[-1].strip() if lines else "none"
