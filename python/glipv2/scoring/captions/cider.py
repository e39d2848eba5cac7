"""CIDEr and CIDEr-D (Vedantam et al., 2015): what a caption shares with those that people gave, rare words first.

Stretches of one to four words are weighed by how few pictures' references have them, and compared by the cosine; the
mean over lengths and references, times ten. CIDEr-D, which COCO's caption evaluation calls CIDEr, counts what a caption
says more often than its reference no more than the reference does, and lowers captions of another length.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from glipv2.scoring.captions.stretches import LONGEST, Stretch, Words, stretches

#: Of the Gaussian by which captions of another length lose.
SIGMA = 6.0

#: What a caption has that is its only reference.
MOST = 10


def cider_d(found: Sequence[Words], references: Sequence[Sequence[Words]]) -> list[float]:
    """Of each picture's caption, 0 to 10; their mean is a data set's figure. `references`: at least one for each."""
    return _scores(found, references, damped=True)


def cider(found: Sequence[Words], references: Sequence[Sequence[Words]]) -> list[float]:
    """As `cider_d`, without what the D stands for."""
    return _scores(found, references, damped=False)


def _scores(found: Sequence[Words], references: Sequence[Sequence[Words]], damped: bool) -> list[float]:
    counts = [[stretches(one) for one in several] for several in references]
    pictures: Counter[Stretch] = Counter()
    for several in counts:
        pictures.update({stretch for one in several for stretch in one})
    most = math.log(max(1, len(references)))
    weigh = {stretch: most - math.log(count) for stretch, count in pictures.items()}
    scores = []
    for caption, several in zip(found, counts, strict=True):
        mine = _Vectors(stretches(caption), weigh, most)
        alike = [_alike(mine, _Vectors(one, weigh, most), damped) for one in several]
        scores.append(MOST * sum(alike) / len(alike))
    return scores


class _Vectors:
    """A caption by the lengths of its stretches. `unseen`: what one weighs that no picture has."""

    def __init__(self, counts: Counter[Stretch], weigh: dict[Stretch, float], unseen: float) -> None:
        self.values: list[dict[Stretch, float]] = [{} for _ in range(LONGEST)]
        squares = [0.0] * LONGEST
        #: As in the reference code, of the pairs of words.
        self.length = 0
        for stretch, count in counts.items():
            place = len(stretch) - 1
            value = count * weigh.get(stretch, unseen)
            self.values[place][stretch] = value
            squares[place] += value**2
            self.length += count if place == 1 else 0
        self.norms = [math.sqrt(one) for one in squares]


def _alike(mine: _Vectors, theirs: _Vectors, damped: bool) -> float:
    """0 to 1."""
    penalty = math.exp(-((mine.length - theirs.length) ** 2) / (2 * SIGMA**2)) if damped else 1.0
    total = 0.0
    for place in range(LONGEST):
        norm = mine.norms[place] * theirs.norms[place]
        if norm:
            wanted = theirs.values[place]
            total += (
                sum(
                    (min(value, wanted[one]) if damped else value) * wanted[one]
                    for one, value in mine.values[place].items()
                    if one in wanted
                )
                / norm
            )
    return penalty * total / LONGEST
