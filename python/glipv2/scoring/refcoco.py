"""RefCOCO, RefCOCO+ and RefCOCOg (Yu et al., 2016; Mao et al., 2016): how often the best box is the one that is meant.

An expression is understood when the IoU of its best box with the annotated one is 0.5 or more; at k, when one of its k
best boxes has it. Beside the field's IoU stands GIoU, never more than it, by which MDETR's evaluator counts (Kamath et
al., 2021): compare with its numbers by that.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from glipv2.scoring.boxes import boxes_of, generalized_overlaps, overlaps

#: The least overlap of an expression that is understood.
UNDERSTOOD = 0.5

_DEPTHS = (1, 5, 10)


@dataclass(frozen=True)
class Understood:
    accuracy: float
    """Of the best box: the benchmark's figure."""
    at5: float
    at10: float
    expressions: int


class ReferringScorer:
    """Counts expression by expression."""

    def __init__(self, generalized: bool = False) -> None:
        """`generalized`: GIoU in place of IoU."""
        self._overlaps = generalized_overlaps if generalized else overlaps
        self._expressions: Counter[str] = Counter()
        self._understood: dict[int, Counter[str]] = {depth: Counter() for depth in _DEPTHS}

    def add(self, split: str, found: ArrayLike, wanted: ArrayLike) -> None:
        """`split`: such as `refcoco/testA`; `found`: [N, 4], the best first; `wanted`: [4]."""
        wanted_14 = boxes_of(np.reshape(np.asarray(wanted, np.float64), (1, -1)), "wanted")
        overlap_N = self._overlaps(boxes_of(found, "found"), wanted_14)[:, 0]
        self._expressions[split] += 1
        for depth, counts in self._understood.items():
            counts[split] += bool((overlap_N[:depth] >= UNDERSTOOD).any())

    def result(self) -> dict[str, Understood]:
        """By split."""
        return {split: self._of(split) for split in sorted(self._expressions)}

    def _of(self, split: str) -> Understood:
        count = self._expressions[split]
        at1, at5, at10 = (self._understood[depth][split] / count for depth in _DEPTHS)
        return Understood(at1, at5, at10, count)
