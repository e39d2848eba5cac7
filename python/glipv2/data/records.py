"""Pictures, what is in them, and what is said of them: the same for every format that they are read from.

Legend: M objects of a picture. A box is `[x1, y1, x2, y2]` in pixels of the picture; its last column and row are at x2
and y2, so that COCO's `[x, y, width, height]` is `[x, y, x + width - 1, y + height - 1]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]


@dataclass(frozen=True)
class Mask:
    """An object's pixels, as COCO has them."""

    json: bytes
    """Polygons `[[x, y, x, y, ...], ...]`, or run lengths `{"size": [height, width], "counts": ...}`. It stays JSON
    until it is used: the numbers of a large data set fill a machine's memory."""


@dataclass(frozen=True)
class Phrase:
    start: int
    end: int
    """Exclusive; code points of its sentence."""
    objects: tuple[int, ...]
    """What it speaks of, at least one: rows of the picture's boxes."""


@dataclass(frozen=True)
class Sentence:
    text: str
    phrases: tuple[Phrase, ...]


@dataclass(frozen=True)
class Question:
    sentence: Sentence
    """What is asked; its phrases are those that speak of something in the picture."""

    answers: tuple[str, ...]
    """Right ones, at least one; one that several people gave comes as often."""

    kind: str = ""
    """Such as `count` or `yes/no`, where the data tells."""

    grounded: bool = True
    """Whether all that the question speaks of has boxes. False: nothing is known of it."""


@dataclass(frozen=True)
class Picture:
    id: int
    """The annotations' own where they number their pictures, otherwise counted from 1."""

    file: Path

    size: tuple[int, int]
    """(height, width)."""

    boxes_M4: Boxes

    categories_M: tuple[int, ...] = ()
    """Indices into the data set's names; none at all for captions, whose boxes have phrases instead."""

    masks_M: tuple[Mask | None, ...] | None = None
    """None: no object has one."""

    sentences: Sequence[Sentence] = ()

    absent: tuple[int, ...] | None = None
    """Categories known not to be there; None: all that no box has. Only LVIS, whose annotators looked for some."""

    questions: Sequence[Question] = ()

    captions: Sequence[Sentence] = ()
    """What it is to be told as; without phrases where these are not known."""

    upright: bool = False
    """Its annotations are of the picture as the camera was held; False: `size` tells."""


@dataclass(frozen=True)
class Dataset:
    names: tuple[str, ...]
    """Of the categories, none for captions."""

    category_ids: tuple[int, ...]
    """Of the names, in the annotations."""

    pictures: tuple[Picture, ...]

    annotations: Path | None = None
    """COCO's instances, if that is what was read and nothing of it was left out."""

    answers: tuple[str, ...] = ()
    """What a question is answered by: all that there are, or the most frequent ones, these first."""

    @property
    def masked(self) -> bool:
        """Whether there are objects, and each has a mask, as records have them."""
        return any(len(one.boxes_M4) for one in self.pictures) and all(
            len(one.boxes_M4) == 0 or None not in (one.masks_M or (None,)) for one in self.pictures
        )

    def first(self, count: int | None) -> Dataset:
        """Only so many of its pictures; None: all."""
        return replace(self, pictures=self.pictures[:count])


def inclusive(edges_M4: Boxes, size: tuple[int, int]) -> Boxes:
    """Boxes from their edges within a picture of `size` (height, width): each has at least a column and a row."""
    last_2 = np.asarray([size[1] - 1, size[0] - 1], np.float32)
    first_M2 = np.minimum(edges_M4[:, :2], last_2)
    return np.concatenate([first_M2, np.maximum(edges_M4[:, 2:] - 1, first_M2)], axis=1)
