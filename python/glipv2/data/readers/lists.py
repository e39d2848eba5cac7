"""Lists of pictures: a file of names, or a folder's files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from glipv2.data.problems import Problems


def read_list(split: Path | None, folder: Path, suffix: str, problems: Problems) -> list[str]:
    """Names without suffix: those of the file `split`, a line each, or of the folder's files in order."""
    try:
        if split is None:
            return sorted(one.name.removesuffix(suffix) for one in folder.iterdir() if one.name.endswith(suffix))
        # VOC's lists of one category say with 1, 0 and -1 whether a picture has it.
        lines = [line.split() for line in split.read_text("utf-8").splitlines()]
        return [line[0].removesuffix(suffix) for line in lines if line and line[1:] != ["-1"]]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        problems.add("unreadable_annotations", str(split or folder), f"it cannot be read: {reason}")
    return []


def numbered(names: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Each with its number as id if all are numbers, otherwise with its place, counted from 1."""
    numbers = all(name.isdecimal() for name in names)
    return ((int(name) if numbers else place, name) for place, name in enumerate(names, 1))
