"""LVIS's annotations as its measure needs them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glipv2.errors import InputError
from glipv2.scoring.matching import AREAS_A2, outside

#: By training pictures: rare, common, frequent.
FREQUENCIES = ("r", "c", "f")


@dataclass(frozen=True)
class LvisObject:
    box: tuple[float, ...]
    """[x, y, width, height]"""
    area: float
    """Of its mask, in pixels."""
    ignored: bool
    segmentation: Any
    """Polygons, or run lengths."""


@dataclass(frozen=True)
class LvisPicture:
    size: tuple[int, int]
    """(height, width)"""
    measured: frozenset[int]
    """Categories it has, or is known not to have."""
    not_exhaustive: frozenset[int]
    objects: dict[int, list[LvisObject]]
    """By category."""


class LvisTruth:
    def __init__(self, dataset: Mapping[str, Any], pictures: Collection[int] | None = None) -> None:
        """`dataset`: the decoded file; `pictures`: those that are measured, all when not given.

        InputError: it lacks what LVIS adds to COCO's form (neg_category_ids, not_exhaustive_category_ids, frequency),
        or has no such picture.
        """
        self.frequencies = dict(_frequencies(dataset["categories"]))
        self.categories: Sequence[int] = sorted(self.frequencies)
        self.pictures = _pictures(dataset, pictures)
        self._counts = {category: np.zeros(len(AREAS_A2), np.int64) for category in self.categories}
        for picture in self.pictures.values():
            for category, objects in picture.objects.items():
                areas = np.array([one.area for one in objects])
                counted = ~outside(areas) & ~np.array([one.ignored for one in objects])
                self._counts[category] += counted.sum(1)

    def objects(self, category: int) -> Sequence[int]:
        """How many count, of each range of areas; the first is all."""
        counts: list[int] = self._counts[category].tolist()
        return counts

    def mask(self, picture: int, one: LvisObject) -> Any:
        """Compressed run lengths, as pycocotools takes them."""
        from pycocotools import mask as coco

        size = self.pictures[picture].size
        if isinstance(one.segmentation, list):
            return coco.merge(coco.frPyObjects(one.segmentation, *size))
        if isinstance(one.segmentation["counts"], list):
            return coco.frPyObjects(one.segmentation, *size)
        return one.segmentation


def _frequencies(categories: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, str]]:
    for place, category in enumerate(categories):
        frequency = category.get("frequency")
        if frequency not in FREQUENCIES:
            raise InputError(f"categories[{place}].frequency", "r, c or f", repr(frequency))
        yield category["id"], frequency


def _pictures(dataset: Mapping[str, Any], chosen: Collection[int] | None) -> dict[int, LvisPicture]:
    objects: dict[int, dict[int, list[LvisObject]]] = {one["id"]: {} for one in dataset["images"]}
    if chosen is not None and not set(chosen) <= objects.keys():
        unknown = min(set(chosen) - objects.keys())
        raise InputError("pictures", "pictures of the annotations", str(unknown))
    for row in dataset["annotations"]:
        one = LvisObject(tuple(row["bbox"]), row["area"], bool(row.get("ignore", 0)), row.get("segmentation"))
        objects[row["image_id"]].setdefault(row["category_id"], []).append(one)
    return {
        one["id"]: _picture(one, place, objects[one["id"]])
        for place, one in enumerate(dataset["images"])
        if chosen is None or one["id"] in chosen
    }


def _picture(row: Mapping[str, Any], place: int, objects: dict[int, list[LvisObject]]) -> LvisPicture:
    for field in ("neg_category_ids", "not_exhaustive_category_ids"):
        if field not in row:
            raise InputError(f"images[{place}].{field}", "a list of categories, as LVIS has it", "none")
    negative = frozenset(row["neg_category_ids"])
    not_exhaustive = frozenset(row["not_exhaustive_category_ids"])
    return LvisPicture((row["height"], row["width"]), negative | objects.keys(), not_exhaustive, objects)
