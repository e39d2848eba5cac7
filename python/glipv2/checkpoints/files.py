"""Files of weights: official `.pth`, read as data and never executed, and safetensors, read and written."""

from __future__ import annotations

import os
import secrets
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from glipv2.errors import WeightsError

#: How files begin that are taken for checkpoints now and then.
NOT_CHECKPOINTS = {
    b"<": "a web page (the download's address was that of a page, not of the file)",
    b"version https://git-lfs": "a Git LFS pointer, not the file it points to",
}

EXPECTED = "a checkpoint of tensors and plain containers"

#: Nobody writes a file for so long.
STALE_SECONDS = 3600

REMEDY = "fetch it again, or save its tensors alone with torch.save"


def read_state(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """What the file holds by name, and its metadata (a safetensors file's; else none). Its tensors may stay on disk.

    WeightsError: as `read_pth`.
    """
    check_start(path)
    if not is_safetensors(path):
        return read_pth(path), {}
    return read_safetensors(path)


def read_pth(path: Path) -> dict[str, Any]:
    """The state dict in `path`: what it holds under "model", or all of it; without a common prefix "module.".

    A copy under "model_ema" is left alone, as the official loader does. WeightsError: `missing`; `content` for a file
    that is no checkpoint, is cut off, or holds more than tensors and plain containers, which is not executed;
    `unreadable`.
    """
    check_start(path)
    try:
        content = torch.load(path, map_location="cpu", mmap=zipfile.is_zipfile(path), weights_only=True)
    except MemoryError:
        raise
    except Exception as error:  # each kind of damage has its own: RuntimeError, EOFError, UnpicklingError, KeyError, …
        raise content_error(path, f"what cannot be read: {_first_line(error)}") from error
    state = content.get("model", content) if isinstance(content, dict) else content
    if not isinstance(state, dict) or not any(isinstance(value, Tensor) for value in state.values()):
        raise content_error(path, "no named tensors")
    return _without_prefix({str(key): value for key, value in state.items()})


def read_safetensors(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Tensors, mapped from the file where that can be, and metadata. WeightsError: as `read_pth`."""
    from safetensors import SafetensorError, safe_open

    check_start(path)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata: dict[str, str] = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise content_error(path, f"what cannot be read: {_first_line(error)}") from error
    if not tensors:
        raise content_error(path, "no named tensors")
    return tensors, metadata


def write_safetensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """All of it or nothing: whoever sees the file can read it, and a file of that name is replaced. OSError."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*.part"):  # by a process that was killed
        if left.stat().st_mtime < time.time() - STALE_SECONDS:
            left.unlink(missing_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, part, metadata=dict(metadata))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def is_safetensors(path: Path) -> bool:
    """By its start: the length of a header in JSON, and that header."""
    with path.open("rb") as file:
        start = file.read(9)
    return len(start) == 9 and start[8:] == b"{" and int.from_bytes(start[:8], "little") < 100_000_000


def check_start(path: Path) -> None:
    """WeightsError for a file that is not there, cannot be read, or by its first bytes is something else."""
    if not path.exists():
        remedy = "`npx glip weights pull` fetches the official ones"
        raise WeightsError(path, "missing", "a file of weights", "no such file", remedy)
    if not path.is_file():
        raise content_error(path, "no regular file")
    try:
        # Its first bytes are a number, which may look like anything.
        if is_safetensors(path):
            return
        with path.open("rb") as file:
            start = file.read(512).lstrip()
    except OSError as error:
        reason = error.strerror or str(error)
        raise WeightsError(path, "unreadable", "a file that can be read", reason, "see its permissions") from error
    if not start:
        raise content_error(path, "an empty file")
    for signature, what in NOT_CHECKPOINTS.items():
        if start.startswith(signature):
            raise content_error(path, what)


def content_error(path: Path, received: str) -> WeightsError:
    return WeightsError(path, "content", EXPECTED, received, REMEDY)


def _without_prefix(state: dict[str, Any], prefix: str = "module.") -> dict[str, Any]:
    if not all(key.startswith(prefix) for key in state):
        return state
    return {key.removeprefix(prefix): value for key, value in state.items()}


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
