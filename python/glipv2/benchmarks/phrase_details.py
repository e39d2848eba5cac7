"""Details of a benchmark of phrases: those whose best box is wrong, told at IoU 0.5.

A box is `[x1, y1, x2, y2]` whose right and bottom are where the next pixel would begin.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from glipv2.benchmarks.benchmark import Example
from glipv2.benchmarks.details import Case, Details, Shown
from glipv2.scoring.boxes import boxes_of, overlaps
from glipv2.scoring.judging import NEAR, RIGHT

#: Cases that are shown, one of a picture.
CASES = 12


class Grounded(NamedTuple):
    words: str

    found: Sequence[float] | None
    """The best box; None: there is none."""

    score: float

    wanted: Sequence[Sequence[float]]
    """Any of them is right."""


def phrase_details(pictures: Iterable[tuple[Example, Iterable[Grounded]]]) -> Details | None:
    """`counts`: phrases whose best box is `right`, poor (`box`: IoU 0.1 or more), `elsewhere`, or `none`.
    None: there are no phrases."""
    counts = {"right": 0, "box": 0, "elsewhere": 0, "none": 0}
    worst: list[tuple[float, int, str, Grounded, Example]] = []
    for example, phrases in pictures:
        errors = []
        for one in phrases:
            kind = _kind(one)
            counts[kind] += 1
            if kind in ("box", "elsewhere"):
                errors.append((one.score, -example.key, kind, one, example))
        if errors:
            push = heapq.heappush if len(worst) < CASES else heapq.heappushpop
            push(worst, max(errors, key=lambda error: error[0]))
    if not any(counts.values()):
        return None
    cases = (_case(kind, one, example) for _, _, kind, one, example in sorted(worst, key=lambda error: -error[0]))
    return Details(counts=counts, cases=tuple(cases))


def _kind(one: Grounded) -> str:
    if one.found is None:
        return "none"
    best = overlaps(boxes_of([one.found], "found"), boxes_of(one.wanted, "wanted")).max(initial=0)
    return "right" if best >= RIGHT else "box" if best >= NEAR else "elsewhere"


def _case(kind: str, one: Grounded, example: Example) -> Case:
    size = None if example.size is None else (example.size[1], example.size[0])
    true = [Shown(one.words, tuple(box), "true") for box in one.wanted]
    assert one.found is not None
    shown = (*true, Shown(one.words, tuple(one.found), "wrong", one.score))
    return Case("error", example.key, str(example.file), size, kind, shown)
