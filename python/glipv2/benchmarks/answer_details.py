"""Details of a benchmark of answers: wrong ones to questions on which people agree."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from glipv2.benchmarks.benchmark import Example
from glipv2.benchmarks.details import Case, Details
from glipv2.scoring.vqa import accuracy

#: Cases that are shown.
CASES = 12


class Reply(NamedTuple):
    """Of a model."""

    picture: int
    question: str
    answer: str
    people: Sequence[str]


def answer_details(replies: Iterable[Reply], examples: Mapping[int, Example]) -> Details:
    """`counts`: answers that are `right` (as three people or more have them), `partly`, and `wrong`."""
    counts = {"right": 0, "partly": 0, "wrong": 0}
    worst: list[tuple[int, int, Reply]] = []
    for place, one in enumerate(replies):
        value = accuracy(one.answer, one.people)
        counts["right" if value >= 1 else "partly" if value > 0 else "wrong"] += 1
        if value == 0:
            [(_, agreed)] = Counter(one.people).most_common(1)
            push = heapq.heappush if len(worst) < CASES else heapq.heappushpop
            push(worst, (agreed, -place, one))
    cases = (_case(agreed, one, examples[one.picture]) for agreed, _, one in sorted(worst, reverse=True))
    return Details(counts=counts, cases=tuple(cases))


def _case(agreed: int, one: Reply, example: Example) -> Case:
    [(answer, _)] = Counter(one.people).most_common(1)
    text = f"{one.question} {one.answer}, and {agreed} of {len(one.people)} people: {answer}"
    size = None if example.size is None else (example.size[1], example.size[0])
    return Case("picture", example.key, str(example.file), size, text, ())
