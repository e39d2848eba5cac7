"""A split of the built-in scenes, as `glip scenes` writes it: COCO's instances and MDETR's sentences.

Legend: M objects of a picture. A box is `[x1, y1, x2, y2]` in pixels; its last column and row are at x2 and y2.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]


@dataclass(frozen=True)
class Phrase:
    start: int
    end: int
    """Exclusive; code points of its sentence."""
    objects: tuple[int, ...]
    """What it speaks of: rows of the picture's boxes."""


@dataclass(frozen=True)
class Sentence:
    text: str
    phrases: tuple[Phrase, ...]


@dataclass(frozen=True)
class Picture:
    id: int
    file: Path
    boxes_M4: Boxes
    categories_M: tuple[int, ...]
    """Indices into the split's names."""
    sentences: list[Sentence] = field(default_factory=list)


@dataclass(frozen=True)
class Split:
    folder: Path
    names: tuple[str, ...]
    category_ids: tuple[int, ...]
    """Of the names, in `instances.json`."""
    pictures: tuple[Picture, ...]

    @property
    def annotations(self) -> Path:
        """COCO's instances."""
        return self.folder / "instances.json"

    def first(self, count: int | None) -> Split:
        """Only so many of its pictures; None: all."""
        return replace(self, pictures=self.pictures[:count])


def read_split(folder: Path) -> Split:
    """OSError, or ValueError, for a folder that `glip scenes` did not write."""
    instances = _read(folder / "instances.json")
    categories: list[dict[str, Any]] = instances["categories"]
    index_of = {one["id"]: index for index, one in enumerate(categories)}
    objects: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for one in instances["annotations"]:
        objects[one["image_id"]].append(one)
    rows = {one["id"]: row for boxes in objects.values() for row, one in enumerate(boxes)}
    pictures = {
        one["id"]: Picture(
            one["id"],
            folder / "images" / one["file_name"],
            _corners([each["bbox"] for each in objects[one["id"]]]),
            tuple(index_of[each["category_id"]] for each in objects[one["id"]]),
        )
        for one in instances["images"]
    }
    for one in _read(folder / "grounding.json")["images"]:
        phrases = tuple(
            Phrase(each["start"], each["end"], tuple(rows[number] for number in each["annotations"]))
            for each in one["phrases"]
        )
        pictures[one["original_img_id"]].sentences.append(Sentence(one["caption"], phrases))
    names = tuple(one["name"] for one in categories)
    return Split(folder, names, tuple(index_of), tuple(pictures.values()))


def _corners(boxes: list[list[float]]) -> Boxes:
    """From `[x, y, width, height]`."""
    array = np.asarray(boxes, np.float32).reshape(-1, 4)
    return np.concatenate([array[:, :2], array[:, :2] + array[:, 2:] - 1], axis=1)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: expected a file of `glip scenes`, got no JSON: {error}") from error
