"""From what a format states to records: checked the same way for every format, each problem found, its record left out.

Legend: M objects of a picture.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import PIL.Image as pil

from glipv2.data import masks
from glipv2.data.problems import Problems
from glipv2.data.records import Mask, Phrase, Picture, Question, Sentence, inclusive

#: A box may reach out of its picture by so many pixels: annotation tools round. It is cut without a word.
EDGE = 1.0

_EXIF_ORIENTATION = 0x0112


class Thing(NamedTuple):
    """An object as a format states it."""

    where: str
    box: Any
    """Edges `[left, top, right, bottom]` in pixels: right and bottom are where the next pixel would begin."""
    category: int | None
    """Index of its name; None: a caption's."""
    mask: Mask | None = None


class Said(NamedTuple):
    """A phrase as a format states it."""

    where: str
    spans: Any
    """`[[start, end], ...]` in code points of its sentence, `end` exclusive."""
    things: tuple[int, ...]
    """Places among the picture's things."""
    words: str | None = None
    """What stands at the spans, where the format repeats it."""


class AskedOf(NamedTuple):
    """A question as a format states it."""

    where: str
    text: Any
    answers: Any
    """A list of texts."""
    phrases: list[Said]
    kind: str
    grounded: bool


@dataclass
class Entry:
    """A picture as a format states it."""

    where: str
    id: Any
    file: Path
    size: tuple[Any, Any] | None = None
    """(height, width); None: what the file says."""
    things: list[Thing] = field(default_factory=list)
    sentences: list[tuple[Any, list[Said]]] = field(default_factory=list)
    """Text and phrases of each."""
    absent: tuple[int, ...] | None = None
    questions: list[AskedOf] = field(default_factory=list)
    captions: list[tuple[str, Any, list[Said]]] = field(default_factory=list)
    """Place, text and phrases of each."""
    upright: bool = False
    """The format has no sizes: `size` is one that the reader found, of the picture as the camera was held."""


class Builder:
    """Takes a data set's entries one by one; `pictures` is what was good of them."""

    def __init__(self, problems: Problems, decode: bool = False, of_sentences: Problems | None = None) -> None:
        """`decode`: every picture is opened and read whole, which takes long. `of_sentences`: where those of sentences
        go, when they are in another file."""
        self.problems = problems
        self._of_sentences = of_sentences if of_sentences is not None else problems
        #: Of questions and captions, whose places name their files.
        self._of_words = problems.of("")
        self.pictures: list[Picture] = []
        self._decode = decode
        self._ids: dict[int, str] = {}
        self._folders: dict[str, set[str]] = {}

    def add(self, entry: Entry) -> None:
        """A picture whose sentences are all left out, and that has no categories, is left out."""
        if not self._is_first(entry):
            return
        size = self._size(entry)
        if size is None:
            return
        rows: dict[int, int] = {}
        boxes: list[tuple[float, float, float, float]] = []
        for place, thing in enumerate(entry.things):
            box = self._box(thing, size)
            if box is not None:
                rows[place] = len(boxes)
                boxes.append(box)
        kept = [entry.things[place] for place in rows]
        categories = tuple(one.category for one in kept if one.category is not None)
        sentences = self._sentences(entry, rows)
        if entry.sentences and not sentences and not categories:
            return
        masks_M = tuple(self._mask(one, size) for one in kept)
        has_masks = any(one is not None for one in masks_M)
        self.pictures.append(
            Picture(
                entry.id,
                entry.file,
                size,
                inclusive(np.asarray(boxes, np.float32).reshape(-1, 4), size),
                categories,
                masks_M if has_masks else None,
                tuple(sentences),
                entry.absent,
                tuple(self._questions(entry, rows)),
                tuple(self._captions(entry, rows)),
                entry.upright or entry.size is None,
            )
        )

    def _is_first(self, entry: Entry) -> bool:
        where = f"{entry.where}.id"
        if type(entry.id) is not int:
            self.problems.add("invalid_picture", where, f"expected an integer, got {shown(entry.id)}")
            return False
        if entry.id in self._ids:
            self.problems.add("duplicate_picture", where, f"{entry.id} is the id of {self._ids[entry.id]} too")
            return False
        self._ids[entry.id] = entry.where
        return True

    def _size(self, entry: Entry) -> tuple[int, int] | None:
        """(height, width), if the picture is there and is what its entry says."""
        if not self._is_there(entry.file):
            self.problems.add("missing_picture", entry.where, f"there is no {entry.file}")
            return None
        if entry.size is not None and not all(type(side) is int and side > 0 for side in entry.size):
            received = " x ".join(shown(side) for side in reversed(entry.size))
            self.problems.add("invalid_picture", entry.where, f"expected width and height in pixels, got {received}")
            return None
        if entry.size is not None and not self._decode:
            return entry.size
        try:
            with pil.open(entry.file) as opened:
                stored, upright = opened.size[::-1], upright_size(opened)
                if self._decode:
                    opened.load()
        except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error, zlib.error, …
            self.problems.add("unreadable_picture", entry.where, f"{entry.file}: {error}")
            return None
        if entry.size not in (None, stored, upright):
            of_file = f"{entry.file} has {stored[1]} x {stored[0]} pixels"
            self.problems.add("wrong_size", entry.where, f"{of_file}, not {entry.size[1]} x {entry.size[0]}")
            return None
        return entry.size or upright

    def _is_there(self, file: Path) -> bool:
        """Folders are listed: asking for 100,000 files one by one takes long."""
        folder, name = os.path.split(file)
        if folder not in self._folders:
            try:
                self._folders[folder] = set(os.listdir(folder or "."))
            except OSError:
                self._folders[folder] = set()
        return name in self._folders[folder]

    def _box(self, thing: Thing, size: tuple[int, int]) -> tuple[float, float, float, float] | None:
        """Its edges within the picture."""
        if not is_numbers(thing.box, 4):
            self.problems.add("invalid_box", thing.where, f"expected four numbers, got {shown(thing.box)}")
            return None
        left, top, right, bottom = thing.box
        height, width = size
        if right <= left or bottom <= top:
            reason = f"it is {right - left:g} pixels wide and {bottom - top:g} high"
            self.problems.add("box_empty", thing.where, reason)
            return None
        cut = (max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height)))
        if cut[2] <= cut[0] or cut[3] <= cut[1]:
            self.problems.add("box_outside", thing.where, _out(thing.box, size))
            return None
        if left < -EDGE or top < -EDGE or right > width + EDGE or bottom > height + EDGE:
            self.problems.add("box_cut", thing.where, _out(thing.box, size))
        return cut

    def _mask(self, thing: Thing, size: tuple[int, int]) -> Mask | None:
        if thing.mask is None:
            return None
        try:
            masks.check(thing.mask, size)
        except ValueError as error:
            self.problems.add("invalid_mask", thing.where, str(error))
            return None
        return thing.mask

    def _sentences(self, entry: Entry, rows: dict[int, int]) -> list[Sentence]:
        """Those that have a phrase left."""
        made = [self._sentence(entry.where, text, said, rows, self._of_sentences) for text, said in entry.sentences]
        return [one for one in made if one is not None and one.phrases]

    def _captions(self, entry: Entry, rows: dict[int, int]) -> list[Sentence]:
        made = [self._sentence(where, text, said, rows, self._of_words) for where, text, said in entry.captions]
        return [one for one in made if one is not None]

    def _questions(self, entry: Entry, rows: dict[int, int]) -> list[Question]:
        questions = []
        for where, text, answers, said, kind, grounded in entry.questions:
            good = (
                isinstance(answers, list) and answers and all(isinstance(one, str) and one.strip() for one in answers)
            )
            if not good:
                self._of_words.add("invalid_question", where, f"expected answers, got {shown(answers)}")
                continue
            sentence = self._sentence(where, text, said, rows, self._of_words)
            if sentence is not None:
                questions.append(Question(sentence, tuple(answers), kind, grounded))
        return questions

    def _sentence(
        self, where: str, text: Any, said: list[Said], rows: dict[int, int], problems: Problems
    ) -> Sentence | None:
        """With the phrases that speak of something."""
        if not isinstance(text, str) or not text.strip():
            problems.add("invalid_sentence", where, f"expected a text, got {shown(text)}")
            return None
        objects: dict[tuple[int, int], dict[int, None]] = defaultdict(dict)
        for one in said:
            for span in _spans(one, text, problems):
                objects[span].update((rows[place], None) for place in one.things if place in rows)
        return Sentence(text, tuple(Phrase(*span, tuple(sorted(of))) for span, of in sorted(objects.items()) if of))


def _spans(said: Said, text: str, problems: Problems) -> list[tuple[int, int]]:
    spans = []
    if not isinstance(said.spans, list) or not said.spans:
        problems.add("span_mismatch", said.where, f"expected [[start, end], ...], got {shown(said.spans)}")
        return []
    for span in said.spans:
        if not isinstance(span, list) or len(span) != 2 or {type(end) for end in span} != {int}:
            problems.add("span_mismatch", said.where, f"expected [start, end], got {shown(span)}")
            continue
        start, end = span
        if not 0 <= start < end <= len(text):
            reason = f"[{start}, {end}] is no part of a sentence of {len(text)} characters"
            problems.add("span_mismatch", said.where, reason)
        elif not text[start:end].strip():
            problems.add("span_mismatch", said.where, f"[{start}, {end}] has no word")
        else:
            spans.append((start, end))
    if said.words is not None and spans:
        found = " ".join(text[start:end] for start, end in spans)
        if found.lower().split() != said.words.lower().split():
            problems.add("span_mismatch", said.where, f"{said.words!r} is said to be at {found!r}")
            return []
    return spans


def is_numbers(value: Any, count: int) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) == count
        and all(type(one) in (int, float) and math.isfinite(one) for one in value)
    )


def edges(bbox: Any) -> Any:
    """From COCO's `[x, y, width, height]`; what is no such thing, as it is."""
    if not is_numbers(bbox, 4):
        return bbox
    x, y, width, height = bbox
    return (x, y, x + width, y + height)


def shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _out(box: Any, size: tuple[int, int]) -> str:
    return f"edges {[round(one, 2) for one in box]} in a picture of {size[1]} x {size[0]} pixels"


def upright_size(opened: pil.Image) -> tuple[int, int]:
    """(height, width) when it is turned as EXIF says."""
    turned = opened.getexif().get(_EXIF_ORIENTATION, 1) in (5, 6, 7, 8)
    return opened.size if turned else opened.size[::-1]
