"""A split of the built-in scenes, as `glip scenes` writes it: COCO's instances and MDETR's sentences.

Legend: M objects of a picture.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from glipv2.data.records import Boxes, Dataset, Phrase, Picture, Sentence


def read_split(folder: Path) -> Dataset:
    """OSError, or ValueError, for a folder that `glip scenes` did not write."""
    instances = _read(folder / "instances.json")
    categories: list[dict[str, Any]] = instances["categories"]
    index_of = {one["id"]: index for index, one in enumerate(categories)}
    objects: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for one in instances["annotations"]:
        objects[one["image_id"]].append(one)
    rows = {one["id"]: row for boxes in objects.values() for row, one in enumerate(boxes)}
    sentences: dict[int, list[Sentence]] = defaultdict(list)
    for one in _read(folder / "grounding.json")["images"]:
        phrases = tuple(
            Phrase(each["start"], each["end"], tuple(rows[number] for number in each["annotations"]))
            for each in one["phrases"]
        )
        sentences[one["original_img_id"]].append(Sentence(one["caption"], phrases))
    pictures = tuple(
        Picture(
            one["id"],
            folder / "images" / one["file_name"],
            (one["height"], one["width"]),
            _corners([each["bbox"] for each in objects[one["id"]]]),
            tuple(index_of[each["category_id"]] for each in objects[one["id"]]),
            sentences=tuple(sentences[one["id"]]),
        )
        for one in instances["images"]
    )
    names = tuple(one["name"] for one in categories)
    return Dataset(names, tuple(index_of), pictures, folder / "instances.json")


def _corners(boxes: list[list[float]]) -> Boxes:
    """From `[x, y, width, height]`."""
    array = np.asarray(boxes, np.float32).reshape(-1, 4)
    return np.concatenate([array[:, :2], array[:, :2] + array[:, 2:] - 1], axis=1)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: expected a file of `glip scenes`, got no JSON: {error}") from error
