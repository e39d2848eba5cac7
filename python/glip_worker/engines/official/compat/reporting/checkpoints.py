"""Checkpoints: told when they are complete, and never half written under their name."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
from typing import Any

import torch

from glip_worker.engines.official.compat.patching import Changes, Settings
from glip_worker.engines.official.compat.reporting.reporter import Reporter

#: How the official trainer names the checkpoint of the best validation.
BEST = "model_best"


def checkpointer(reporter: Reporter, changes: Changes, settings: Settings) -> None:
    owner = importlib.import_module("maskrcnn_benchmark.utils.checkpoint").Checkpointer
    original: Any = owner.save

    @functools.wraps(original)
    def save(self: Any, name: str, **state: Any) -> None:
        original(self, name, **state)
        if self.save_dir and self.save_to_disk:
            reporter.saved_step = state.get("iteration")
            path = os.path.abspath(os.path.join(self.save_dir, f"{name}.pth"))
            reporter.write("checkpoint", step=state.get("iteration"), path=path, best=name == BEST)

    changes.set(owner, "save", save)


def whole_files(reporter: Reporter, changes: Changes, settings: Settings) -> None:
    original: Any = torch.save

    @functools.wraps(original)
    def save(value: Any, file: Any, *args: Any, **options: Any) -> Any:
        if not isinstance(file, str | os.PathLike):
            return original(value, file, *args, **options)
        part = f"{os.fspath(file)}.part"
        try:
            # Through Python's own file: a full disk is then an OSError that says so.
            with open(part, "wb") as opened:
                original(value, opened, *args, **options)
            os.replace(part, file)
        except BaseException as error:
            with contextlib.suppress(OSError):
                os.unlink(part)
            _name_file(error, file)
            raise
        return None

    changes.set(torch, "save", save)


def _name_file(error: BaseException | None, file: Any) -> None:
    """A write that fails does not say of which file."""
    while error is not None:
        if isinstance(error, OSError) and error.filename is None:
            error.filename = os.path.abspath(os.fspath(file))
        error = error.__cause__ or error.__context__
