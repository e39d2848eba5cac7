"""Names and arguments that left torch."""

from __future__ import annotations

import collections.abc
import math
import warnings
from types import ModuleType
from typing import Any

import torch
import torch.hub
from torch.optim.lr_scheduler import ReduceLROnPlateau

from glip_worker.engines.official.compat.patching import Changes, Settings

#: Messages that the official code causes on every run.
QUIET_MESSAGES = (
    r".*torch\.meshgrid",
    r".*timm\.models\.layers",
    r".*torch\.cuda\.amp",
    r".*GradScaler is enabled, but CUDA is not available",
    r".*CUDA is not available.*[Dd]isabling",
    r".*upsample_bilinear",
    r".*use_reentrant",
    r".*row_stack",
    r".*lr_scheduler\.step\(\).*optimizer\.step\(\)",
    r".*pin_memory",
    r".*torch\.jit\.script",
)


def torch_six(changes: Changes, settings: Settings) -> None:
    six = ModuleType("torch._six", "The names of the removed module.")
    vars(six).update(
        PY3=True,
        PY37=True,
        inf=math.inf,
        string_classes=(str, bytes),
        int_classes=int,
        container_abcs=collections.abc,
    )
    changes.module("torch._six", six)
    changes.set(torch, "_six", six)


def hub_download(changes: Changes, settings: Settings) -> None:
    changes.add(torch.hub, "_download_url_to_file", torch.hub.download_url_to_file)


def plateau_verbose(changes: Changes, settings: Settings) -> None:
    original: Any = ReduceLROnPlateau.__init__

    def init(self: ReduceLROnPlateau, *args: Any, verbose: object = None, **options: Any) -> None:
        original(self, *args, **options)

    changes.set(ReduceLROnPlateau, "__init__", init)


def warnings_quiet(changes: Changes, settings: Settings) -> None:
    before = list(warnings.filters)

    def undo() -> None:
        warnings.filters[:] = before  # type: ignore[index]

    changes.on_undo(undo)
    for message in QUIET_MESSAGES:
        warnings.filterwarnings("ignore", message=message)
    # Escapes and comparisons in sources that are compiled here and may not be changed.
    warnings.filterwarnings("ignore", category=SyntaxWarning)
