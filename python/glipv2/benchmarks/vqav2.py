"""VQAv2: questions about pictures, each answered by ten people; the model chooses among candidate answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from sys import intern
from typing import Any, NamedTuple

import msgspec

from glipv2.benchmarks.answer_details import Reply, answer_details
from glipv2.benchmarks.benchmark import (
    REMEDY,
    Benchmark,
    Choices,
    Example,
    Figures,
    Needed,
    Places,
    Record,
    Scores,
    Task,
)
from glipv2.benchmarks.coco import PAGE as COCO_PAGE
from glipv2.benchmarks.details import Details
from glipv2.benchmarks.predictor import Pixels, Predictor
from glipv2.data.problems import Problems
from glipv2.data.readers.building import shown
from glipv2.data.readers.coco_file import read_json
from glipv2.data.readers.vqav2 import Annotations, Questions, answers_by_question, entries_of, vocabulary_of
from glipv2.errors import DataError, InputError
from glipv2.scoring.exports import json_lines, vqa_results
from glipv2.scoring.vqa import AnswerScorer

PAGE = "https://visualqa.org/download.html"

#: The most frequent answers of the training split, where it is there: as many as a widespread preparation has.
CANDIDATES = 3129

#: What the evaluation server takes.
RESULTS = "vqa_results.json"

#: As the annotations have them.
ANSWER_TYPES = ("yes/no", "number", "other")


@dataclass(frozen=True)
class AskedExample(Example):
    questions: tuple[int, ...]

    texts: tuple[str, ...]


class Answered(NamedTuple):
    answers: tuple[str, ...]
    """People's, as they wrote them."""
    answer_type: str
    question_type: str


class VqaTask(Task[AskedExample]):
    """A record: `questions` (ids) and `answers`, one each."""

    def __init__(
        self, examples: Sequence[AskedExample], answered: Mapping[int, Answered] | None, candidates: Sequence[str]
    ) -> None:
        """`answered`: by question; None: nobody says. `candidates`: none where they are the model's."""
        self.examples = examples
        self._answered = answered
        self._candidates = candidates
        self._questions = {one.key: list(one.questions) for one in examples}

    def ask(self, predictor: Predictor, pixels: Pixels, example: AskedExample) -> Record:
        candidates = self._candidates or predictor.answers
        if not candidates:
            expected = "the annotations of train2014, of which candidate answers come: the model has none of its own"
            raise InputError("data", expected, "none")
        answers = predictor.answer(pixels, example.texts, candidates)
        return {"questions": list(example.questions), "answers": answers}

    def faults(self, record: Record) -> str | None:
        answers = record.get("answers")
        if record.get("questions") != self._questions[record["id"]]:
            return "expected the questions about the picture, in their order"
        if not isinstance(answers, list) or len(answers) != len(record["questions"]):
            return "expected an answer to each question"
        return None if all(isinstance(one, str) for one in answers) else "expected texts as answers"

    def score(self, records: Iterable[Record], keys: Collection[int]) -> Scores:
        if self._answered is None:
            note = f"the answers are not published: {RESULTS} is what the evaluation server takes"
            return Scores({"accuracy": None, **dict.fromkeys(ANSWER_TYPES)}, notes={"accuracy": note})
        scorer = AnswerScorer()
        for question, answer in _rows(records):
            scorer.add(answer, *self._answered[question])
        found = scorer.result()
        figures = {name: found.by_answer_type.get(name) for name in ANSWER_TYPES}
        parts = {"answerTypes": _parts(found.by_answer_type), "questionTypes": _parts(found.by_question_type)}
        return Scores({"accuracy": found.overall, **figures}, parts)

    def details(self, records: Iterable[Record], keys: Collection[int]) -> Details | None:
        del keys
        if self._answered is None:
            return None
        examples = {one.key: one for one in self.examples}
        texts = {number: text for one in self.examples for number, text in zip(one.questions, one.texts, strict=True)}
        replies = (
            Reply(one["id"], texts[number], answer, self._answered[number].answers)
            for one in records
            for number, answer in _rows([one])
        )
        return answer_details(replies, examples)

    def write(self, records: Iterable[Record], folder: Path) -> None:
        with open(folder / RESULTS, "w", encoding="utf-8") as file:
            file.writelines(json_lines(row for one in _rows(records) for row in vqa_results(dict([one]))))


def _rows(records: Iterable[Record]) -> Iterator[tuple[int, str]]:
    return (row for one in records for row in zip(one["questions"], one["answers"], strict=True))


def _parts(values: Mapping[str, float]) -> dict[str, Figures]:
    return {name: {"accuracy": value} for name, value in values.items()}


def _read(subset: str, places: Places, choices: Choices) -> VqaTask:
    del choices
    problems = Problems(str(places["questions"]))
    asked = read_json(places["questions"], Questions, problems)
    examples = [] if asked is None else _examples(asked, places["images"], subset, problems)
    answered = None
    if asked is not None and "annotations" in places:
        answered = _answered(asked, places["annotations"], problems)
    candidates: tuple[str, ...] = ()
    if "candidates" in places:
        of_answers = problems.of(str(places["candidates"]))
        train = read_json(places["candidates"], Annotations, of_answers)
        candidates = () if train is None else vocabulary_of(train, CANDIDATES, of_answers)
    if not examples and not problems:
        problems.add("no_pictures", "questions", "there is none")
    if problems:
        raise DataError(problems.to_json(), REMEDY)
    return VqaTask(examples, answered, candidates)


def _examples(asked: Questions, images: Path, subset: str, problems: Problems) -> list[AskedExample]:
    entries = entries_of(asked, images, problems, subset)
    about: dict[int, dict[int, str]] = defaultdict(dict)
    seen: set[int] = set()
    for place, one in enumerate(asked.questions):
        where, number = f"questions[{place}]", one.question_id
        if type(number) is not int:
            problems.add("invalid_question", f"{where}.question_id", f"expected an integer, got {shown(number)}")
        elif number in seen:
            problems.add("duplicate_question", f"{where}.question_id", f"{number} is an earlier question's")
        elif type(one.image_id) is not int or one.image_id not in entries:
            problems.add("unknown_picture", f"{where}.image_id", f"there is no picture {shown(one.image_id)}")
        elif not isinstance(one.question, str) or not one.question.strip():
            problems.add("invalid_question", f"{where}.question", f"expected words, got {shown(one.question)}")
        else:
            about[one.image_id][number] = one.question
        seen.add(number)
    return [
        AskedExample(key, entries[key].file, entries[key].size, tuple(questions), tuple(questions.values()))
        for key, questions in about.items()
    ]


def _answered(asked: Questions, path: Path, problems: Problems) -> dict[int, Answered]:
    of_answers = problems.of(str(path))
    annotations = read_json(path, Annotations, of_answers)
    found: dict[int, Answered] = {}
    if annotations is None:
        return found
    for number, (where, row) in answers_by_question(asked, annotations, of_answers).items():
        given = msgspec.json.decode(row.answers)
        rows = given if isinstance(given, list) else []
        texts = [one.get("answer") if isinstance(one, dict) else one for one in rows]
        if not texts or not all(isinstance(one, str) for one in texts):
            of_answers.add("invalid_question", f"{where}.answers", f"expected people's answers, got {shown(given)}")
        kinds = [_kind(row.answer_type), _kind(row.question_type)]
        found[number] = Answered(tuple(intern(one) for one in texts if isinstance(one, str)), *kinds)
    for place, one in enumerate(asked.questions):
        if type(one.question_id) is int and one.question_id not in found:
            reason = f"{path} has no answers to question {one.question_id}"
            problems.add("unanswered_question", f"questions[{place}]", reason)
    return found


def _kind(given: Any) -> str:
    return intern(given) if isinstance(given, str) else ""


def _questions(name: str) -> Needed:
    file = f"v2_OpenEnded_mscoco_{name}_questions.json"
    return Needed("questions", f"vqav2/Questions/{file}", PAGE, also=(f"vqav2/{file}",))


def _annotations(role: str, name: str, optional: bool = False) -> Needed:
    file = f"v2_mscoco_{name}_annotations.json"
    return Needed(role, f"vqav2/Annotations/{file}", PAGE, also=(f"vqav2/{file}",), optional=optional)


def _images(name: str) -> Needed:
    return Needed("images", f"coco/{name}", COCO_PAGE, also=(f"vqav2/Images/mscoco/{name}",), folder=True)


VAL = Benchmark(
    name="vqav2",
    description="VQAv2 val: accuracy of answers, in all and by types of answers and questions",
    files=(
        _questions("val2014"),
        _annotations("annotations", "val2014"),
        _annotations("candidates", "train2014", optional=True),
        _images("val2014"),
    ),
    read=partial(_read, "val2014"),
    abilities=frozenset(("answer",)),
)

TEST_DEV = Benchmark(
    name="vqav2-test-dev",
    description="VQAv2 test-dev: the file of answers that the evaluation server takes",
    files=(
        _questions("test-dev2015"),
        _annotations("candidates", "train2014", optional=True),
        _images("test2015"),
    ),
    read=partial(_read, "test2015"),
    abilities=frozenset(("answer",)),
)
