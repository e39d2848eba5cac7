"""Whether the run's folder and what is asked of it go together.

The official code goes on from the checkpoint that `last_checkpoint` in its folder names, whatever weights it is given,
and trains past its end when that run was complete.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from glip_worker.errors import GlipError, invalid_argument


def check_folder(results: Path, resume: bool) -> Path | None:
    """The checkpoint that the run goes on from. GlipError `invalid_argument`."""
    pointer = results / "last_checkpoint"
    try:
        last = pointer.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        if resume:
            expected = f"a checkpoint in {results} to go on from; resume: false begins a new run"
            raise invalid_argument("resume", expected, "a folder without last_checkpoint") from None
        return None
    if not resume:
        expected = "a folder without a run; resume: true goes on with that run, another output begins a new one"
        raise invalid_argument("output", expected, f"{results} with the checkpoint {last}")
    if not last or not (results / last).is_file():
        raise invalid_argument("resume", f"the checkpoint that {pointer} names", f"no file {results / last}")
    return results / last


def check_unfinished(checkpoint: Path, total_steps: int) -> None:
    """GlipError `invalid_argument` when the run has all its steps, `file_error` when the checkpoint is damaged."""
    done = _steps(checkpoint)
    if done >= total_steps:
        expected = f"more steps than the {done} that {checkpoint} has"
        raise invalid_argument("epochs", expected, f"{total_steps} steps")


def _steps(checkpoint: Path) -> int:
    # Torch and the compatibility layer take seconds to import, and only a run that goes on needs them here.
    import torch

    from glip_worker.engines.official.compat.patches.pickles import SAFE_GLOBALS

    try:
        with torch.serialization.safe_globals(SAFE_GLOBALS):
            # Mapped, not read: the tensors, gigabytes, stay on the disk.
            mapped = zipfile.is_zipfile(checkpoint)
            content = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=mapped)
        return int(content.get("iteration", 0))
    except Exception as error:  # each kind of damage has its own: RuntimeError, EOFError, UnpicklingError, …
        reason = f"no checkpoint can be read from it: {str(error).strip().splitlines()[0]}"
        details = {"path": str(checkpoint), "reason": reason}
        raise GlipError("file_error", f"{checkpoint}: {reason}", details) from error
