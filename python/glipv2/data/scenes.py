"""A split of the built-in scenes, as `glip scenes` writes it, for those who want it whole or not at all."""

from __future__ import annotations

from pathlib import Path

from glipv2.data.readers import How, read
from glipv2.data.records import Dataset
from glipv2.data.sources import Scenes
from glipv2.errors import DataError


def read_split(folder: Path, masks: bool = False, words: bool = False) -> Dataset:
    """`masks`: whether records have them; `words`: with questions and captions.

    OSError, or ValueError, for a folder that `glip scenes` did not write.
    """
    for name in ("instances.json", "grounding.json"):
        # A file that is not there, or cannot be read, is the system's to tell of.
        (folder / name).open("rb").close()
    reading = read(Scenes(folder), How(masks=masks, words=words))
    problems = reading.problems
    missing = next((one for one in problems if one.kind == "missing_picture"), None)
    if missing is not None:
        raise FileNotFoundError(f"{missing.where}: {missing.reason}")
    if problems:
        raise DataError(problems.to_json(), "Write the scenes again.")
    return reading.dataset
