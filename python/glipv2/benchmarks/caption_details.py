"""Details of a benchmark of captions: those that are least like people's, by CIDEr-D."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from glipv2.benchmarks.benchmark import Example
from glipv2.benchmarks.details import Case, Details
from glipv2.scoring.captions.scores import cider_of_each

#: Cases that are shown.
CASES = 12

#: CIDEr-D from which a caption counts as like people's, and below which it is unlike them.
LIKE, UNLIKE = 1.0, 0.1


def caption_details(
    found: Mapping[int, str], references: Mapping[int, Sequence[str]], examples: Mapping[int, Example]
) -> Details:
    """`counts`: captions that are `like` people's, `partly`, and `unlike`. Each mapping is by picture."""
    scores = cider_of_each(found, {key: references[key] for key in found})
    counts = {"like": 0, "partly": 0, "unlike": 0}
    for score in scores.values():
        counts["like" if score >= LIKE else "partly" if score >= UNLIKE else "unlike"] += 1
    worst = sorted((key for key, score in scores.items() if score < LIKE), key=lambda key: (scores[key], key))
    cases = (_case(found[key], references[key], scores[key], examples[key]) for key in worst[:CASES])
    return Details(counts=counts, cases=tuple(cases))


def _case(told: str, people: Sequence[str], score: float, example: Example) -> Case:
    text = f"{told} (CIDEr-D {score:.2f}); people: {people[0]}"
    size = None if example.size is None else (example.size[1], example.size[0])
    return Case("picture", example.key, str(example.file), size, text, ())
