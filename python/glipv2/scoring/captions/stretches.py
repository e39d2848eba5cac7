"""Stretches of words that follow each other, which captions are compared by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

Words = Sequence[str]

Stretch = tuple[str, ...]

#: Words of a stretch, at most.
LONGEST = 4


def stretches(words: Words) -> Counter[Stretch]:
    """How often each is said."""
    return Counter(
        tuple(words[at : at + length]) for length in range(1, LONGEST + 1) for at in range(len(words) - length + 1)
    )
