"""VQAv2 and COCO's captions in miniature: known answers, candidates, what the evaluation servers take."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image as pil
import pytest
from drawn_scenes import write_split
from known_answers import Knowing, write_json

from glipv2.benchmarks.layout import LayoutError, located
from glipv2.benchmarks.predictor import Ability, Pixels
from glipv2.benchmarks.registry import BENCHMARKS
from glipv2.benchmarks.running import Event, Options, Outcome, run
from glipv2.errors import DataError, InputError

PICTURES = 3
QUESTIONS = "vqav2/Questions/v2_OpenEnded_mscoco_{}_questions.json"
ANSWERS = "vqav2/Annotations/v2_mscoco_{}_annotations.json"


class Talking(Knowing):
    """Answers by `said`, of the picture's number and the question, where that is a candidate; tells by `told`."""

    identity = "who talks"
    answers: Sequence[str] = ()

    def __init__(self, images: Path) -> None:
        self.abilities: frozenset[Ability] = frozenset(("answer", "caption"))
        self.asked = 0
        self.said: Callable[[int, str], str] = lambda picture, question: ""
        self.told: Callable[[int], str] = lambda picture: ""
        self.candidates: list[str] = []
        files = sorted(images.iterdir())
        self._numbers = {_pixels(file).tobytes(): number for number, file in enumerate(files, 1)}

    def answer(self, pixels: Pixels, questions: Sequence[str], candidates: Sequence[str]) -> list[str]:
        self.asked += 1
        self.candidates = list(candidates)
        number = self._numbers[pixels.tobytes()]
        answers = [self.said(number, one) for one in questions]
        return [one if one in candidates else candidates[-1] for one in answers]

    def caption(self, pixels: Pixels) -> str:
        self.asked += 1
        return self.told(self._numbers[pixels.tobytes()])


def _pixels(file: Path) -> Pixels:
    with pil.open(file) as opened:
        return np.asarray(opened.convert("RGB"))


class Here:
    """Three pictures, of each the same three questions."""

    texts = ("How many squares are there?", "Is there a circle?", "What is on the left?")

    def __init__(self, folder: Path) -> None:
        self.root = folder / "data"
        self.output = folder / "run"
        self.events: list[Event] = []
        split = write_split(folder / "drawn", PICTURES)
        self.images = split / "images"
        self.captions = json.loads((split / "captions.json").read_text())["annotations"]
        self.talking = Talking(self.images)

    def copy(self, to: str, name: str) -> None:
        (self.root / to).mkdir(parents=True, exist_ok=True)
        for number, file in enumerate(sorted(self.images.iterdir()), 1):
            (self.root / to / name.format(number)).write_bytes(file.read_bytes())

    def write(self, path: str, content: dict[str, Any]) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, content)
        return file

    def questions(self) -> dict[str, Any]:
        rows = [
            {"question_id": 1000 * picture + nth, "image_id": picture, "question": text}
            for picture in range(1, PICTURES + 1)
            for nth, text in enumerate(self.texts)
        ]
        return {"data_subtype": "val2014", "questions": rows}

    def answers(self) -> dict[str, Any]:
        """Two of ten see three squares."""
        people = (["2"] * 8 + ["3"] * 2, ["no"] * 10, ["red square"] * 4 + ["the red square."] * 6)
        kinds = (("number", "how many"), ("yes/no", "is there a"), ("other", "what is"))
        rows = []
        for row in self.questions()["questions"]:
            nth = row["question_id"] % 1000
            answers = [{"answer": one, "answer_id": place} for place, one in enumerate(people[nth], 1)]
            answer_type, question_type = kinds[nth]
            rows.append({**row, "answers": answers, "answer_type": answer_type, "question_type": question_type})
        return {"annotations": rows}

    def run(self, name: str, **options: Any) -> Outcome:
        benchmark = BENCHMARKS[name]
        places = located(benchmark, self.root)
        return run(benchmark, places, self.talking, Options(self.output, **options), self.events.append)

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.output / "predictions.jsonl").read_text().splitlines()]


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


@pytest.fixture
def asked(here: Here) -> Here:
    here.copy("coco/val2014", "COCO_val2014_{:012}.png")
    for number in range(1, PICTURES + 1):
        place = here.root / "coco/val2014"
        (place / f"COCO_val2014_{number:012}.png").rename(place / f"COCO_val2014_{number:012}.jpg")
    here.write(QUESTIONS.format("val2014"), here.questions())
    here.write(ANSWERS.format("val2014"), here.answers())
    here.write(ANSWERS.format("train2014"), here.answers())
    right = dict(zip(here.texts, ("2", "no", "red square"), strict=True))
    here.talking.said = lambda picture, question: right[question]
    return here


def test_who_knows_scores_one(asked: Here) -> None:
    outcome = asked.run("vqav2")
    assert outcome.scores.figures == {"accuracy": 1, "yes/no": 1, "number": 1, "other": 1}
    assert outcome.scores.parts["questionTypes"] == {
        name: {"accuracy": 1} for name in ("how many", "is there a", "what is")
    }
    assert asked.talking.candidates == ["no", "red square", "2", "3"]
    assert json.loads((asked.output / "vqa_results.json").read_text())[:2] == [
        {"question_id": 1000, "answer": "2"},
        {"question_id": 1001, "answer": "no"},
    ]
    assert asked.records()[0] == {"id": 1, "questions": [1000, 1001, 1002], "answers": ["2", "no", "red square"]}


def test_an_answer_is_as_right_as_people_agree(asked: Here) -> None:
    asked.talking.said = lambda picture, question: {"How many squares are there?": "3"}.get(question, "2")
    figures = asked.run("vqav2").scores.figures
    # Two of ten: without one of the two, one of three needed; without another, two.
    number = (2 * (1 / 3) + 8 * (2 / 3)) / 10
    assert figures == {
        "accuracy": pytest.approx(number / 3),
        "yes/no": 0,
        "number": pytest.approx(number),
        "other": 0,
    }


def test_wrong_answers_to_what_people_agree_on_are_told(asked: Here) -> None:
    asked.talking.said = lambda picture, question: "3" if picture == 1 else "no"
    asked.run("vqav2")
    details = json.loads((asked.output / "details.json").read_text())
    assert details["counts"] == {"right": 2, "partly": 1, "wrong": 6}
    first = details["cases"][0]
    assert (first["id"], first["text"]) == (1, "Is there a circle? 3, and 10 of 10 people: no")
    assert (Path(first["picture"]).name, first["boxes"]) == ("COCO_val2014_000000000001.jpg", [])
    assert [one["text"].split("? ")[0] for one in details["cases"][1:3]] == ["How many squares are there"] * 2


def test_without_the_answers_of_train2014_the_models_own_are_candidates(asked: Here) -> None:
    (asked.root / ANSWERS.format("train2014")).unlink()
    with pytest.raises(InputError, match="data: expected the annotations of train2014"):
        asked.run("vqav2")
    asked.talking.answers = ("yes", "no")
    asked.output = asked.root / "another"
    figures = asked.run("vqav2").scores.figures
    assert (asked.talking.candidates, figures["yes/no"], figures["other"]) == (["yes", "no"], 1, 0)


def test_test_dev_gives_a_file_for_the_server(asked: Here) -> None:
    here = asked
    with pytest.raises(LayoutError) as raised:
        here.run("vqav2-test-dev")
    missing = [str(one.path.relative_to(here.root)) for one in raised.value.missing]
    assert missing == [QUESTIONS.format("test-dev2015"), "coco/test2015"]
    here.copy("vqav2/Images/mscoco/test2015", "COCO_test2015_{:012}.jpg")
    here.write(QUESTIONS.format("test-dev2015"), {**here.questions(), "data_subtype": "test-dev2015"})
    outcome = here.run("vqav2-test-dev")
    assert set(outcome.scores.figures.values()) == {None}
    assert "vqa_results.json is what the evaluation server takes" in outcome.scores.notes["accuracy"]
    assert len(json.loads((here.output / "vqa_results.json").read_text())) == 9


def test_a_killed_run_goes_on(asked: Here) -> None:
    expected = asked.run("vqav2").scores
    file = asked.output / "predictions.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(lines[0] + lines[1][:9])
    asked.talking.asked = 0
    assert asked.run("vqav2", resume=True).scores == expected
    assert asked.talking.asked == PICTURES - 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"questions": [1000, 1001]}, "expected the questions about the picture, in their order"),
        ({"answers": ["2"]}, "expected an answer to each question"),
        ({"answers": ["2", "no", 3]}, "expected texts as answers"),
    ],
)
def test_predictions_of_something_else(asked: Here, change: dict[str, Any], reason: str) -> None:
    asked.run("vqav2", pictures=1)
    [record] = asked.records()
    (asked.output / "predictions.jsonl").write_text(json.dumps({**record, **change}) + "\n")
    with pytest.raises(DataError, match=reason):
        asked.run("vqav2", pictures=1, resume=True)


def test_all_that_is_wrong_with_questions_and_answers(asked: Here) -> None:
    questions, answers = asked.questions(), asked.answers()
    questions["questions"][0]["question_id"] = 1001
    questions["questions"][2]["question"] = " "
    questions["questions"][3]["image_id"] = None
    answers["annotations"][4]["answers"] = []
    del answers["annotations"][5]
    asked.write(QUESTIONS.format("val2014"), questions)
    asked.write(ANSWERS.format("val2014"), answers)
    with pytest.raises(DataError) as raised:
        asked.run("vqav2")
    assert {one["kind"]: one["count"] for one in raised.value.problems} == {
        "duplicate_question": 1,
        "invalid_question": 2,
        "unknown_picture": 1,
        "unknown_question": 1,
        "unanswered_question": 1,
    }
    assert not asked.output.exists()


@pytest.mark.parametrize("text", ["no JSON", "[]", "{}", '{"questions": []}'])
def test_something_else_than_questions(asked: Here, text: str) -> None:
    (asked.root / QUESTIONS.format("val2014")).write_text(text)
    with pytest.raises(DataError):
        asked.run("vqav2")


def karpathy(here: Here) -> dict[str, Any]:
    rows = [
        {
            "cocoid": one["image_id"],
            "filepath": "val2014",
            "filename": f"COCO_val2014_{one['image_id']:012}.jpg",
            "split": "test",
            "sentences": [{"raw": one["caption"]}, {"raw": "Two coloured squares."}],
        }
        for one in here.captions
    ]
    return {"dataset": "coco", "images": [*rows, {**rows[0], "cocoid": 9, "split": "restval"}]}


@pytest.fixture
def told(here: Here) -> Here:
    """Both forms of it."""
    here.copy("coco/val2014", "COCO_val2014_{:012}.jpg")
    here.copy("coco/val2017", "{:012}.jpg")
    here.write("coco/annotations/dataset_coco.json", karpathy(here))
    images = [{"id": one, "file_name": f"{one:012}.jpg", "width": 128, "height": 128} for one in range(1, PICTURES + 1)]
    here.write("coco/annotations/captions_val2017.json", {"images": images, "annotations": here.captions})
    here.talking.told = lambda picture: here.captions[picture - 1]["caption"]
    return here


@pytest.mark.parametrize("name", ["coco-captions", "coco-captions-val2017"])
def test_who_says_what_people_say(told: Here, name: str) -> None:
    outcome = told.run(name)
    figures = outcome.scores.figures
    assert outcome.pictures == PICTURES
    assert [figures[one] for one in ("BLEU1", "BLEU4", "ROUGE_L")] == [pytest.approx(1)] * 3
    assert (figures["CIDEr"] or 0) > 1
    for one in ("METEOR", "SPICE"):
        assert (figures[one] is None) == (one in outcome.scores.notes)
    rows = json.loads((told.output / "captions_results.json").read_text())
    assert rows[0] == {"image_id": 1, "caption": told.captions[0]["caption"]}


def test_who_says_nothing_scores_zero(told: Here) -> None:
    told.talking.told = lambda picture: ""
    figures = told.run("coco-captions").scores.figures
    assert [figures[one] for one in ("BLEU1", "BLEU4", "ROUGE_L", "CIDEr")] == [0] * 4


def test_captions_that_are_unlike_peoples_are_shown(told: Here) -> None:
    """Of three pictures the second is told of as nobody does."""
    people = told.talking.told
    told.talking.told = lambda picture: "nothing at all" if picture == 2 else people(picture)
    told.run("coco-captions")
    details = json.loads((told.output / "details.json").read_text())
    assert details["counts"] == {"like": PICTURES - 1, "partly": 0, "unlike": 1}
    [case] = details["cases"]
    assert (case["kind"], case["id"], Path(case["picture"]).is_file()) == ("picture", 2, True)
    assert case["text"] == f"nothing at all (CIDEr-D 0.00); people: {told.captions[1]['caption']}"


def test_a_caption_is_a_text(told: Here) -> None:
    told.run("coco-captions", pictures=1)
    (told.output / "predictions.jsonl").write_text('{"id": 1, "caption": 3}\n')
    with pytest.raises(DataError, match="expected a caption"):
        told.run("coco-captions", pictures=1, resume=True)


def test_all_that_is_wrong_with_captions(told: Here) -> None:
    content = karpathy(told)
    content["images"][0]["cocoid"] = 2
    content["images"][2]["sentences"] = []
    told.write("coco/annotations/dataset_coco.json", content)
    with pytest.raises(DataError) as raised:
        told.run("coco-captions")
    assert {one["kind"]: one["count"] for one in raised.value.problems} == {
        "duplicate_picture": 1,
        "invalid_sentence": 1,
    }
    told.write("coco/annotations/captions_val2017.json", {"images": [], "annotations": told.captions})
    with pytest.raises(DataError) as raised:
        told.run("coco-captions-val2017")
    assert [(one["kind"], one["count"]) for one in raised.value.problems] == [("unknown_picture", PICTURES)]


def test_all_files_that_are_missing(tmp_path: Path) -> None:
    wanted = {
        "vqav2": [QUESTIONS.format("val2014"), ANSWERS.format("val2014"), "coco/val2014"],
        "coco-captions": ["coco/annotations/dataset_coco.json", "coco", "coco/val2014"],
        "coco-captions-val2017": ["coco/annotations/captions_val2017.json", "coco/val2017"],
    }
    for name, paths in wanted.items():
        with pytest.raises(LayoutError) as raised:
            located(BENCHMARKS[name], tmp_path)
        assert [str(one.path.relative_to(tmp_path)) for one in raised.value.missing] == paths
