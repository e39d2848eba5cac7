"""CIDEr-D (Vedantam et al., 2015): how much a caption has in common with those that people gave, rare words first.

As the reference code has it: stretches of one to four words, weighed by how few pictures have them; what a caption says
more often than its reference counts no more; captions of another length lose. Words are runs of letters and digits, in
lower case.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

#: Words of a stretch, at most.
LONGEST = 4

#: Of the Gaussian by which captions of another length lose.
SIGMA = 6.0

#: What a caption has that is its only reference.
MOST = 10

Stretch = tuple[str, ...]


def cider_d(found: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    """Of each picture's caption, 0 to 10; their mean is a data set's figure. `references`: at least one for each."""
    counts = [[_counts(one) for one in several] for several in references]
    pictures: Counter[Stretch] = Counter()
    for several in counts:
        pictures.update({stretch for one in several for stretch in one})
    most = math.log(max(1, len(references)))
    weigh = {stretch: most - math.log(count) for stretch, count in pictures.items()}
    scores = []
    for caption, several in zip(found, counts, strict=True):
        mine = _vectors(_counts(caption), weigh, most)
        alike = [_alike(mine, _vectors(one, weigh, most)) for one in several]
        scores.append(MOST * sum(alike) / len(alike))
    return scores


def _counts(text: str) -> Counter[Stretch]:
    words = re.findall(r"\w+", text.lower())
    return Counter(
        tuple(words[at : at + length]) for length in range(1, LONGEST + 1) for at in range(len(words) - length + 1)
    )


class _Vectors:
    """A caption by the lengths of its stretches."""

    def __init__(self) -> None:
        self.values: list[dict[Stretch, float]] = [{} for _ in range(LONGEST)]
        self.norms = [0.0] * LONGEST
        #: As in the reference code, of the pairs of words.
        self.length = 0


def _vectors(counts: Counter[Stretch], weigh: dict[Stretch, float], unseen: float) -> _Vectors:
    vectors = _Vectors()
    for stretch, count in counts.items():
        place = len(stretch) - 1
        value = count * weigh.get(stretch, unseen)
        vectors.values[place][stretch] = value
        vectors.norms[place] += value**2
        vectors.length += count if place == 1 else 0
    vectors.norms = [math.sqrt(one) for one in vectors.norms]
    return vectors


def _alike(mine: _Vectors, theirs: _Vectors) -> float:
    """0 to 1."""
    penalty = math.exp(-((mine.length - theirs.length) ** 2) / (2 * SIGMA**2))
    total = 0.0
    for place in range(LONGEST):
        norm = mine.norms[place] * theirs.norms[place]
        if norm:
            wanted = theirs.values[place]
            shared = sum(
                min(value, wanted.get(one, 0.0)) * wanted.get(one, 0.0) for one, value in mine.values[place].items()
            )
            total += shared / norm
    return penalty * total / LONGEST
