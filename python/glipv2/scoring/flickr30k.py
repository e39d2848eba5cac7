"""Flickr30K Entities (Plummer et al., 2015): the recall of phrases, as MDETR's evaluator has it (Kamath et al., 2021).

A phrase is found at k when one of its k best boxes has an IoU of 0.5 or more with a box that it speaks of; the upper
bound takes all of its boxes. ANY-BOX asks for any of the phrase's boxes, MERGED-BOXES for the smallest box around them
all. A phrase counts for each of its types, and once overall; one without a box, such as those of the whole scene or of
what is not to be seen, counts nowhere.

Legend: N boxes found, M boxes wanted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from numpy.typing import ArrayLike

from glipv2.errors import InputError
from glipv2.scoring.boxes import around, boxes_of, overlaps

Protocol = Literal["any", "merged"]

#: The least IoU of a phrase that is found.
FOUND = 0.5

#: How many boxes are looked at; None: all.
_DEPTHS: tuple[int | None, ...] = (1, 5, 10, None)


@dataclass(frozen=True)
class Recall:
    at1: float
    at5: float
    at10: float
    upper_bound: float
    phrases: int


@dataclass(frozen=True)
class PhraseRecall:
    all: Recall | None
    by_type: dict[str, Recall]
    """Of the data set's types, such as people, clothing, vehicles."""
    left_out: int
    """Phrases without a box."""


class PhraseRecaller:
    """Counts phrase by phrase; keeps no box."""

    def __init__(self, protocol: Protocol = "any") -> None:
        if protocol not in ("any", "merged"):
            raise InputError("protocol", "any or merged", repr(protocol))
        self._merged = protocol == "merged"
        self._phrases: Counter[str | None] = Counter()
        self._found: dict[int | None, Counter[str | None]] = {depth: Counter() for depth in _DEPTHS}
        self._left_out = 0

    def add(self, types: Sequence[str], found: ArrayLike, wanted: ArrayLike) -> None:
        """`found`: [N, 4], the best first; `wanted`: [M, 4], as annotated. No box found is a phrase not found."""
        found_N4, wanted_M4 = boxes_of(found, "found"), boxes_of(wanted, "wanted")
        if not len(wanted_M4):
            self._left_out += 1
            return
        best_N = overlaps(found_N4, around(wanted_M4) if self._merged else wanted_M4).max(1)
        # None stands for all phrases, beside the types' names.
        keys = (None, *types)
        self._phrases.update(keys)
        for depth, counts in self._found.items():
            if (best_N[:depth] >= FOUND).any():
                counts.update(keys)

    def result(self) -> PhraseRecall:
        types = sorted(key for key in self._phrases if key is not None)
        return PhraseRecall(
            self._recall(None) if self._phrases else None, {one: self._recall(one) for one in types}, self._left_out
        )

    def _recall(self, key: str | None) -> Recall:
        count = self._phrases[key]
        at1, at5, at10, upper_bound = (self._found[depth][key] / count for depth in _DEPTHS)
        return Recall(at1, at5, at10, upper_bound, count)
