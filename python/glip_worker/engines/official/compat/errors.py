"""The errors of the compatibility layer, each with what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from glip_worker.errors import GlipError


def checkout_missing(path: str, reason: str) -> GlipError:
    message = (
        f"the official GLIP code is needed: {reason}. Clone microsoft/GLIP (`glip setup --official` does), then set "
        "GLIP_OFFICIAL_REPO to its folder or pass --official DIR"
    )
    return GlipError("official_missing", message, {"path": path, "reason": reason})


def script_missing(script: str, checkout: Path) -> GlipError:
    reason = f"there is no such file, neither here nor in {checkout}"
    return GlipError("file_error", f"{script}: {reason}", {"path": script, "reason": reason})


def vocabulary_missing(path: Path) -> GlipError:
    message = (
        f"{path} has no vocab.txt and no tokenizer.json. Put the vocabulary of bert-base-uncased there (30,522 lines), "
        "or leave the option bert out to use the one that comes with this package"
    )
    return GlipError("weights_missing", message, {"name": "bert-base-uncased", "path": str(path)})


def unsafe_checkpoint(file: Any, reason: str) -> GlipError:
    path = str(file) if isinstance(file, str | Path) else "the checkpoint"
    first = reason.strip().split("\n")[0]
    message = (
        f"{path} holds more than tensors and plain containers, or is damaged: {first}. It was not loaded, because "
        "loading it could run code. Save its tensors alone with torch.save in an environment where you trust it"
    )
    return GlipError("file_error", message, {"path": path, "reason": first})


def unknown_names(option: str, unknown: list[str], known: list[str]) -> GlipError:
    received = ", ".join(unknown)
    expected = f"names out of {', '.join(known)}"
    details = {"path": option, "expected": expected, "received": received}
    return GlipError("invalid_argument", f"{option}: expected {expected}, got {received}", details)
