"""BLEU (Papineni et al., 2002) of a whole set of captions, as COCO's caption evaluation has it.

The precision of stretches of one to n words, each counted no more often than the reference that has it most; the
geometric mean of 1 to n; shorter captions than their references lose. The length that a caption is held against is the
closest of its references', the shorter of two as close.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from glipv2.scoring.captions.stretches import LONGEST, Words, stretches

#: As the reference code has them: no caption divides by zero, and one without a hit is near 0, not undefined.
_SMALL = 1e-9
_TINY = 1e-15


def bleu(found: Sequence[Words], references: Sequence[Sequence[Words]]) -> tuple[float, ...]:
    """BLEU-1 to BLEU-4, 0 to 1. `references`: of each caption, at least one."""
    hits, tries = [0] * LONGEST, [0] * LONGEST
    length = wanted = 0
    for caption, several in zip(found, references, strict=True):
        length += len(caption)
        wanted += min((abs(len(one) - len(caption)), len(one)) for one in several)[1]
        for place in range(LONGEST):
            tries[place] += max(0, len(caption) - place)
        most = [stretches(one) for one in several]
        for stretch, count in stretches(caption).items():
            hits[len(stretch) - 1] += min(count, max(one[stretch] for one in most))
    ratio = (length + _TINY) / (wanted + _SMALL)
    penalty = math.exp(1 - 1 / ratio) if ratio < 1 else 1.0
    product, scores = 1.0, []
    for place in range(LONGEST):
        product *= (hits[place] + _TINY) / (tries[place] + _SMALL)
        scores.append(product ** (1 / (place + 1)) * penalty)
    return tuple(scores)
