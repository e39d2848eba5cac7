"""A split of the built-in scenes: COCO's instances; sentences, questions and captions whose phrases name annotations of
theirs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from glipv2.data.problems import Problems
from glipv2.data.readers.building import AskedOf, Builder, Entry, Said
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


class _Question(msgspec.Struct, gc=False):
    image_id: int
    type: str
    question: str
    answer: str
    phrases: list[_Phrase]


class _Questions(msgspec.Struct, gc=False):
    questions: list[_Question]
    answers: list[str]


class _Caption(msgspec.Struct, gc=False):
    image_id: int
    caption: str
    phrases: list[_Phrase]


class _Captions(msgspec.Struct, gc=False):
    annotations: list[_Caption]


#: Where each annotation is: its picture, and its place among the picture's.
_Places = dict[Any, tuple[Any, int]]


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
    places: _Places = {}
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
        phrases = _phrases(said.phrases, said.original_img_id, where, places, of_sentences)
        entries[said.original_img_id].sentences.append((said.caption, phrases))
    words = _read_words(source, entries, places, problems) if how.words else None
    for entry in entries.values():
        builder.add(entry)
    files = (instances, grounding, *(() if words is None else words.files))
    reading = finished(source, builder, categories.names, categories.ids, files, instances)
    if words is None:
        return reading
    return replace(reading, dataset=replace(reading.dataset, answers=words.answers))


class _Words(NamedTuple):
    files: tuple[Path, ...]
    answers: tuple[str, ...]


def _read_words(source: Scenes, entries: dict[Any, Entry], places: _Places, problems: Problems) -> _Words:
    """Gives the entries their questions and captions, of the files that there are."""
    asked, told = source.folder / "questions.json", source.folder / "captions.json"
    answers: tuple[str, ...] = ()
    of_words = problems.of("")
    if asked.exists():
        questions = read_json(asked, _Questions, problems.of(str(asked)))
        for place, one in enumerate(() if questions is None else questions.questions):
            where = f"{asked}: questions[{place}]"
            if one.image_id in entries:
                phrases = _phrases(one.phrases, one.image_id, where, places, of_words)
                entries[one.image_id].questions.append(
                    AskedOf(where, one.question, [one.answer], phrases, one.type, grounded=True)
                )
        answers = () if questions is None else tuple(dict.fromkeys(questions.answers))
    if told.exists():
        captions = read_json(told, _Captions, problems.of(str(told)))
        for place, said in enumerate(() if captions is None else captions.annotations):
            where = f"{told}: annotations[{place}]"
            if said.image_id in entries:
                phrases = _phrases(said.phrases, said.image_id, where, places, of_words)
                entries[said.image_id].captions.append((where, said.caption, phrases))
    return _Words(tuple(one for one in (asked, told) if one.exists()), answers)


def _phrases(phrases: list[_Phrase], picture: int, where: str, places: _Places, problems: Problems) -> list[Said]:
    return [_phrase(one, picture, f"{where}.phrases[{nth}]", places, problems) for nth, one in enumerate(phrases)]


def _phrase(phrase: _Phrase, picture: int, where: str, places: _Places, problems: Problems) -> Said:
    things = []
    for number in phrase.annotations:
        of_picture, place = places.get(number, (None, -1))
        if of_picture == picture:
            things.append(place)
        else:
            problems.add("unknown_object", where, f"the picture has no annotation {number}")
    return Said(where, [[phrase.start, phrase.end]], tuple(things), phrase.text)
