"""How good captions are: CIDEr-D, the part of what they state that is true of the scene, and whether that is found.

Beside it stands who tells every picture by the split's commonest caption.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from glipv2.data.records import Dataset, Phrase, Picture
from glipv2.evaluation.cider import cider_d
from glipv2.evaluation.facts import Fact, Facts
from glipv2.evaluation.phrases import hit
from glipv2.evaluation.progress import Progress, unheard
from glipv2.model import GLIP
from glipv2.text.prompts import Window
from glipv2.text.spelling import spelled
from glipv2.text.wordpiece import WordPiece
from glipv2.understanding.decoding import Decoding, tell
from glipv2.understanding.grounding import Least, grounded, spoken
from glipv2.understanding.looking import Looked, Scenes, only, opened
from glipv2.understanding.scene import Scene

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
    recall_at_1: float | None
    """Of the phrases that are true of the scene, those whose best box is one of what they may mean; None: none is."""
    by_kind: dict[str, tuple[float, int]]
    """Part that is true, and how many there are."""


class Likeness(NamedTuple):
    """The first two of `CaptionMetrics`."""

    cider: float
    one_caption: float


class Truth(NamedTuple):
    """The two after them."""

    facts: float
    stated: float


def evaluate_captions(
    model: GLIP, split: Dataset, decoding: Decoding = DECODING, progress: Progress = unheard
) -> CaptionMetrics:
    """For a model with `understanding`, on a split of the scenes. OSError, ValueError: as `Facts`."""
    facts, scenes = Facts(split), Scenes(model)
    told: list[str] = []
    hits: list[bool] = []
    for done, picture in enumerate(split.pictures, 1):
        with torch.inference_mode():
            looked = opened(model.eval(), picture)
            told.append(told_of(model, scenes.of(looked), decoding))
            hits += caption_hits(model, looked, told[-1], facts.phrases(told[-1], picture), picture)
        progress(done, len(split.pictures))
    likeness = measured_captions(split.pictures, told)
    stated = statements(facts, split.pictures, told)
    by_kind: dict[str, tuple[float, int]] = {}
    for kind in sorted({one.kind for one in stated}):
        true = [one.true for one in stated if one.kind == kind]
        by_kind[kind] = (_mean(true), len(true))
    return CaptionMetrics(*likeness, *truth(stated, len(told)), _mean(hits) if hits else None, by_kind)


def told_of(model: GLIP, seen: Scene, decoding: Decoding) -> str:
    """The caption of a picture."""
    return spelled(tell(model, seen, decoding).ids, WordPiece.default())


def caption_hits(model: GLIP, looked: Looked, caption: str, phrases: Sequence[Phrase], picture: Picture) -> list[bool]:
    """Whether each phrase of its caption is found, as whoever asks for the caption is shown where things are.

    A phrase is looked for as the noun phrase that has its last word; where the caption has no such one, it is missed.
    """
    if not phrases:
        return []
    asked = spoken(caption, Window(model.config.prompt.max_tokens))
    output = model.read(looked.pyramid, model.encode_text(*only(asked.prompts[0].ids, looked)))
    objects = grounded(model.config.postprocess, looked, output, asked, Least())
    labels = objects.labels_N.tolist()
    hits = []
    for phrase in phrases:
        label = next((at for at, (start, end) in enumerate(asked.spans) if start < phrase.end <= end), None)
        hits.append(label in labels and hit(objects.boxes_N4[labels.index(label)].numpy(), picture, phrase))
    return hits


def measured_captions(pictures: Sequence[Picture], told: Sequence[str]) -> Likeness:
    """`pictures`: each with captions."""
    references = [[one.text for one in picture.captions] for picture in pictures]
    [(commonest, _)] = Counter(text for several in references for text in several).most_common(1)
    return Likeness(_mean(cider_d(told, references)), _mean(cider_d([commonest] * len(told), references)))


def statements(facts: Facts, pictures: Sequence[Picture], told: Sequence[str]) -> list[Fact]:
    return [one for caption, picture in zip(told, pictures, strict=True) for one in facts.of(caption, picture)]


def truth(stated: Sequence[Fact], captions: int) -> Truth:
    """`captions`: how many have stated it."""
    return Truth(_mean([one.true for one in stated]), len(stated) / captions)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
