"""Checkpoints: whole or not there, whatever kills the process while it writes; the last few are kept, and the best.

`checkpoints/step-00000100/` has `model.safetensors` (prompt tuning: `prompt.safetensors`), which is what a user takes,
and `training.pt`, from which the run is gone on with.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glipv2.training.folder import write_json

if TYPE_CHECKING:
    from torch import Tensor

STATE = "training.pt"

#: The names of what a user takes, of which each checkpoint has one.
KEPT = ("model.safetensors", "prompt.safetensors")

#: Names the last checkpoint, and the best one with its measure.
LAST = "last.json"

#: How the name ends of one that makes way for another of its step.
OLD = ".old"

#: How the name begins of one that could not be gone on from.
ASIDE = "unusable-"

_NAME = re.compile(r"step-(\d{8,})$")


@dataclass(frozen=True)
class Checkpoint:
    folder: Path

    step: int

    @property
    def kept(self) -> Path:
        """The file that a user takes."""
        return next((self.folder / name for name in KEPT if (self.folder / name).exists()), self.folder / KEPT[0])

    def state(self) -> dict[str, Any]:
        """What `write` was given, on the CPU. Each kind of damage has an exception of its own."""
        import torch  # whoever only looks for checkpoints does not wait for it

        content: dict[str, Any] = torch.load(self.folder / STATE, map_location="cpu", weights_only=True)
        return content


class Checkpoints:
    """Of one run; whoever reads them may do so at any time."""

    def __init__(self, folder: Path, keep: int) -> None:
        """`keep`: how many of the last ones."""
        self.folder = folder
        self._keep = keep

    def all(self) -> list[Checkpoint]:
        """Oldest first."""
        found = []
        for path in self.folder.glob("step-*"):
            name = _NAME.match(path.name)
            if name is not None and path.is_dir():
                found.append(Checkpoint(path, int(name[1])))
        return sorted(found, key=lambda one: one.step)

    def last(self) -> Checkpoint | None:
        return next(reversed(self.all()), None)

    def clear(self) -> None:
        """Removes what a process left that was killed while it wrote, and puts back what it had not replaced yet."""
        for path in self.folder.glob(".*"):
            place = path.with_name(path.stem.removeprefix("."))
            if path.suffix == OLD and not place.exists():
                os.rename(path, place)
            else:
                _remove(path)

    def set_aside(self, step: int) -> None:
        """Those after `step`, which nobody could go on from: they are no checkpoints of the run any more, and stay."""
        for one in self.all():
            if one.step > step:
                place = one.folder.with_name(f"{ASIDE}{one.folder.name}")
                _remove(place)
                os.rename(one.folder, place)

    def write(
        self, step: int, state: Mapping[str, Any], best: tuple[int, float] | None, keep: Callable[[Path], None]
    ) -> Checkpoint:
        """`keep`: writes what a user takes into the folder that it is given. `best`: step and measure of the best one.

        OSError and the like: it cannot be written; those that were there before still are, and nothing of this one is.
        """
        import torch

        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f".step-{step:08}.part"
        _remove(part)
        part.mkdir()
        try:
            keep(part)
            # Through Python's own file: a full disk is then an OSError that says so.
            with open(part / STATE, "wb") as file:
                torch.save(dict(state), file)
            for path in (*part.iterdir(), part):
                _sync(path)
            place = self.folder / f"step-{step:08}"
            old = self.folder / f".{place.name}{OLD}"
            _remove(old)
            if place.exists():
                os.rename(place, old)
            os.rename(part, place)
            _sync(self.folder)
            _remove(old)
        except BaseException:
            _remove(part)
            raise
        written = Checkpoint(place, step)
        self._tell(written, best)
        self._prune(None if best is None else best[0])
        return written

    def _tell(self, last: Checkpoint, best: tuple[int, float] | None) -> None:
        content: dict[str, Any] = {"step": last.step, "path": str(last.kept), "best": None}
        for one in self.all():
            if best is not None and one.step == best[0]:
                content["best"] = {"step": one.step, "path": str(one.kept), "measure": best[1]}
        write_json(self.folder / LAST, content)

    def _prune(self, best: int | None) -> None:
        for one in self.all()[: -self._keep]:
            if one.step != best:
                # Its name goes first: what has one is whole.
                gone = one.folder.with_name(f".{one.folder.name}.gone")
                os.rename(one.folder, gone)
                _remove(gone)


def on_cpu(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: one.detach().cpu() for name, one in tensors.items()}


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """What was written is on the disk, and not only on its way there."""
    if os.name == "nt" and path.is_dir():
        return
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
