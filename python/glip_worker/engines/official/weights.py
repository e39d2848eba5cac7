"""Checkpoints: read as data, matched as the official loader matches, and verified before anything is loaded."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from glip_worker.errors import GlipError

#: Names that an error lists at most.
LISTED = 5

#: How files begin that are taken for checkpoints now and then.
NOT_CHECKPOINTS = {
    b"<": "a web page (the download's address was that of a page, not of the file)",
    b"version https://git-lfs": "a Git LFS pointer, not the file it points to",
}


@dataclass(frozen=True)
class Match:
    """Which tensor of a checkpoint fills which of the model."""

    state: dict[str, Tensor]
    """The checkpoint's tensors that are used, by the model's names."""

    ignored: list[str]
    """The checkpoint's names that the model has not."""


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The state dict in `path`: what it holds under "model", or all of it; without a common prefix "module.".

    A copy under "model_ema" is left alone, as the official loader does. GlipError: `weights_missing`;
    `weights_mismatch` with the field `content` for a file that is no checkpoint, is cut off, or holds more than
    tensors and plain containers, which is not executed.
    """
    if not path.exists():
        message = f"there are no weights at {path}: `npx glip weights pull` fetches the official ones"
        raise GlipError("weights_missing", message, {"name": path.name, "path": str(path)})
    _check_start(path)
    try:
        content = torch.load(path, map_location="cpu", mmap=zipfile.is_zipfile(path), weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # each kind of damage has its own: RuntimeError, EOFError, UnpicklingError, KeyError, …
        raise _content(path, f"what cannot be read: {_first_line(error)}") from error
    state = content.get("model", content) if isinstance(content, dict) else content
    if not isinstance(state, dict) or not any(isinstance(value, Tensor) for value in state.values()):
        raise _content(path, "no named tensors")
    return _without_prefix({str(key): value for key, value in state.items()})


def match(path: Path, model: Mapping[str, Tensor], state: dict[str, Any]) -> Match:
    """Fills each of the model's tensors by the longest name of the checkpoint that its own name ends with.

    That is the official rule; where the official loader goes on with what it has (a tensor missing, a shape that
    differs), this raises GlipError `weights_mismatch` with the field `keys`.
    """
    tensors = {key: value for key, value in state.items() if isinstance(value, Tensor)}
    sources = {name: _source(name, tensors) for name in model}
    missing = [name for name, source in sources.items() if source is None]
    found = {name: tensors[source] for name, source in sources.items() if source is not None}
    other = [
        f"{name} {list(tensor.shape)} instead of {list(model[name].shape)}"
        for name, tensor in found.items()
        if tensor.shape != model[name].shape
    ]
    if missing or other:
        raise _keys(path, model, tensors, missing, other)
    return Match(found, sorted(set(state) - set(sources.values())))


def _source(name: str, tensors: dict[str, Tensor]) -> str | None:
    return next((name[start:] for start in range(len(name)) if name[start:] in tensors), None)


def _without_prefix(state: dict[str, Any], prefix: str = "module.") -> dict[str, Any]:
    if not all(key.startswith(prefix) for key in state):
        return state
    return {key.removeprefix(prefix): value for key, value in state.items()}


def _check_start(path: Path) -> None:
    if not path.is_file():
        raise _content(path, "no regular file")
    try:
        with path.open("rb") as file:
            start = file.read(512).lstrip()
    except OSError as error:
        reason = error.strerror or str(error)
        details = {"path": str(path), "reason": reason}
        raise GlipError("file_error", f"{path}: the weights cannot be read: {reason}", details) from error
    if not start:
        raise _content(path, "an empty file")
    for signature, what in NOT_CHECKPOINTS.items():
        if start.startswith(signature):
            raise _content(path, what)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def _content(path: Path, received: str) -> GlipError:
    expected = "a PyTorch checkpoint of tensors and plain containers"
    return _mismatch(path, "content", expected, received, "fetch it again, or save its tensors alone with torch.save")


def _keys(
    path: Path, model: Mapping[str, Tensor], tensors: dict[str, Tensor], missing: list[str], other: list[str]
) -> GlipError:
    parts = []
    if missing:
        parts.append(f"{len(missing)} are missing ({_first(missing)})")
    if other:
        parts.append(f"{len(other)} have another shape ({_first(other)})")
    expected = f"the {len(model)} tensors of the configured model"
    received = f"{len(tensors)} tensors; {' and '.join(parts)}"
    classes = next((tensors[key].shape[0] for key in tensors if key.endswith("head.cls_logits.bias")), None)
    if classes is not None and not missing and all(".cls_logits." in name for name in other):
        return _mismatch(path, "keys", expected, received, f"set MODEL.DYHEAD.NUM_CLASSES to {classes + 1}")
    return _mismatch(path, "keys", expected, received, _advice(tensors))


def _first(names: list[str]) -> str:
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")


def _advice(tensors: dict[str, Tensor]) -> str:
    """The shipped configuration whose model has these tensors, where it can be told by Swin's width and the fusion."""
    width = next((t.shape[0] for name, t in tensors.items() if name.endswith("patch_embed.proj.weight")), None)
    towers = {int(name.split("dyhead_tower.")[1].split(".")[0]) for name in tensors if "dyhead_tower." in name}
    fused = any(".b_attn." in name for name in tensors)
    if width is None or not towers:
        return "name the configuration that they were trained with"
    shape = f"a Swin of width {width} and {(max(towers) + 1) // (3 if fused else 1)} head layers"
    fits = {
        (96, 18, True): "configs/pretrain/glip_Swin_T_O365_GoldG.yaml or glip_Swin_T_O365.yaml",
        (96, 6, False): "configs/pretrain/glip_A_Swin_T_O365.yaml",
        (192, 24, True): "configs/pretrain/glip_Swin_L.yaml",
    }.get((width, max(towers) + 1, fused))
    return f"they are those of {shape}{f', as in {fits}' if fits else ''}"


def _mismatch(path: Path, field: str, expected: str, received: str, advice: str) -> GlipError:
    message = f"{path} does not hold the weights that were asked for: expected {expected}, got {received}; {advice}"
    details = {"path": str(path), "field": field, "expected": expected, "received": received}
    return GlipError("weights_mismatch", message, details)
