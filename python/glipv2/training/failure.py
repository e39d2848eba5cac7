"""Why a process of a run failed, in a form that outlives it: its code and details are those of src/errors.ts."""

from __future__ import annotations

import json
import shutil
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from glipv2.errors import DataError, InputError, WeightsError
from glipv2.ops.failures import is_disk_full, is_out_of_memory
from glipv2.training.events import finite

#: Longest text of a traceback; its end, which names the error, is kept.
MAX_TRACEBACK_CHARACTERS = 20_000

#: How torch says that another process of the run is gone.
_SECONDARY = ("Connection closed by peer", "Connection reset by peer", "NCCL", "Broken pipe", "Timed out waiting")


@dataclass(frozen=True)
class Failure:
    time: float
    rank: int
    code: str
    message: str
    details: dict[str, Any]
    traceback: str
    secondary: bool
    """It failed because another process did."""


@contextmanager
def described(folder: Path, rank: int, output: Path) -> Iterator[None]:
    """Leaves in `folder` why a process failed, for the one that waits for it, and raises it again."""
    try:
        yield
    except BaseException as error:
        text = json.dumps(asdict(failure(error, rank, output)))
        (folder / f"{rank}.json").write_text(text, "utf-8")
        raise


def read_failures(folder: Path) -> list[Failure]:
    """The first one first; those that followed from it last."""
    found = [Failure(**json.loads(path.read_text("utf-8"))) for path in folder.glob("*.json")]
    return sorted(found, key=lambda one: (one.secondary, one.time))


def failure(error: BaseException, rank: int, output: Path) -> Failure:
    text = "".join(traceback.format_exception(error))[-MAX_TRACEBACK_CHARACTERS:]
    code, message, details = _described(error, text, rank, output)
    secondary = isinstance(error, RuntimeError) and any(one in str(error) for one in _SECONDARY)
    return Failure(time.time(), rank, code, message, details, text, secondary)


def _described(error: BaseException, text: str, rank: int, output: Path) -> tuple[str, str, dict[str, Any]]:
    from glipv2.training.step import LossError

    if isinstance(error, LossError):
        losses = {name: finite(value) for name, value in error.losses.items()}
        advice = "Lower the learning rate, clip the gradients, or look at the data"
        return "loss_not_finite", f"{error}. {advice}.", {"step": error.step, "losses": losses, "output": str(output)}
    if isinstance(error, DataError):
        problems = [{**example, "kind": one["kind"]} for one in error.problems for example in one["examples"]]
        count = sum(one["count"] for one in error.problems)
        return "dataset_invalid", str(error), {"path": str(output), "problems": problems, "count": count}
    if isinstance(error, InputError):
        details = {"path": error.path, "expected": error.expected, "received": error.received}
        return "invalid_argument", str(error), details
    if isinstance(error, WeightsError):
        return _of_weights(error)
    if is_out_of_memory(error):
        advice = (
            "Fewer pictures at once (batchSize, accumulation), smaller ones (shortSides, longSide), "
            "gradientCheckpointing or a shorter precision need less"
        )
        return (
            "out_of_memory",
            f"rank {rank}: {_first_line(error)}. {advice}.",
            {"type": type(error).__name__, "traceback": text},
        )
    if is_disk_full(error):
        path = str(getattr(error, "filename", None) or output)
        free = _free(output)
        left = "" if free is None else f" ({free} bytes are free)"
        message = f"{path} does not fit on its disk{left}: {_first_line(error)}. Make room, or keep fewer checkpoints."
        return "disk_full", message, {"path": path, "needed": None, "free": free}
    if isinstance(error, OSError):
        path = str(error.filename or output)
        reason = error.strerror or str(error)
        return "file_error", f"{path}: {reason}", {"path": path, "reason": reason}
    frame = traceback.extract_tb(error.__traceback__)[-1:]
    place = f", {frame[0].filename}:{frame[0].lineno}" if frame else ""
    return "training_failed", f"{_first_line(error)} (rank {rank}{place})", {"exitCode": 1, "output": str(output)}


def _of_weights(error: WeightsError) -> tuple[str, str, dict[str, Any]]:
    path = str(error.path)
    if error.field == "missing":
        message = f"there are no weights at {path}: {error.remedy}"
        return "weights_missing", message, {"name": error.path.name, "path": path}
    if error.field == "unreadable":
        reason = error.received
        return "file_error", f"{path}: the weights cannot be read: {reason}", {"path": path, "reason": reason}
    details = {"path": path, "field": error.field, "expected": error.expected, "received": error.received}
    return "weights_mismatch", str(error), details


def _first_line(error: BaseException) -> str:
    first = next((line for line in str(error).splitlines() if line.strip()), "")
    name = type(error).__name__
    return f"{name}: {first}" if first else name


def _free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None
