"""ROUGE-L (Lin, 2004), as COCO's caption evaluation has it.

How much of a caption and how much of a reference their longest common subsequence of words is: the best of each over
the references, joined with recall weighing BETA² as much as precision.
"""

from __future__ import annotations

from collections.abc import Sequence

from glipv2.scoring.captions.stretches import Words

BETA = 1.2


def rouge_l(found: Sequence[Words], references: Sequence[Sequence[Words]]) -> list[float]:
    """Of each caption, 0 to 1; their mean is a data set's figure."""
    return [_score(caption, several) for caption, several in zip(found, references, strict=True)]


def _score(caption: Words, references: Sequence[Words]) -> float:
    common = [_longest(caption, one) for one in references]
    precision = max(common) / max(1, len(caption))
    recall = max(length / max(1, len(one)) for length, one in zip(common, references, strict=True))
    if not precision or not recall:
        return 0.0
    return (1 + BETA**2) * precision * recall / (recall + BETA**2 * precision)


def _longest(one: Words, other: Words) -> int:
    row = [0] * (len(other) + 1)
    for word in one:
        before = 0
        for place, theirs in enumerate(other, 1):
            before, row[place] = row[place], before + 1 if word == theirs else max(row[place], row[place - 1])
    return row[-1]
