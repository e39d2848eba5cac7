"""One picture of a batch: how it is seen, what is asked of it, and what is to be found in it.

A sample is planned first, which reads no pixel: every process plans the whole batch and fetches the pixels of its part.

Legend: M boxes, K phrases of a text. Sizes are (height, width).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glipv2.data.asking import Asking, Step, Text, text_of
from glipv2.data.augment import Augmentation, View, drawn, whole
from glipv2.data.pixels import Pixels, masks_of, open_picture, pixels_of
from glipv2.data.records import Boxes, Dataset, Picture
from glipv2.text.wordpiece import WordPiece


class Plan(NamedTuple):
    """A sample without its pixels."""

    picture: Picture

    view: View

    text: Text

    rows_M: tuple[int, ...]
    """The boxes: rows of the picture's."""

    boxes_M4: Boxes
    """In pixels of what the network sees."""

    phrases_M: tuple[tuple[int, ...], ...]
    """Which of the text's phrases speak of each box."""


class Sample(NamedTuple):
    plan: Plan

    pixels: Pixels
    """[H, W, 3], RGB."""

    masks_MHW: NDArray[np.bool_] | None
    """None: they were not asked for."""


def plan(
    dataset: Dataset,
    picture: Picture,
    step: Step,
    asking: Asking,
    tokenizer: WordPiece,
    sides: tuple[int, int],
    augmentation: Augmentation | None,
    rng: np.random.Generator,
) -> Plan:
    """`sides`: the short side that the network sees, and the longest that the other may have."""
    text = text_of(dataset, picture, asking, step, tokenizer, rng)
    unmoved = whole(picture.size, *sides)
    if augmentation is None:
        return _seen(picture, unmoved, text)
    caption = None in text.names_K or text.kind != "boxes"
    view = drawn(unmoved, text.truth, caption, augmentation, rng)
    if not text.grounded:
        # Nobody knows what of it would be lost.
        return _seen(picture, view._replace(window=unmoved.window), text)
    planned = _seen(picture, view, text)
    if caption and len(planned.rows_M) < len(text.rows_M):
        # A sentence speaks of its objects whether they are in view or not; of a category that is not, nothing is said.
        planned = _seen(picture, view._replace(window=unmoved.window), text)
    return planned


def fetch(planned: Plan, masks: bool = False) -> Sample:
    """OSError, InputError: the picture cannot be read, or is of another size than its annotations say."""
    picture, view = planned.picture, planned.view
    pixels = pixels_of(view, open_picture(picture))
    if not masks:
        return Sample(planned, pixels, None)
    given = picture.masks_M or (None,) * len(picture.boxes_M4)
    return Sample(planned, pixels, masks_of(view, [given[row] for row in planned.rows_M]))


def _seen(picture: Picture, view: View, text: Text) -> Plan:
    boxes_M4, kept_M = view.boxes(picture.boxes_M4[list(text.rows_M)])
    kept = np.flatnonzero(kept_M).tolist()
    rows_M = tuple(text.rows_M[place] for place in kept)
    return Plan(picture, view, text, rows_M, boxes_M4[kept], tuple(text.phrases_M[place] for place in kept))
