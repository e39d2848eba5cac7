"""Flickr30k Entities: `Sentences/ID.txt` with five sentences a picture, `Annotations/ID.xml` with the boxes.

A sentence is `[/EN#12/people Two men] in [/EN#13/scene a park] .`; number 12 stands in the boxes' file, for as many
boxes as it has, or as something without a box. Pixels are counted from 1 there, the last one included.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree.ElementTree import Element

from glipv2.data.problems import Problems
from glipv2.data.readers.building import Builder, Entry, Said, Thing
from glipv2.data.readers.lists import numbered, read_list
from glipv2.data.readers.reading import How, Reading, finished
from glipv2.data.readers.xml_file import read_xml, size_in, thing_box
from glipv2.data.sources import Flickr30k

_PHRASE = re.compile(r"\[/EN#(\d+)(?:/[^\s\]]*)?\s+([^\]]*)\]")

#: The entity of what is nothing to be seen ("the day").
_NOT_VISUAL = "0"


def read_flickr30k(source: Flickr30k, how: How) -> Reading:
    annotations, sentences = source.entities / "Annotations", source.entities / "Sentences"
    problems = Problems()
    builder = Builder(problems, how.decode)
    names = read_list(source.split, annotations, ".xml", problems)
    files = []
    for number, name in numbered(names):
        file = annotations / f"{name}.xml"
        files += [file, sentences / f"{name}.txt"]
        root = read_xml(file, problems)
        lines = _lines(files[-1], problems)
        if root is None or lines is None:
            continue
        entry = Entry(str(file), number, source.images / f"{name}.jpg", size_in(root))
        places = _things(root, entry)
        entry.sentences += [_sentence(line, f"{files[-1]}: line {at}", places, problems) for at, line in lines]
        builder.add(entry)
    return finished(source, builder, (), (), files if source.split is None else [source.split, *files])


def _lines(file: Path, problems: Problems) -> list[tuple[int, str]] | None:
    try:
        return [(at, line) for at, line in enumerate(file.read_text("utf-8").split("\n"), 1) if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        problems.add("invalid_picture", str(file), f"it cannot be read: {error}")
    return None


def _things(root: Element, entry: Entry) -> dict[str, list[int]]:
    """Places of each entity's boxes; of one without a box, none."""
    places: dict[str, list[int]] = {}
    for nth, one in enumerate(root.findall("object")):
        box = thing_box(one)
        for name in one.findall("name"):
            mine = places.setdefault((name.text or "").strip(), [])
            if box is not None:
                mine.append(len(entry.things))
        if box is not None:
            entry.things.append(Thing(f"{entry.where}: object[{nth}]", box, None))
    return places


def _sentence(line: str, where: str, places: dict[str, list[int]], problems: Problems) -> tuple[str, list[Said]]:
    text, end = "", 0
    said: list[Said] = []
    for found in _PHRASE.finditer(line):
        entity, phrase = found.group(1), " ".join(found.group(2).split())
        text += line[end : found.start()]
        end = found.end()
        start, text = len(text), text + phrase
        if entity in places:
            if places[entity]:
                said.append(Said(where, [[start, len(text)]], tuple(places[entity])))
        elif entity != _NOT_VISUAL:
            problems.add("unknown_object", where, f"{phrase!r} is entity {entity}, which the boxes' file does not have")
    text += line[end:]
    if "[/EN#" in text:
        problems.add("invalid_sentence", where, "a phrase is not closed by ]")
        return text, []
    return text.rstrip(), said
