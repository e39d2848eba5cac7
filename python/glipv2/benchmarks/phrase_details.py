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


class Judged(NamedTuple):
    kind: str
    """Of `KINDS`."""

    score: float
    """How sure the model is of it; only of what it found."""

    shown: tuple[Shown, ...]


#: What a phrase is, in the order in which they are counted.
KINDS = ("right", "box", "elsewhere", "none")


def phrase_details(pictures: Iterable[tuple[Example, Iterable[Grounded]]]) -> Details | None:
    """`counts`: phrases whose best box is `right`, poor (`box`: IoU 0.1 or more), `elsewhere`, or `none`.
    None: there are no phrases."""
    return judged_details((example, map(_judged, phrases)) for example, phrases in pictures)


def judged_details(pictures: Iterable[tuple[Example, Iterable[Judged]]]) -> Details | None:
    """The cases are the surest error of each picture. None: there are no phrases."""
    counts = dict.fromkeys(KINDS, 0)
    worst: list[tuple[float, int, Judged, Example]] = []
    for example, phrases in pictures:
        errors = []
        for one in phrases:
            counts[one.kind] += 1
            if one.kind in ("box", "elsewhere"):
                errors.append((one.score, -example.key, one, example))
        if errors:
            push = heapq.heappush if len(worst) < CASES else heapq.heappushpop
            push(worst, max(errors, key=lambda error: error[0]))
    if not any(counts.values()):
        return None
    cases = (_case(one, example) for _, _, one, example in sorted(worst, key=lambda error: -error[0]))
    return Details(counts=counts, cases=tuple(cases))


def kind_of(overlap: float) -> str:
    """Of what was found."""
    return "right" if overlap >= RIGHT else "box" if overlap >= NEAR else "elsewhere"


def _judged(one: Grounded) -> Judged:
    true = tuple(Shown(one.words, tuple(box), "true") for box in one.wanted)
    if one.found is None:
        return Judged("none", one.score, true)
    best = overlaps(boxes_of([one.found], "found"), boxes_of(one.wanted, "wanted")).max(initial=0)
    return Judged(kind_of(best), one.score, (*true, Shown(one.words, tuple(one.found), "wrong", one.score)))


def _case(one: Judged, example: Example) -> Case:
    size = None if example.size is None else (example.size[1], example.size[0])
    return Case("error", example.key, str(example.file), size, one.kind, one.shown)
