"""A split of the built-in scenes: COCO's instances, and sentences whose phrases name annotations of theirs."""

from __future__ import annotations

from typing import Any

import msgspec

from glipv2.data.problems import Problems
from glipv2.data.readers.building import Builder, Entry, Said
from glipv2.data.readers.coco_file import (
    CocoFile,
    annotations_of,
    categories_of,
    category_of,
    read_json,
    size_of,
    thing_of,
)
from glipv2.data.readers.reading import How, Reading, finished
from glipv2.data.sources import Scenes


class _Phrase(msgspec.Struct, gc=False):
    start: int
    end: int
    text: str
    annotations: list[int]


class _Sentence(msgspec.Struct, gc=False):
    caption: str
    original_img_id: int
    phrases: list[_Phrase]


class _Sentences(msgspec.Struct, gc=False):
    images: list[_Sentence]


def read_scenes(source: Scenes, how: How) -> Reading:
    instances, grounding = source.folder / "instances.json", source.folder / "grounding.json"
    problems = Problems(str(instances))
    of_sentences = problems.of(str(grounding))
    builder = Builder(problems, how.decode, of_sentences)
    file, sentences = read_json(instances, CocoFile, problems), read_json(grounding, _Sentences, of_sentences)
    if file is None or sentences is None:
        return finished(source, builder, (), (), (instances, grounding))
    categories = categories_of(file.categories, problems)
    annotations = annotations_of(file, problems)
    entries: dict[Any, Entry] = {}
    places: dict[Any, tuple[Any, int]] = {}
    for place, row in enumerate(file.images):
        entry = Entry(f"images[{place}]", row.id, source.folder / "images" / str(row.file_name), size_of(row))
        for where, one in annotations.get(row.id, ()):
            category = category_of(categories, one.category_id, where, problems)
            if category is not None:
                places[one.id] = (row.id, len(entry.things))
                entry.things.append(thing_of(one, where, category, how.masks))
        entries.setdefault(row.id, entry)
    for place, said in enumerate(sentences.images):
        where = f"images[{place}]"
        if said.original_img_id not in entries:
            of_sentences.add("unknown_picture", where, f"there is no picture {said.original_img_id}")
            continue
        phrases = [
            _phrase(one, said.original_img_id, f"{where}.phrases[{nth}]", places, of_sentences)
            for nth, one in enumerate(said.phrases)
        ]
        entries[said.original_img_id].sentences.append((said.caption, phrases))
    for entry in entries.values():
        builder.add(entry)
    return finished(source, builder, categories.names, categories.ids, (instances, grounding), instances)


def _phrase(phrase: _Phrase, picture: int, where: str, places: dict[Any, tuple[Any, int]], problems: Problems) -> Said:
    things = []
    for number in phrase.annotations:
        of_picture, place = places.get(number, (None, -1))
        if of_picture == picture:
            things.append(place)
        else:
            problems.add("unknown_object", where, f"the picture has no annotation {number}")
    return Said(where, [[phrase.start, phrase.end]], tuple(things), phrase.text)
