"""ODVG: a JSON object a line, of a picture with boxes of categories or of a caption's phrases.

`{"filename", "height", "width", "detection": {"instances": [{"bbox", "label", "category"}]}}`, or
`{..., "grounding": {"caption", "regions": [{"bbox", "phrase", "tokens_positive"}]}}`. A box is `[x1, y1, x2, y2]`, its
edges; a region may have a list of them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from glipv2.data.problems import Problems
from glipv2.data.readers.building import Builder, Entry, Said, Thing, shown
from glipv2.data.readers.coco_file import read_json
from glipv2.data.readers.reading import How, Reading, finished
from glipv2.data.sources import Odvg
from glipv2.text.prompts import clean_name


class _Instance(msgspec.Struct, gc=False):
    bbox: Any = None
    label: Any = None
    category: Any = None


class _Detection(msgspec.Struct, gc=False):
    instances: list[_Instance]


class _Region(msgspec.Struct, gc=False):
    bbox: Any = None
    phrase: Any = None
    tokens_positive: Any = None


class _Grounding(msgspec.Struct, gc=False):
    regions: list[_Region]
    caption: Any = None


class _Line(msgspec.Struct, gc=False):
    filename: str
    height: Any = None
    width: Any = None
    detection: _Detection | None = None
    grounding: _Grounding | None = None


class _Names:
    """Those of the file of labels, or those that the lines have, as they come."""

    def __init__(self, labels: dict[int, str] | None) -> None:
        self.fixed = labels is not None
        self.labels = list(labels or ())
        self.names = list((labels or {}).values())
        self._of_label = {label: place for place, label in enumerate(self.labels)}
        self._of_name = {name: place for place, name in enumerate(self.names)}

    def index(self, one: _Instance) -> int | None:
        if self.fixed:
            label = int(one.label) if isinstance(one.label, str) and one.label.isdigit() else one.label
            return self._of_label.get(label) if type(label) is int else None
        if not isinstance(one.category, str) or not clean_name(one.category):
            return None
        if one.category not in self._of_name:
            self._of_name[one.category] = len(self.names)
            self.names.append(one.category)
            self.labels.append(len(self.names))
        return self._of_name[one.category]


def read_odvg(source: Odvg, how: How) -> Reading:
    """A category's id is its label; without a file of labels they are counted from 1, as the names come."""
    problems = Problems(str(source.annotations))
    builder = Builder(problems, how.decode)
    names = _Names(None if source.labels is None else _labels(source.labels, problems.of(str(source.labels))))
    decoder = msgspec.json.Decoder(_Line)
    try:
        with source.annotations.open("rb") as file:
            for number, text in enumerate(file, 1):
                if not text.strip():
                    continue
                try:
                    line = decoder.decode(text)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    problems.add("invalid_line", f"line {number}", str(error))
                    continue
                builder.add(_entry(line, number, source.images, names, problems))
    except OSError as error:
        problems.add("unreadable_annotations", "", f"it cannot be read: {error.strerror or error}")
    files = (source.annotations,) if source.labels is None else (source.annotations, source.labels)
    return finished(source, builder, names.names, names.labels, files)


def _labels(path: Path, problems: Problems) -> dict[int, str]:
    given = read_json(path, dict[str, Any], problems) or {}
    labels: dict[int, str] = {}
    for label, name in given.items():
        if not label.isdigit() or not isinstance(name, str) or not clean_name(name):
            problems.add("invalid_category", label, f"expected a number and a name, got {shown(name)}")
        elif name in labels.values():
            problems.add("duplicate_category", label, f"{shown(name)} has an earlier label")
        else:
            labels[int(label)] = name
    return labels


def _entry(line: _Line, number: int, images: Path, names: _Names, problems: Problems) -> Entry:
    where = f"line {number}"
    size = None if line.height is None and line.width is None else (line.height, line.width)
    entry = Entry(where, number, images / line.filename, size)
    for place, one in enumerate(line.detection.instances if line.detection else ()):
        at = f"{where}: instances[{place}]"
        index = names.index(one)
        if index is None:
            given = one.label if names.fixed else one.category
            problems.add("unknown_category", at, f"there is no category {shown(given)} to be asked for")
        else:
            entry.things.append(Thing(at, one.bbox, index))
    # A line of categories is no sentence, whatever else it holds.
    if line.grounding is not None and line.detection is None:
        said = [
            _said(region, f"{where}: regions[{place}]", line.grounding.caption, entry.things)
            for place, region in enumerate(line.grounding.regions)
        ]
        entry.sentences.append((line.grounding.caption, said))
    return entry


def _said(region: _Region, where: str, caption: Any, things: list[Thing]) -> Said:
    boxes = region.bbox
    several = isinstance(boxes, list) and bool(boxes) and isinstance(boxes[0], list)
    first = len(things)
    things.extend(Thing(where, box, None) for box in (boxes if several else [boxes]))
    phrases = region.phrase if isinstance(region.phrase, list) else [region.phrase]
    words = " ".join(phrases) if all(isinstance(one, str) for one in phrases) else None
    spans = region.tokens_positive
    if spans is None and words and isinstance(caption, str):
        # Where the format's writer left the place to be found: the phrase's first occurrence.
        found = re.search(rf"(?<!\w){re.escape(words)}(?!\w)", caption, re.IGNORECASE)
        spans = [list(found.span())] if found else None
    return Said(where, spans, tuple(range(first, len(things))), words)
