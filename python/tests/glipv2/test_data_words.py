"""COCO's captions and VQAv2's questions on miniatures whose content is known; all that can be wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from miniatures import draw, write_coco, write_json
from worded import (
    answers_content,
    captions_content,
    questions_content,
    write_captions,
    write_questions,
)

from glipv2.data.fingerprint import fingerprint
from glipv2.data.mixture import Mixture, kinds_of
from glipv2.data.readers import How, Reading, read, read_all
from glipv2.data.readers.vqav2 import vocabulary
from glipv2.data.records import Sentence
from glipv2.data.sources import Coco, CocoCaptions, Vqav2, source_from_json, source_to_json
from glipv2.errors import DataError

Content = dict[str, Any]
Change = Callable[[Content], object]


def set_at(*path: Any, value: Any) -> Change:
    def change(content: Any) -> None:
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return change


def again(rows: str, place: int, **more: Any) -> Change:
    return lambda content: content[rows].append({**content[rows][place], **more})


def told(reading: Reading) -> list[tuple[str, str, str]]:
    return [
        (one["kind"], one["examples"][0]["where"].rpartition("/")[2], one["examples"][0]["reason"])
        for one in reading.problems.to_json()
    ]


def test_captions(tmp_path: Path) -> None:
    source = write_captions(tmp_path)
    reading = read(source, How(decode=True))
    assert reading.problems.to_json() == []
    data = reading.dataset
    assert (data.names, data.answers, data.annotations) == ((), (), None)
    first, second = data.pictures
    assert (first.id, first.file, first.size) == (10, tmp_path / "images" / "a.png", (30, 40))
    assert first.captions == (Sentence("A cat and a dog.", ()), Sentence("Two animals sit", ()))
    assert second.captions == (Sentence("A dog", ()),)
    assert (len(first.boxes_M4), first.sentences, first.questions) == (0, (), ())
    assert (reading.boxes, reading.phrases, reading.questions, reading.captions) == (0, 0, 0, 3)
    assert source_from_json(source_to_json(source)) == source
    [of_source] = fingerprint([reading])["sources"]
    assert (of_source["captions"], of_source["file_count"]) == (3, 1)


def test_a_picture_without_a_caption_is_left_out(tmp_path: Path) -> None:
    content = captions_content()
    del content["annotations"][2]
    reading = read(write_captions(tmp_path, content))
    assert (len(reading.problems), [one.id for one in reading.dataset.pictures]) == (0, [10])


# What is changed, the problem, where it is, and how many captions are left of 3.
CAPTIONS: list[tuple[Change, str, str, str, int]] = [
    (set_at("annotations", 0, "caption", value=" \n"), "invalid_sentence", "annotations[0].caption", "a text", 2),
    (set_at("annotations", 0, "caption", value=None), "invalid_sentence", "annotations[0].caption", "nothing", 2),
    (set_at("annotations", 0, "image_id", value=5), "unknown_picture", "annotations[0].image_id", "picture 5", 2),
    (again("annotations", 0), "duplicate_caption", "annotations[3].id", "100 is an earlier", 3),
    (again("images", 0), "duplicate_picture", "images[2].id", "10 is the id of images[0] too", 3),
    (set_at("images", 1, "file_name", value="c.png"), "missing_picture", "images[1]", "c.png", 2),
    (set_at("images", 1, "file_name", value=""), "invalid_picture", "images[1].file_name", "a path", 2),
    (set_at("images", 1, "width", value=0), "invalid_picture", "images[1]", "got 0 x 60", 2),
    (set_at("annotations", value={}), "unreadable_annotations", "captions.json", "another form", 0),
    (set_at("annotations", value=[]), "no_pictures", "captions.json", "no picture that can be used", 0),
]


@pytest.mark.parametrize(("change", "kind", "where", "reason", "left"), CAPTIONS)
def test_what_is_wrong_with_captions(
    tmp_path: Path, change: Change, kind: str, where: str, reason: str, left: int
) -> None:
    content = captions_content()
    change(content)
    reading = read(write_captions(tmp_path, content))
    [problem] = told(reading)
    place = where if where == "captions.json" else f"captions.json: {where}"
    assert problem[:2] == (kind, place)
    assert reason in problem[2]
    assert reading.captions == left


def test_questions(tmp_path: Path) -> None:
    source = write_questions(tmp_path)
    reading = read(source)
    assert reading.problems.to_json() == []
    first, second = reading.dataset.pictures
    assert (first.id, first.size, second.size) == (10, (30, 40), (60, 20))
    how_many, what = first.questions
    assert how_many.sentence == Sentence("How many animals are there?", ())
    assert (how_many.kind, how_many.grounded) == ("number", False)
    # People who mean the same say the same.
    assert how_many.answers == ("2",) * 8 + ("3", "0")
    assert what.answers == ("cat",) * 7 + ("black cat", "kitten", "kitten")
    assert second.questions[0].answers == ("yes",) * 10
    assert reading.dataset.answers == ("yes", "2", "cat", "kitten", "0", "3", "black cat")
    assert (reading.questions, reading.captions, reading.boxes) == (3, 0, 0)
    assert reading.files == (source.questions, source.annotations)
    assert source_from_json(source_to_json(source)) == source
    assert read(write_questions(tmp_path, most=2)).dataset.answers == ("yes", "2")


def test_the_vocabulary_has_the_answers_of_most_questions() -> None:
    asked = [["red", "red", "blue"], ["red", "green", "green"], ["blue", "green", "green", "blue"], ["a"]]
    # Each is the commonest of one question; four people say green, three blue and red each.
    assert vocabulary(asked, 10) == ("green", "blue", "red", "a")
    assert vocabulary([["x"], ["y", "y"], ["y"], ["x", "x", "x"]], 1) == ("x",)
    assert vocabulary([["x"], ["y"]], 5) == ("x", "y")
    assert vocabulary([], 5) == ()


def test_answers_of_which_the_rules_leave_nothing(tmp_path: Path) -> None:
    content = answers_content()
    content["annotations"][2]["answers"] = ["A", " a", "The"]
    reading = read(write_questions(tmp_path, answers=content))
    assert reading.problems.to_json() == []
    assert reading.dataset.pictures[1].questions[0].answers == ("a", "a", "the")


@pytest.mark.parametrize(
    ("name", "subset"),
    [
        ("COCO_train2014_{:012}.jpg", "train2014"),
        ("train2014/COCO_train2014_{:012}.jpg", "train2014"),
        ("{:012}.jpg", "train2014"),
        ("{:012}.jpg", None),
    ],
)
def test_pictures_are_found_by_their_number(tmp_path: Path, name: str, subset: str | None) -> None:
    questions = questions_content()
    del questions["images"]
    if subset is not None:
        questions["data_subtype"] = subset
    folder = tmp_path / "pictures"
    for number in (10, 20):
        file = folder / name.format(number)
        draw(file.parent, file.name, (40, 30))
    files = write_json(tmp_path / "q.json", questions), write_json(tmp_path / "a.json", answers_content())
    reading = read(Vqav2(*files, folder))
    assert reading.problems.to_json() == []
    assert [one.file for one in reading.dataset.pictures] == [folder / name.format(number) for number in (10, 20)]
    (folder / name.format(20)).unlink()
    [problem] = told(read(Vqav2(*files, folder)))
    first = "COCO_train2014_000000000020.jpg" if subset else "000000000020.jpg"
    assert problem == ("missing_picture", "q.json: questions[2]", f"there is no {folder / first}")


# Which file is changed and how, the problem, where it is, and how many questions are left of 3.
QUESTIONS: list[tuple[str, Change, str, str, str, int]] = [
    ("q", set_at("questions", 0, "question", value=" "), "invalid_sentence", "questions[0]", "a text", 2),
    ("q", set_at("questions", 2, "image_id", value=5), "unknown_picture", "questions[2].image_id", "picture 5", 2),
    ("q", again("questions", 0), "duplicate_question", "questions[3].question_id", "1000 is an earlier", 3),
    ("q", again("questions", 0, question_id=7), "unanswered_question", "questions[3]", "no answers to question 7", 3),
    ("q", again("questions", 0, question_id="7"), "invalid_question", "questions[3].question_id", "integer", 3),
    ("q", again("images", 0), "duplicate_picture", "images[2].id", "10 is the id of images[0]", 3),
    ("q", set_at("images", 0, "file_name", value="c.png"), "missing_picture", "images[0]", "c.png", 1),
    ("a", again("annotations", 0, question_id=7), "unknown_question", "annotations[3].question_id", "7", 3),
    ("a", again("annotations", 0), "duplicate_question", "annotations[3].question_id", "annotations[0] too", 3),
    ("a", set_at("annotations", 0, "image_id", value=20), "invalid_question", "questions[0].image_id", "not 10", 2),
    ("a", set_at("annotations", 0, "answers", value=[]), "invalid_question", "questions[0]", "answers, got []", 2),
    ("a", set_at("annotations", 0, "answers", value=None), "invalid_question", "questions[0]", "got nothing", 2),
    ("a", set_at("annotations", 0, "answers", 3, "answer", value=""), "invalid_question", "questions[0]", "answers", 2),
    ("a", set_at("annotations", 0, "answers", 3, value=4), "invalid_question", "questions[0]", "answers", 2),
]


@pytest.mark.parametrize(("file", "change", "kind", "where", "reason", "left"), QUESTIONS)
def test_what_is_wrong_with_questions(
    tmp_path: Path, file: str, change: Change, kind: str, where: str, reason: str, left: int
) -> None:
    questions, answers = questions_content(), answers_content()
    change(questions if file == "q" else answers)
    reading = read(write_questions(tmp_path, questions, answers))
    [problem] = [one for one in told(reading) if one[0] == kind]
    name = "answers.json" if where.startswith("annotations") else "questions.json"
    assert problem[1] == f"{name}: {where}"
    assert reason in problem[2]
    assert reading.questions == left


def test_all_is_told_at_once_and_what_is_right_is_kept(tmp_path: Path) -> None:
    questions, captions = questions_content(), captions_content()
    again("questions", 0, question_id=7)(questions)
    again("questions", 0, question_id=8)(questions)
    set_at("annotations", 0, "caption", value="")(captions)
    sources = [write_questions(tmp_path / "one", questions), write_captions(tmp_path / "two", captions)]
    with pytest.raises(DataError) as raised:
        read_all(sources, "fail")
    assert [(one["kind"], one["count"]) for one in raised.value.problems] == [
        ("invalid_sentence", 1),
        ("unanswered_question", 2),
    ]
    kept = read_all(sources, "drop")
    assert (kept[0].questions, kept[1].captions) == (3, 2)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    assert read(CocoCaptions(absent, absent)).problems.counts == {"unreadable_annotations": 1}
    assert read(Vqav2(absent, absent, absent)).problems.counts == {"unreadable_annotations": 2}
    with pytest.raises(ValueError, match="answers: expected an integer from 1, got 0"):
        Vqav2(absent, absent, absent, 0)


def test_a_step_draws_from_what_has_what_it_asks_for(tmp_path: Path) -> None:
    coco = Coco(write_coco(tmp_path / "coco"), tmp_path / "coco" / "images")
    sources = [coco, write_questions(tmp_path / "asked"), write_captions(tmp_path / "told")]
    datasets = [one.dataset for one in read_all(sources, "fail")]
    assert [kinds_of(one) for one in datasets] == [("boxes",), ("questions",), ("captions",)]
    mixture = Mixture(datasets, [1, 1, 1], 0)
    for kind, dataset in zip(("boxes", "questions", "captions"), datasets, strict=True):
        assert {id(one) for one, _ in mixture.of(kind).draw(0, 20)} == {id(dataset)}  # type: ignore[arg-type]
    both = Mixture(datasets[:1] * 2, [1, 3], 0)
    assert both.of("boxes") is both
    assert both.of("questions") is both, "where none has any, all are drawn"
