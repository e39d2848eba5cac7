"""What is right and what is wrong of one picture's detections, and in which way.

Kinds of errors are those of TIDE (Bolya et al., 2020), the first that fits: `duplicate` (IoU 0.5 or more with an object
of its category, which a better one has), `box` (0.1 or more with one of its category), `category` (0.5 or more with one
of another category), `background`.

Legend: D detections, the best first; G objects that are no crowds; T IoU thresholds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glipv2.scoring.matching import AREAS_A2, THRESHOLDS_T, Flags, matched

KINDS = ("duplicate", "box", "category", "background")

#: Where a detection is taken for right, and where for one of an object at all.
RIGHT, NEAR = 0.5, 0.1


@dataclass
class Objects:
    """Of a picture."""

    categories: list[int] = field(default_factory=list)
    boxes: list[Sequence[float]] = field(default_factory=list)
    """[x, y, width, height]"""
    crowds: list[tuple[int, Sequence[float]]] = field(default_factory=list)
    """Category and box of what stands for many; what is found in it counts nowhere."""
    measured: Collection[int] | None = None
    """Categories that the annotators looked for; what is found of others counts nowhere. None: all."""
    unsure: Collection[int] = ()
    """Categories of which not all objects are there: none that is found beside them is an error."""


@dataclass(frozen=True)
class Judged:
    rows: list[Mapping[str, Any]]
    """Those that count, in COCO's result format."""
    right_TD: Flags
    ignored_TD: Flags
    """Neither right nor wrong."""
    kinds_D: NDArray[np.int64]
    """Where it is wrong at IoU 0.5: which of KINDS."""
    nearest_D: NDArray[np.int64]
    """The object of which it is a duplicate, a poor box, or another category; -1: none."""
    found_G: Flags
    """At IoU 0.5."""


def judged(objects: Objects, rows: Iterable[Mapping[str, Any]]) -> Judged:
    """`rows`: the picture's, in COCO's result format, in any order."""
    known = objects.measured
    kept = [row for row in rows if known is None or row["category_id"] in known]
    kept.sort(key=lambda row: -float(row["score"]))
    boxes = [row["bbox"] for row in kept]
    categories_D = np.array([row["category_id"] for row in kept], np.int64)
    same_DG = categories_D[:, None] == np.array(objects.categories, np.int64)
    ious_DG = _overlaps(boxes, objects.boxes)
    own_DG, other_DG = np.where(same_DG, ious_DG, 0), np.where(same_DG, 0, ious_DG)
    right_TD = matched(own_DG, np.zeros((len(AREAS_A2), len(objects.boxes)), np.bool_))[0][0]
    excused_DT = _in_crowds(categories_D, boxes, objects)[:, None] >= THRESHOLDS_T
    excused_DT |= np.isin(categories_D, list(objects.unsure))[:, None]
    own_D, other_D = own_DG.max(1, initial=0), other_DG.max(1, initial=0)
    kinds_D = np.select([own_D >= RIGHT, own_D >= NEAR, other_D >= RIGHT], [0, 1, 2], 3)
    nearest_D = np.full(len(kept), -1)
    if objects.boxes:
        nearest_D = np.select([kinds_D < 2, kinds_D == 2], [own_DG.argmax(1), other_DG.argmax(1)], -1)
    return Judged(kept, right_TD, ~right_TD & excused_DT.T, kinds_D, nearest_D, _found(own_DG, right_TD[0]))


def _overlaps(found: Sequence[Sequence[float]], wanted: Sequence[Sequence[float]], crowd: bool = False) -> Any:
    """[D, G]; with a crowd, the part of what is found that lies in it."""
    from pycocotools import mask as coco

    if not found or not wanted:
        return np.zeros((len(found), len(wanted)))
    boxes_D4, boxes_G4 = np.array(found, np.float64), np.array(wanted, np.float64)
    return np.asarray(coco.iou(boxes_D4, boxes_G4, [int(crowd)] * len(wanted)), np.float64)


def _in_crowds(
    categories_D: NDArray[np.int64], boxes: Sequence[Sequence[float]], objects: Objects
) -> NDArray[np.float64]:
    """[D]: the largest part that lies in a crowd of its category."""
    categories_C = np.array([category for category, _ in objects.crowds], np.int64)
    parts_DC = _overlaps(boxes, [box for _, box in objects.crowds], crowd=True)
    inside_D: NDArray[np.float64] = np.where(categories_D[:, None] == categories_C, parts_DC, 0).max(1, initial=0)
    return inside_D


def _found(own_DG: NDArray[np.float64], right_D: Flags) -> Flags:
    """The objects that the right ones have, as `matched` gives them away."""
    found_G = np.zeros(own_DG.shape[1], np.bool_)
    for ious_G in own_DG[right_D]:
        free_G = np.where(found_G, -1, ious_G)
        # Of several as good, the last.
        found_G[len(free_G) - 1 - free_G[::-1].argmax()] = True
    return found_G
