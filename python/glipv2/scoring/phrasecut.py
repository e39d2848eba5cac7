"""PhraseCut (Wu et al., 2020): masks of phrases, as its own evaluator measures them.

A phrase's mask is that of all objects it speaks of together. The mean IoU weighs phrases alike, the cumulative one by
their pixels; precision at a threshold is the part of phrases whose IoU is above it. A phrase without a prediction is
one with an empty mask.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glipv2.errors import InputError

Bitmap = NDArray[np.bool_]

#: Of precision.
THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class MaskOverlap:
    mean_iou: float
    cumulative_iou: float
    precision: dict[float, float]
    """By threshold."""
    phrases: int


@dataclass(frozen=True)
class PhraseMasks:
    all: MaskOverlap | None
    by_subset: dict[str, MaskOverlap]


class PhraseMaskScorer:
    """Keeps two numbers of each phrase."""

    def __init__(self) -> None:
        self._pixels: dict[str | None, list[tuple[int, int]]] = defaultdict(list)

    def add(self, intersection: int, union: int, subsets: Sequence[str] = ()) -> None:
        """Pixels of a phrase's masks, found and wanted; `subsets`: those the phrase belongs to beside the whole."""
        if not 0 <= intersection <= union:
            raise InputError("intersection", f"0 to {union}, the union", str(intersection))
        for key in (None, *subsets):
            self._pixels[key].append((intersection, union))

    def add_masks(self, found_HW: Bitmap, wanted_HW: Bitmap, subsets: Sequence[str] = ()) -> None:
        if found_HW.shape != wanted_HW.shape:
            raise InputError("found", f"a mask of {list(wanted_HW.shape)}", f"one of {list(found_HW.shape)}")
        self.add(int((found_HW & wanted_HW).sum()), int((found_HW | wanted_HW).sum()), subsets)

    def result(self) -> PhraseMasks:
        subsets = sorted(key for key in self._pixels if key is not None)
        pixels = self._pixels.get(None)
        return PhraseMasks(
            _measured(pixels) if pixels else None, {one: _measured(self._pixels[one]) for one in subsets}
        )


def _measured(pixels: list[tuple[int, int]]) -> MaskOverlap:
    intersections, unions = np.asarray(pixels, np.int64).T
    overlaps = intersections / np.maximum(unions, 1)
    return MaskOverlap(
        mean_iou=float(overlaps.mean()),
        cumulative_iou=float(intersections.sum() / max(1, unions.sum())),
        precision={threshold: float((overlaps > threshold).mean()) for threshold in THRESHOLDS},
        phrases=len(pixels),
    )
