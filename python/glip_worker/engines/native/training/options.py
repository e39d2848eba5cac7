"""From a request's parameters to the options of a run, and whether they fit what lies in its folder."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from glip_worker.device import Device
from glip_worker.engines.common.failures import as_glip_errors
from glip_worker.errors import GlipError, invalid_argument
from glip_worker.protocol.messages import TrainingRunParams
from glipv2.errors import InputError
from glipv2.training.checkpoint import Checkpoints
from glipv2.training.folder import RunFolder
from glipv2.training.options import TrainOptions

#: Parameters that say how a run is run, and are no options of it.
RUNNING = ("resume", "detached", "nodes")

#: Options in which a run that goes on may differ from what it was: they do not change what is learnt from a picture.
FREE = frozenset(
    (
        *("output", "steps", "epochs", "patience", "device", "processes", "readers", "gradient_checkpointing"),
        *("checkpoint_steps", "keep_checkpoints", "evaluate_steps", "evaluate_before", "sample_pictures"),
    )
)


def options_of(params: TrainingRunParams, device: Device) -> TrainOptions:
    """GlipError `invalid_argument`."""
    content: dict[str, Any] = msgspec.to_builtins(params)
    for name in RUNNING:
        del content[name]
    with as_glip_errors():
        try:
            options = TrainOptions.from_json(content)
        except InputError:
            raise
        except ValueError as error:  # what a part of them does not allow, with its path before it
            path, _, reason = str(error).partition(": ")
            raise invalid_argument(path, "other values", reason) from error
    output = options.output.expanduser().absolute()
    return replace(options, output=output, device=str(device) if params.device is None else params.device)


def check_folder(folder: RunFolder, options: TrainOptions, resume: bool) -> None:
    """GlipError `invalid_argument`: it has a run and none is to be gone on with, or the other way round, or that one is
    another."""
    last = Checkpoints(folder.checkpoints, 1).last()
    if not resume:
        if last is not None:
            expected = "a folder without a run; resume: true goes on with that run, another output begins a new one"
            raise invalid_argument("output", expected, f"{folder.path} with the checkpoint {last.folder.name}")
        return
    if not folder.config.is_file():
        expected = f"a run in {folder.path} to go on with; resume: false begins a new one"
        raise invalid_argument("resume", expected, f"a folder without {folder.config.name}")
    if last is not None:
        _check_same(folder.config, options)


def _check_same(config: Path, options: TrainOptions) -> None:
    try:
        before = TrainOptions.from_json(json.loads(config.read_text("utf-8"))).to_json()
    except (OSError, ValueError) as error:
        reason = f"it is no configuration of a run: {error}"
        raise GlipError("file_error", f"{config}: {reason}", {"path": str(config), "reason": reason}) from error
    for name, value in options.to_json().items():
        if name not in FREE and value != before[name]:
            expected = f"{_short(before[name])}, as in the run that goes on; another output begins a new one"
            raise invalid_argument(name, expected, _short(value))


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
