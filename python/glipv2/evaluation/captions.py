"""How good captions are: CIDEr-D, and the part of what they state that is true of the scene.

Beside it stands who tells every picture by the split's commonest caption.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from glipv2.data.records import Dataset
from glipv2.evaluation.cider import cider_d
from glipv2.evaluation.facts import Facts
from glipv2.evaluation.progress import Progress, unheard
from glipv2.model import GLIP
from glipv2.text.spelling import spelled
from glipv2.text.wordpiece import WordPiece
from glipv2.understanding.decoding import Decoding, tell
from glipv2.understanding.looking import opened
from glipv2.understanding.telling import scene

#: Captions are told by beams, as is usual where they are measured.
DECODING = Decoding("beam", beams=4)


@dataclass(frozen=True)
class CaptionMetrics:
    cider: float
    """0 to 10 (often given times 100)."""
    one_caption: float
    """The same of who tells every picture by the split's commonest caption."""
    facts: float
    """Part of all statements that are true."""
    stated: float
    """Statements a caption."""
    by_kind: dict[str, tuple[float, int]]
    """Part that is true, and how many there are."""


def evaluate_captions(
    model: GLIP, split: Dataset, decoding: Decoding = DECODING, progress: Progress = unheard
) -> CaptionMetrics:
    """For a model with `understanding`, on a split of the scenes. OSError, ValueError: as `Facts`."""
    facts = Facts(split)
    told = []
    for done, picture in enumerate(split.pictures, 1):
        with torch.inference_mode():
            looked = opened(model.eval(), picture.file)
            ids = tell(model, scene(model, looked.pyramid, [looked.seen]), decoding).ids
        told.append(spelled(ids, WordPiece.default()))
        progress(done, len(split.pictures))
    return measured_captions(split, facts, told)


def measured_captions(split: Dataset, facts: Facts, told: Sequence[str]) -> CaptionMetrics:
    references = [[one.text for one in picture.captions] for picture in split.pictures]
    [(commonest, _)] = Counter(text for several in references for text in several).most_common(1)
    stated = [one for caption, picture in zip(told, split.pictures, strict=True) for one in facts.of(caption, picture)]
    kinds = sorted({one.kind for one in stated})
    return CaptionMetrics(
        _mean(cider_d(told, references)),
        _mean(cider_d([commonest] * len(told), references)),
        _mean([one.true for one in stated]),
        len(stated) / len(told),
        {
            kind: (_mean([one.true for one in stated if one.kind == kind]), sum(one.kind == kind for one in stated))
            for kind in kinds
        },
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
