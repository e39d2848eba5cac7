"""Applies the patches, in their order and once."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from glip_worker.engines.official.compat.accelerate import ACCELERATIONS, Acceleration
from glip_worker.engines.official.compat.errors import checkout_missing, unknown_names, vocabulary_missing
from glip_worker.engines.official.compat.patches import PATCHES
from glip_worker.engines.official.compat.patching import Changes, Patch, Settings

_settings = Settings()
_applied: dict[str, Changes] = {}

_log = logging.getLogger("glip_worker.official")


def install(
    skip: Collection[str] = (),
    *,
    bert: str | Path | None = None,
    device: str | None = None,
    accelerate: bool | str | Collection[str] = False,
) -> list[str]:
    """Applies every patch but those in `skip`; gives the names that this call applied, none when all were.

    `bert`: a folder that answers for "bert-base-uncased". `device`: "cpu" or "cuda"; CUDA where there is one by
    default. `accelerate`: True for every numerically equal acceleration, or their names.
    GlipError: the official package cannot be found, a name that does not exist, a folder without a vocabulary.
    """
    chosen = _chosen(accelerate)
    known = [patch.name for patch in PATCHES]
    unknown = [name for name in skip if name not in known]
    if unknown:
        raise unknown_names("skip", unknown, known)
    if device not in (None, "cpu", "cuda"):
        raise unknown_names("device", [str(device)], ["cpu", "cuda"])
    if importlib.util.find_spec("maskrcnn_benchmark") is None:
        raise checkout_missing("", "there is no package maskrcnn_benchmark on sys.path")
    if bert is not None:
        _settings.bert = _bert_folder(Path(bert))
    if device is not None or not _applied:
        _settings.device = "cpu" if device == "cpu" or not torch.cuda.is_available() else "cuda"
    wanted: list[Patch | Acceleration] = [patch for patch in PATCHES if patch.name not in skip]
    return [patch.name for patch in [*wanted, *chosen] if _apply(patch)]


def use_accelerations(names: Collection[str]) -> None:
    """From now on exactly these accelerations, whatever was in force; models that were built are served by them too.

    GlipError `invalid_argument` for a name that does not exist, before anything changes.
    """
    chosen = _chosen(list(names))
    for one in reversed(ACCELERATIONS):
        if one not in chosen and one.name in _applied:
            _applied.pop(one.name).undo()
    for one in chosen:
        _apply(one)


def check_accelerations(names: Collection[str]) -> None:
    """GlipError `invalid_argument` for a name that does not exist."""
    _chosen(list(names))


@contextmanager
def text_encoder(folder: str | Path) -> Iterator[None]:
    """`folder` answers for "bert-base-uncased" for a while. GlipError `weights_missing`: it has no vocabulary."""
    before = _settings.bert
    _settings.bert = _bert_folder(Path(folder))
    try:
        yield
    finally:
        _settings.bert = before


def installed() -> list[str]:
    """The names in force, in the order in which they were applied."""
    return list(_applied)


def uninstall() -> None:
    """Takes every patch back. What the official code built meanwhile keeps what it was built with."""
    for name in reversed(list(_applied)):
        _applied.pop(name).undo()
    _settings.bert = None


def describe() -> str:
    """Every patch and acceleration, for people."""
    lines = []
    for patch in PATCHES:
        lines += [patch.name, f"    because  {patch.reason}", f"    mends    {patch.mends}"]
    lines.append("\nAccelerations, off unless asked for:")
    for one in ACCELERATIONS:
        lines += [one.name, f"    does     {one.changes}", f"    differs  {one.largest_difference}"]
    return "\n".join(lines)


def _apply(patch: Patch | Acceleration) -> bool:
    if patch.name in _applied:
        return False
    changes = Changes()
    try:
        patch.apply(changes, _settings)
    except BaseException:
        changes.undo()
        raise
    _applied[patch.name] = changes
    _log.debug("applied %s", patch.name)
    return True


def _chosen(accelerate: bool | str | Collection[str]) -> list[Acceleration]:
    if isinstance(accelerate, str):
        accelerate = [name for name in accelerate.split(",") if name]
    if isinstance(accelerate, bool):
        return list(ACCELERATIONS) if accelerate else []
    known = [one.name for one in ACCELERATIONS]
    unknown = [name for name in accelerate if name not in known]
    if unknown:
        raise unknown_names("accelerate", unknown, known)
    return [one for one in ACCELERATIONS if one.name in accelerate]


def _bert_folder(folder: Path) -> Path:
    if not any((folder / file).is_file() for file in ("vocab.txt", "tokenizer.json")):
        raise vocabulary_missing(folder)
    return folder.resolve()
