"""What a patch is, and the changes that it makes: each can be taken back."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

_ABSENT = object()


@dataclass
class Settings:
    """What patches may depend on."""

    bert: Path | None = None
    """Folder that answers for "bert-base-uncased" (vocab.txt; config.json and weights when it has them).
    None: what the working folder or the Hugging Face cache holds, else the vocabulary that comes with this package."""

    device: Literal["cpu", "cuda"] = "cpu"
    """"cpu" on a machine without CUDA, and where a machine with CUDA is to compute on the CPU all the same."""


class Changes:
    """Replaced attributes, modules and mapping entries, with what was there before."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def set(self, owner: Any, name: str, value: Any) -> Any:
        """Sets an attribute; gives what the owner itself had under that name, or None."""
        before = vars(owner).get(name, _ABSENT)

        def undo() -> None:
            delattr(owner, name) if before is _ABSENT else setattr(owner, name, before)

        self._undo.append(undo)
        setattr(owner, name, value)
        return None if before is _ABSENT else before

    def add(self, owner: Any, name: str, value: Any) -> None:
        """Sets an attribute that is not there; leaves one that is."""
        if not hasattr(owner, name):
            self.set(owner, name, value)

    def everywhere(self, module: ModuleType, name: str, value: Any) -> None:
        """Replaces what `module` defines under `name`, there and in each official module that imported it by name."""
        original = getattr(module, name)
        for other_name, other in list(sys.modules.items()):
            if other is module or (other_name.startswith("maskrcnn_benchmark.") and vars(other).get(name) is original):
                self.set(other, name, value)

    def module(self, name: str, module: ModuleType) -> None:
        """Puts a module where `import name` finds it."""
        before = sys.modules.get(name)

        def undo() -> None:
            if before is None:
                sys.modules.pop(name, None)
            else:
                sys.modules[name] = before

        self._undo.append(undo)
        sys.modules[name] = module

    def on_undo(self, action: Callable[[], None]) -> None:
        self._undo.append(action)

    def undo(self) -> None:
        """Takes everything back, the last change first."""
        while self._undo:
            self._undo.pop()()


@dataclass(frozen=True)
class Patch:
    """One assumption of the official code that no longer holds, and what mends it from outside."""

    name: str

    reason: str

    mends: str
    """The official file and symbol, below maskrcnn_benchmark/ unless it says otherwise."""

    apply: Callable[[Changes, Settings], None]

    after_import: bool = False
    """True: it replaces something in the official package, which it imports; the others come first."""
