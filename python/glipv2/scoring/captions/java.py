"""The Java programs that METEOR, SPICE and Stanford's tokenizer are. They are never fetched: a folder has them."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

#: Of the folder; the one of the Python package pycocoevalcap has what METEOR and the tokenizer need.
VARIABLE = "GLIP_CAPTION_JARS"

#: Beside each other, or in the folder's own folders, as pycocoevalcap has them.
_FOLDERS = (".", "meteor", "spice", "spice/lib", "tokenizer")


class AbsentError(ValueError):
    """A measure that this machine cannot take. `missing`: a program or a file; `remedy`: what a person does."""

    def __init__(self, measure: str, missing: str, remedy: str) -> None:
        super().__init__(f"{measure} needs {missing}, not found here: {remedy}")
        self.measure = measure
        self.missing = missing
        self.remedy = remedy


@dataclass(frozen=True)
class Java:
    """The program, and the folder with its jars."""

    program: str
    folder: Path

    def jar(self, measure: str, name: str) -> Path:
        """AbsentError: the folder has none of that name."""
        for folder in _FOLDERS:
            path = self.folder / folder / name
            if path.is_file():
                return path.resolve()
        raise AbsentError(measure, name, f"put it into {self.folder}")


def java(measure: str, folder: Path | None = None) -> Java:
    """`folder`: the environment variable's when not given. AbsentError: there is no Java, or no such folder."""
    program = shutil.which("java")
    if program is None:
        raise AbsentError(measure, "Java 8 or later", "install one, and have `java` on the PATH")
    named = folder or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if named is None:
        raise AbsentError(
            measure,
            "the reference scorers' jars",
            f"set {VARIABLE} to a folder with them, such as that of the Python package pycocoevalcap",
        )
    if not named.is_dir():
        raise AbsentError(measure, f"the folder {named}", f"set {VARIABLE} to one with the reference scorers' jars")
    return Java(program, named)


class JavaError(RuntimeError):
    """A program that ended, or answered what it should not."""

    def __init__(self, measure: str, said: str) -> None:
        super().__init__(f"{measure}: its Java program failed: {said.strip()[-2000:] or 'it said nothing'}")
        self.measure = measure
