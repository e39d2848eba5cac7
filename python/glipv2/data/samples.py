"""What a model is asked of a picture in training: a list of categories, or a sentence.

Everything is drawn from a generator that the caller seeds: the same step asks the same, after a resumption too.

Legend: M boxes, K phrases of a text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import PIL.Image as pil
from numpy.typing import NDArray

from glipv2.data.records import Boxes, Picture

Pixels = NDArray[np.uint8]
Span = tuple[int, int]

SEPARATOR = ". "

#: Smallest side of a box that is asked for after a picture was moved and cut, in pixels ...
LEAST_SIDE = 6.0
#: ... and the least part of its area that must be left.
LEAST_PART = 0.4

_DIRECTIONS = re.compile(r"\b(left|right)\b")
_PLACES = re.compile(r"\b(left|right|top|bottom|middle|center|large|small|above|below|behind)\b")


@dataclass(frozen=True)
class Sample:
    pixels: Pixels
    """[H, W, 3], RGB."""
    text: str
    names_K: tuple[str | None, ...]
    """Of each phrase's category; None for a caption's phrase."""
    spans_K: Sequence[Span]
    """Where the phrases stand in the text."""
    boxes_M4: Boxes
    phrases_M: tuple[tuple[int, ...], ...]
    """Which of the phrases speak of each box."""


def category_sample(
    picture: Picture, names: Sequence[str], count: int, rng: np.random.Generator, augment: bool = True
) -> Sample:
    """Asks for `count` categories, as in detection: those of the picture first, then others that it lacks."""
    present = list(dict.fromkeys(picture.categories_M))
    rng.shuffle(present)
    present = present[:count]
    absent = [index for index in rng.permutation(len(names)).tolist() if index not in picture.categories_M]
    asked = [*present, *absent[: count - len(present)]]
    rng.shuffle(asked)
    text, spans = "", []
    for index in asked:
        text += SEPARATOR if text else ""
        spans.append((len(text), len(text) + len(names[index])))
        text += names[index]
    place_of = {category: (place,) for place, category in enumerate(asked)}
    rows = [row for row, category in enumerate(picture.categories_M) if category in place_of]
    phrases_M = tuple(place_of[picture.categories_M[row]] for row in rows)
    words = tuple(names[index] for index in asked)
    sample = Sample(_read(picture), text, words, spans, picture.boxes_M4[rows], phrases_M)
    return _moved(_flipped(sample, rng), rng) if augment else sample


def sentence_sample(picture: Picture, rng: np.random.Generator, augment: bool = True) -> Sample:
    """Asks for what one of the picture's sentences speaks of."""
    sentence = picture.sentences[rng.integers(len(picture.sentences))]
    phrases: dict[int, tuple[int, ...]] = {}
    for place, phrase in enumerate(sentence.phrases):
        for row in phrase.objects:
            phrases[row] = (*phrases.get(row, ()), place)
    rows = sorted(phrases)
    spans = [(phrase.start, phrase.end) for phrase in sentence.phrases]
    phrases_M = tuple(phrases[row] for row in rows)
    none = (None,) * len(spans)
    sample = Sample(_read(picture), sentence.text, none, spans, picture.boxes_M4[rows], phrases_M)
    if not augment:
        return sample
    if not _DIRECTIONS.search(sentence.text):
        sample = _flipped(sample, rng)
    return sample if _PLACES.search(sentence.text) else _moved(sample, rng)


def _read(picture: Picture) -> Pixels:
    with pil.open(picture.file) as opened:
        return np.asarray(opened.convert("RGB"))


def _flipped(sample: Sample, rng: np.random.Generator) -> Sample:
    """Every second time, left and right change places."""
    if rng.random() < 0.5:
        return sample
    last = sample.pixels.shape[1] - 1
    boxes_M4 = sample.boxes_M4[:, [2, 1, 0, 3]] * _pixels([-1, 1, -1, 1]) + _pixels([last, 0, last, 0])
    return replace(sample, pixels=np.ascontiguousarray(sample.pixels[:, ::-1]), boxes_M4=boxes_M4)


def _moved(sample: Sample, rng: np.random.Generator) -> Sample:
    """Every second time, larger or smaller by up to a quarter and shifted; what is outside then is cut off.

    A box of which too little is left is not asked for any more; of what is left of its object nothing is said.
    """
    if rng.random() < 0.5:
        return sample
    height, width = sample.pixels.shape[:2]
    scale = float(np.exp(rng.uniform(np.log(0.8), np.log(1.25))))
    left, top = rng.uniform(0, 1, 2) * (np.array([width, height]) * (scale - 1))
    # pil's affine transform leads from the new picture's places to the old one's.
    matrix = (1 / scale, 0, left / scale, 0, 1 / scale, top / scale)
    moved = pil.fromarray(sample.pixels).transform(
        (width, height), pil.Transform.AFFINE, matrix, pil.Resampling.BILINEAR, fillcolor=(124, 116, 104)
    )
    shift = _pixels([left, top, left, top])
    whole_M4 = (sample.boxes_M4 + _pixels([0, 0, 1, 1])) * np.float32(scale) - shift
    cut_M4 = np.clip(whole_M4, 0, _pixels([width, height, width, height]))
    sides_M2 = cut_M4[:, 2:] - cut_M4[:, :2]
    part_M = sides_M2.prod(axis=1) / (whole_M4[:, 2:] - whole_M4[:, :2]).prod(axis=1)
    kept = np.flatnonzero((sides_M2.min(axis=1) >= LEAST_SIDE) & (part_M >= LEAST_PART))
    boxes_M4 = cut_M4[kept] - _pixels([0, 0, 1, 1])
    phrases_M = tuple(sample.phrases_M[row] for row in kept.tolist())
    return replace(sample, pixels=np.asarray(moved), boxes_M4=boxes_M4, phrases_M=phrases_M)


def _pixels(values: Sequence[float]) -> Boxes:
    return np.asarray(values, np.float32)
