"""VQAv2: a file of questions about numbered pictures, and one of the answers that ten people gave to each.

Answers are read by the rules of VQA's evaluation, so that people who mean the same say the same. Pictures are named as
COCO's are, by their number: `COCO_train2014_000000000009.jpg` or `000000000009.jpg`. A file of questions of one's own
may have a list `images`, as COCO's files do, which names them.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from glipv2.data.problems import Problems
from glipv2.data.readers.building import AskedOf, Builder, Entry, shown
from glipv2.data.readers.coco_file import Image, read_json, size_of
from glipv2.data.readers.reading import How, Reading, finished_words
from glipv2.data.sources import Vqav2
from glipv2.text.vqa_words import normalised_answer


class Question(msgspec.Struct, gc=False):
    question_id: Any = None
    image_id: Any = None
    question: Any = None


class Questions(msgspec.Struct, gc=False):
    questions: list[Question]
    data_subtype: Any = None
    images: list[Image] = []


class Answers(msgspec.Struct, gc=False):
    question_id: Any = None
    image_id: Any = None
    answer_type: Any = None
    question_type: Any = None
    answers: msgspec.Raw = msgspec.Raw(b"null")
    """JSON until they are used: those of a large data set are millions of objects."""


class Annotations(msgspec.Struct, gc=False):
    annotations: list[Answers]


def read_vqav2(source: Vqav2, how: How) -> Reading:
    files = (source.questions, source.annotations)
    problems = Problems(str(source.questions))
    of_answers = problems.of(str(source.annotations))
    builder = Builder(problems, how.decode)
    asked = read_json(source.questions, Questions, problems)
    answered = read_json(source.annotations, Annotations, of_answers)
    if asked is None or answered is None:
        return finished_words(source, builder, files)
    entries = entries_of(asked, source.images, problems)
    _ask(asked, answers_by_question(asked, answered, of_answers), entries, source, problems)
    for entry in entries.values():
        builder.add(entry)
    lists = [question.answers for picture in builder.pictures for question in picture.questions]
    return finished_words(source, builder, files, vocabulary(lists, source.answers))


def vocabulary_of(answered: Annotations, most: int, problems: Problems) -> tuple[str, ...]:
    """The same of a file of answers alone."""
    lists: list[Sequence[str]] = []
    for place, row in enumerate(answered.annotations):
        texts = _answers(row.answers)
        if isinstance(texts, list) and texts and all(isinstance(one, str) and one for one in texts):
            lists.append(texts)
        else:
            reason = f"expected people's answers, got {shown(texts)}"
            problems.add("invalid_question", f"annotations[{place}].answers", reason)
    return vocabulary(lists, most)


def vocabulary(answers: Iterable[Sequence[str]], most: int) -> tuple[str, ...]:
    """The answers of most questions, the most frequent first: of each question the one that most people give, and of
    answers of as many questions the one that more people give."""
    questions: Counter[str] = Counter()
    people: Counter[str] = Counter()
    for of_question in answers:
        given = Counter(of_question)
        people.update(given)
        # Of as many, the first that was said: sorting is stable.
        questions[given.most_common(1)[0][0]] += 1
    order = sorted(people, key=lambda one: (-questions[one], -people[one], one))
    return tuple(order[:most])


def entries_of(asked: Questions, images: Path, problems: Problems, subset: Any = None) -> dict[int, Entry]:
    """The pictures that are listed, or else asked about. `subset`: such as `train2014`, if the file does not say it."""
    if not asked.images:
        files = _Files(images, subset or asked.data_subtype)
        numbers: dict[int, str] = {}
        for place, one in enumerate(asked.questions):
            if type(one.image_id) is int:
                numbers.setdefault(one.image_id, f"questions[{place}]")
        return {number: Entry(where, number, files.of(number)) for number, where in numbers.items()}
    entries: dict[int, Entry] = {}
    for place, row in enumerate(asked.images):
        where = f"images[{place}]"
        if type(row.id) is not int:
            problems.add("invalid_picture", f"{where}.id", f"expected an integer, got {shown(row.id)}")
        elif row.id in entries:
            problems.add("duplicate_picture", f"{where}.id", f"{row.id} is the id of {entries[row.id].where} too")
        elif not isinstance(row.file_name, str) or not row.file_name:
            problems.add("invalid_picture", f"{where}.file_name", f"expected a path, got {shown(row.file_name)}")
        else:
            entries[row.id] = Entry(where, row.id, images / row.file_name, size_of(row))
    return entries


class _Files:
    """Where the pictures are."""

    def __init__(self, images: Path, subset: Any) -> None:
        """`subset`: such as `train2014`, if the file says it."""
        part = subset if isinstance(subset, str) and subset else None
        self._names = [*(() if part is None else (f"COCO_{part}_{{:012}}.jpg",)), "{:012}.jpg"]
        folders = [images, *(() if part is None else (images / part,))]
        self._folders = [(folder, _listed(folder)) for folder in folders]

    def of(self, number: int) -> Path:
        """The first that is there; of none, where it was looked for first."""
        names = [one.format(number) for one in self._names]
        found = (folder / name for folder, there in self._folders for name in names if name in there)
        first: Path = self._folders[0][0] / names[0]
        return next(found, first)


def _listed(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))
    except OSError:
        return set()


def answers_by_question(asked: Questions, answered: Annotations, problems: Problems) -> dict[int, tuple[str, Answers]]:
    """The answers to each question, with their place."""
    known = {one.question_id for one in asked.questions if type(one.question_id) is int}
    found: dict[int, tuple[str, Answers]] = {}
    for place, row in enumerate(answered.annotations):
        where = f"annotations[{place}]"
        if type(row.question_id) is not int or row.question_id not in known:
            reason = f"there is no question {shown(row.question_id)}"
            problems.add("unknown_question", f"{where}.question_id", reason)
        elif row.question_id in found:
            reason = f"{row.question_id} is answered by {found[row.question_id][0]} too"
            problems.add("duplicate_question", f"{where}.question_id", reason)
        else:
            found[row.question_id] = (where, row)
    return found


def _ask(
    asked: Questions,
    answered: dict[int, tuple[str, Answers]],
    entries: dict[int, Entry],
    source: Vqav2,
    problems: Problems,
) -> None:
    """Gives the entries their questions."""
    seen: set[int] = set()
    for place, one in enumerate(asked.questions):
        where = f"questions[{place}]"
        number = one.question_id
        if type(number) is not int:
            reason = f"expected an integer, got {shown(number)}"
            problems.add("invalid_question", f"{where}.question_id", reason)
            continue
        if number in seen:
            problems.add("duplicate_question", f"{where}.question_id", f"{number} is an earlier question's")
            continue
        seen.add(number)
        if type(one.image_id) is not int or one.image_id not in entries:
            problems.add("unknown_picture", f"{where}.image_id", f"there is no picture {shown(one.image_id)}")
        elif number not in answered:
            problems.add("unanswered_question", where, f"{source.annotations} has no answers to question {number}")
        else:
            at, row = answered[number]
            if row.image_id not in (None, one.image_id):
                reason = f"{source.annotations}: {at} has picture {shown(row.image_id)}, not {one.image_id}"
                problems.add("invalid_question", f"{where}.image_id", reason)
                continue
            kind = row.answer_type if isinstance(row.answer_type, str) else ""
            answers = _answers(row.answers)
            said = f"{source.questions}: {where}"
            entries[one.image_id].questions.append(AskedOf(said, one.question, answers, [], kind, grounded=False))


def _answers(given: msgspec.Raw) -> Any:
    """Their texts; what is no list of answers, as it is. One's own file may have texts in place of objects."""
    rows = msgspec.json.decode(given)
    if not isinstance(rows, list):
        return rows
    texts = [one.get("answer") if isinstance(one, dict) else one for one in rows]
    return [_read(one) if isinstance(one, str) else one for one in texts]


@lru_cache(maxsize=1 << 16)
def _read(answer: str) -> str:
    """Of an answer such as "a", of which nothing is left by the rules, the text."""
    return normalised_answer(answer) or answer.strip().lower()
