"""The folder of Flickr30K Entities as its benchmark reads it: boxes as annotated, phrases with their types."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from glipv2.benchmarks.detection import Wrong
from glipv2.data.problems import Problems
from glipv2.data.readers.building import is_numbers, shown
from glipv2.data.readers.xml_file import read_xml, size_in, thing_box

_PHRASE = re.compile(r"\[/EN#(\d+)((?:/[^\s\]/]+)*)\s+([^\]]*)\]")


class EntityPhrase(NamedTuple):
    entity: str
    types: tuple[str, ...]
    words: str


@dataclass(frozen=True)
class Entities:
    """Of one picture."""

    size: tuple[int, int] | None

    boxes: dict[str, list[list[float]]]
    """Of each entity that has one: `[x1, y1, x2, y2]`, pixels counted from 1, the last ones included."""

    sentences: list[list[EntityPhrase]]


def read_entities(folder: Path, name: str, wrong: Wrong) -> Entities | None:
    """None when something of it cannot be read, which is then told."""
    problems = Problems()
    root = read_xml(folder / "Annotations" / f"{name}.xml", problems)
    file = folder / "Sentences" / f"{name}.txt"
    try:
        lines = [line for line in file.read_text("utf-8").split("\n") if line]
    except (OSError, UnicodeDecodeError) as error:
        problems.add("invalid_picture", str(file), f"it cannot be read: {error}")
        lines = []
    wrong.rows += [(one.kind, one.where, one.reason) for one in problems]
    if root is None or not lines:
        return None
    boxes: dict[str, list[list[float]]] = defaultdict(list)
    for place, one in enumerate(root.findall("object")):
        edges = thing_box(one)
        if edges is None:
            continue
        if not is_numbers(edges, 4):
            where = f"{folder / 'Annotations' / name}.xml: object[{place}]"
            wrong.rows.append(("invalid_box", where, f"expected four numbers, got {shown(edges)}"))
            continue
        left, top, right, bottom = edges
        for entity in one.findall("name"):
            boxes[(entity.text or "").strip()].append([left + 1, top + 1, right, bottom])
    return Entities(size_in(root), dict(boxes), [_phrases(line) for line in lines])


def _phrases(line: str) -> list[EntityPhrase]:
    return [
        EntityPhrase(found.group(1), tuple(found.group(2).split("/")[1:]), " ".join(found.group(3).split()))
        for found in _PHRASE.finditer(line)
    ]
