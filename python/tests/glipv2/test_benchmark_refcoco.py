"""RefCOCO in miniature: known answers by split, and files that are not right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from known_answers import shifted
from known_phrases import Changed, KnowingPhrases, expressions_of, nothing, write_content, write_refcoco_layout

from glipv2.benchmarks.layout import LayoutError, located
from glipv2.benchmarks.predictions import NAME
from glipv2.benchmarks.registry import BENCHMARKS
from glipv2.benchmarks.running import Options, Outcome, run
from glipv2.errors import DataError

SPLITS = {
    "refcoco": ("val", "testA", "testB"),
    "refcoco+": ("val", "testA", "testB"),
    "refcocog": ("val", "test"),
}
NAMES = ("accuracy", "R5", "R10", "accuracyGIoU")


class Here:
    def __init__(self, folder: Path, name: str = "refcoco") -> None:
        self.benchmark = BENCHMARKS[name]
        self.root = folder / "data"
        self.output = folder / "run"
        self.answers = write_refcoco_layout(self.root, name, SPLITS[name])

    def run(self, changed: Changed = lambda rows: rows, **options: Any) -> Outcome:
        predictor = KnowingPhrases(self.answers, changed)
        places = located(self.benchmark, self.root)
        return run(self.benchmark, places, predictor, Options(self.output, **options), lambda event: None)


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


@pytest.mark.parametrize("name", SPLITS)
def test_who_knows_scores_one(tmp_path: Path, name: str) -> None:
    outcome = Here(tmp_path, name).run()
    assert outcome.scores.figures == {f"{split}.{figure}": 1 for split in SPLITS[name] for figure in NAMES}
    assert outcome.pictures == 2 * len(SPLITS[name]) - 1


def test_who_finds_nothing_scores_zero(here: Here) -> None:
    assert set(here.run(nothing).scores.figures.values()) == {0}
    details = json.loads((here.output / "details.json").read_text())
    assert (details["counts"]["right"], details["counts"]["none"] > 0, details["cases"]) == (0, True, [])


def test_details_tell_which_expressions_are_wrong(here: Here) -> None:
    here.run(shifted(60))
    details = json.loads((here.output / "details.json").read_text())
    assert details["counts"]["right"] == 0
    assert {one["text"] for one in details["cases"]} <= {"box", "elsewhere"}
    scores = [one["boxes"][-1]["score"] for one in details["cases"]]
    assert scores == sorted(scores, reverse=True)
    assert len({one["id"] for one in details["cases"]}) == len(scores) > 0


def test_a_shifted_box_is_right_from_half_an_overlap_on(here: Here) -> None:
    by = 10
    content = {
        split: json.loads(expressions_of(here.root, "refcoco", split).read_text()) for split in SPLITS["refcoco"]
    }
    figures = here.run(shifted(by)).scores.figures
    right = {}
    for split, file in content.items():
        sides = [one["bbox"][2] for one in file["annotations"]]
        # A square of side s that is d to the right of itself: (s - d) / (s + d), also by GIoU, as it fills both's hull.
        right[split] = sum((side - by) / (side + by) >= 0.5 for side in sides) / len(sides)
        assert (figures[f"{split}.accuracy"], figures[f"{split}.accuracyGIoU"]) == (right[split], right[split])
    assert 0 < sum(right.values()) < 3


def test_the_best_box_counts(here: Here) -> None:
    outcome = here.run(lambda rows: [([0.0, 0.0, 1.0, 1.0], 0)] * 5 + rows + [([0.0, 0.0, 1.0, 1.0], 0)] * 9)
    figures = outcome.scores.figures
    assert [figures[f"val.{name}"] for name in NAMES] == [0, 0, 1, 0]
    [record, *_] = [json.loads(line) for line in (here.output / NAME).read_text().splitlines()]
    assert {len(text["boxes"]) for text in record["texts"]} == {10}, "no more than are measured"


def test_a_split_that_no_picture_is_of_has_no_figures(here: Here) -> None:
    figures = here.run(pictures=1).scores.figures
    assert (figures["val.accuracy"], figures["testA.accuracy"], figures["testB.R10"]) == (1, None, None)


def test_the_older_folder_of_pictures_will_do(here: Here) -> None:
    (here.root / "coco").rename(here.root / "refcoco")
    assert here.run().pictures == 5


def test_all_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(LayoutError) as raised:
        located(BENCHMARKS["refcocog"], tmp_path)
    assert [str(one.path.relative_to(tmp_path)) for one in raised.value.missing] == [
        "coco/train2014",
        "mdetr_annotations/finetune_refcocog_val.json",
        "mdetr_annotations/finetune_refcocog_test.json",
    ]


def test_files_that_are_not_right(here: Here) -> None:
    file = expressions_of(here.root, "refcoco", "val")
    content = json.loads(file.read_text())
    images, objects = content["images"], content["annotations"]
    images[0]["original_id"] = "1"
    images[1]["id"] = 40
    images[2]["caption"] = None
    images[3]["file_name"] = "another.jpg"
    objects[3]["bbox"] = [1, 2, 3]
    objects.append({"image_id": 99, "bbox": [1, 2, 3, 4]})
    other = expressions_of(here.root, "refcoco", "testB")
    twice = json.loads(other.read_text())
    twice["annotations"].append(twice["annotations"][0])
    twice["images"].append({**twice["images"][0], "file_name": "another.jpg"})
    write_content(file, content)
    write_content(other, twice)
    with pytest.raises(DataError) as raised:
        here.run()
    found = {one["kind"]: [row["reason"] for row in one["examples"]] for one in raised.value.problems}
    number = twice["images"][0]["id"]
    assert found == {
        "invalid_sentence": ["expected a text, got nothing", f"2 of them have the number {number}"],
        "unknown_picture": ["the file has no image 2", "the file has no image 7", "the file has no image 99"],
        "invalid_box": ["expected [x, y, width, height], got [1, 2, 3]"],
        "invalid_picture": ["expected COCO's number, got '1'"],
        "unknown_object": ["expected the box of one object that it means, got nothing"] * 2,
        "duplicate_box": [f"the expression {number} has an earlier one"],
        "duplicate_picture": ["the picture 3 is 'COCO_train2014_000000000003.jpg' elsewhere, not 'another.jpg'"],
    }
    assert all(str(file) in row["where"] for one in raised.value.problems[:1] for row in one["examples"][:1])


@pytest.mark.parametrize("text", ["no JSON", "[]", "{}", '{"images": [], "annotations": []}'])
def test_something_else_than_expressions(here: Here, text: str) -> None:
    expressions_of(here.root, "refcoco", "testA").write_text(text)
    with pytest.raises(DataError, match="testA"):
        here.run()
