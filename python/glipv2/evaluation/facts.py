"""What a caption of a scene states, and whether it is so: objects, colours, sizes, counts, places, relations.

Captions are parsed by the words that the split's own captions have. A thing without a known name is a false object. Of
several objects of a name, one for which a statement is true is enough. Positions are those of boxes: what lies near a
border of two places may be called by either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from glipv2.data.records import Dataset, Phrase, Picture

Kind = Literal["object", "color", "size", "count", "place", "relation"]

_NUMERALS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

NUMBERS = {word: number for number, word in enumerate(_NUMERALS, 1)}

_PLACES: Mapping[str, str] = {
    **{f"at the {place}": place for place in ("top left", "top right", "bottom left", "bottom right", "top", "bottom")},
    **{f"on the {place}": place for place in ("left", "right")},
    "in the center": "center",
}
_RELATIONS = ("to the left of", "to the right of", "above", "below", "in front of", "behind")

#: Where places end, as parts of the side; between two, both are true.
_LOW, _MIDDLE = 0.36, 0.31


class Object(NamedTuple):
    category: str
    color: str | None
    size: str
    box: tuple[float, float, float, float]
    """In parts of the picture's sides."""
    depth: int
    """From the back to the front: its row among the picture's boxes."""


@dataclass(frozen=True)
class Fact:
    kind: Kind
    true: bool


class Facts:
    """Of one split."""

    def __init__(self, split: Dataset) -> None:
        """OSError, ValueError: its `scenes.jsonl` cannot be read, or is another's."""
        self._scenes = _scenes(split)
        self._nouns = _nouns(split, self._scenes)
        colors = {one.color for objects in self._scenes.values() for one in objects if one.color is not None}
        self._phrase = re.compile(
            rf"\b(?P<number>a|an|the|{'|'.join(NUMBERS)}) (?:(?P<size>small|large) )?"
            rf"(?:(?P<color>{_either(colors)}) )?(?:(?P<noun>{_either(self._nouns)})\b|(?P<other>\w+))"
        )

    def of(self, caption: str, picture: Picture) -> list[Fact]:
        """Of a caption in lower case. KeyError: a picture of another split."""
        objects, text = self._scenes[picture.id], _shown(caption)
        phrases = self._parsed(text)
        facts: list[Fact] = []
        for nth, phrase in enumerate(phrases):
            meant = self._meant(phrase, objects)
            facts += self._of_phrase(phrase, objects, meant)
            end = phrases[nth + 1].start() if nth + 1 < len(phrases) else len(text)
            after = re.sub(r"^(?:is|are) ", "", " ".join(text[phrase.end() : end].split()))
            place = next((place for words, place in _PLACES.items() if re.match(rf"{words}\b", after)), None)
            relation = next((one for one in _RELATIONS if after == one), None)
            if place is not None:
                facts.append(Fact("place", any(_is_at(place, one) for one in meant)))
            elif relation is not None and nth + 1 < len(phrases):
                others = self._meant(phrases[nth + 1], objects)
                pairs = ((one, other) for one in meant for other in others if one is not other)
                facts.append(Fact("relation", any(_holds(relation, *pair) for pair in pairs)))
        return facts

    def phrases(self, caption: str, picture: Picture) -> list[Phrase]:
        """Those of a caption in lower case that are true, with all objects that they may mean: which one of them, "a
        cat" leaves open. KeyError: a picture of another split."""
        found = []
        for phrase in self._parsed(_shown(caption)):
            meant = self._meant(phrase, self._scenes[picture.id])
            if meant and len(meant) == NUMBERS.get(phrase["number"], len(meant)):
                found.append(Phrase(phrase.start(), phrase.end(), tuple(one.depth for one in meant)))
        return found

    def _parsed(self, text: str) -> list[re.Match[str]]:
        """The phrases of a text without its opening words."""
        # "at the top left" is no phrase, whatever it looks like.
        return [*self._phrase.finditer(_blanked("|".join(map(re.escape, (*_PLACES, *_RELATIONS))), text, "#"))]

    def _meant(self, phrase: re.Match[str], objects: Sequence[Object]) -> list[Object]:
        """The objects that all of the phrase fits."""
        category = self._nouns.get(phrase["noun"] or "")
        return [
            one
            for one in objects
            if one.category == category and phrase["color"] in (None, one.color) and phrase["size"] in (None, one.size)
        ]

    def _of_phrase(self, phrase: re.Match[str], objects: Sequence[Object], meant: Sequence[Object]) -> Iterator[Fact]:
        there = [one for one in objects if one.category == self._nouns.get(phrase["noun"] or "")]
        yield Fact("object", bool(there))
        if phrase["color"] is not None:
            yield Fact("color", any(one.color == phrase["color"] for one in there))
        if phrase["size"] is not None:
            yield Fact("size", bool(meant))
        if phrase["number"] in NUMBERS:
            yield Fact("count", len(meant) == NUMBERS[phrase["number"]])


def _shown(caption: str) -> str:
    """In lower case, spaces in the place of what opens a caption: "a picture" is no thing in it."""
    return _blanked(r"\b(?:there (?:is|are)|a picture of) ", caption.lower(), " ")


def _blanked(pattern: str, text: str, mark: str) -> str:
    """With a mark for each character of what the pattern finds: all places stay what they are."""
    return re.sub(pattern, lambda one: mark * len(one.group()), text)


def _scenes(split: Dataset) -> dict[int, list[Object]]:
    folder = split.pictures[0].file.parent.parent
    lines = (folder / "scenes.jsonl").read_text("utf-8").splitlines()
    by_name = {one["file_name"]: one["objects"] for one in map(json.loads, lines)}
    found = {}
    for picture in split.pictures:
        objects = by_name.get(picture.file.name)
        if objects is None or len(objects) != len(picture.boxes_M4):
            raise ValueError(f"{folder / 'scenes.jsonl'}: expected the objects of {picture.file.name}")
        height, width = picture.size
        boxes = [(x1 / width, y1 / height, x2 / width, y2 / height) for x1, y1, x2, y2 in picture.boxes_M4.tolist()]
        found[picture.id] = [
            Object(one["category"], one.get("color"), one["size"], box, depth)
            for depth, (one, box) in enumerate(zip(objects, boxes, strict=True))
        ]
    return found


def _nouns(split: Dataset, scenes: Mapping[int, Sequence[Object]]) -> dict[str, str]:
    """What categories are called, one and several of them: as they are, and as the captions have it."""
    nouns = {name: name for name in split.names}
    for picture in split.pictures:
        for caption in picture.captions:
            for phrase in caption.phrases:
                meant = scenes[picture.id][phrase.objects[0]]
                words = caption.text[phrase.start : phrase.end].split(" ")[1:]
                if not words:
                    continue
                # The size comes first, then the colour; "large" may also begin a name.
                if words[0] == meant.size and not meant.category.startswith(meant.size):
                    words = words[1:]
                if words[0] == meant.color:
                    words = words[1:]
                nouns[" ".join(words)] = meant.category
    return nouns


def _either(words: Mapping[str, str] | set[str]) -> str:
    """Longer ones first: a name may begin another."""
    return "|".join(re.escape(one) for one in sorted(words, key=len, reverse=True)) or "(?!)"


def _centre(one: Object) -> tuple[float, float]:
    x1, y1, x2, y2 = one.box
    return (x1 + x2) / 2, (y1 + y2) / 2


def _is_at(place: str, one: Object) -> bool:
    x, y = _centre(one)
    words = place.split(" ")
    across = _third(x, "left" in words, "right" in words)
    return across and _third(y, "top" in words, "bottom" in words)


def _third(value: float, low: bool, high: bool) -> bool:
    if low:
        return value < _LOW
    if high:
        return value > 1 - _LOW
    return _MIDDLE < value < 1 - _MIDDLE


def _holds(relation: str, one: Object, other: Object) -> bool:
    (x, y), (other_x, other_y) = _centre(one), _centre(other)
    overlap = all(one.box[at] < other.box[at + 2] and other.box[at] < one.box[at + 2] for at in (0, 1))
    holds: dict[str, Callable[[], bool]] = {
        "to the left of": lambda: x < other_x,
        "to the right of": lambda: x > other_x,
        "above": lambda: y < other_y,
        "below": lambda: y > other_y,
        "in front of": lambda: overlap and one.depth > other.depth,
        "behind": lambda: overlap and one.depth < other.depth,
    }
    return holds[relation]()
