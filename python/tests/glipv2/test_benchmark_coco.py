"""COCO in miniature: known answers, runs that are killed, and data that is not right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import PIL.Image as pil
import pytest
from known_answers import Knowing, annotations_of, shifted, write_annotations, write_coco_layout

from glipv2.benchmarks.benchmark import Choices
from glipv2.benchmarks.layout import LayoutError, located
from glipv2.benchmarks.registry import BENCHMARKS
from glipv2.benchmarks.running import Advanced, Event, Options, Outcome, Scoring, Started, run
from glipv2.data.problems import Problem
from glipv2.errors import DataError, InputError

COCO = BENCHMARKS["coco"]
PICTURES = 4


class Here:
    """A miniature, and runs on it."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "data"
        self.output = folder / "run"
        self.content = write_coco_layout(self.root, PICTURES)
        self.images = self.root / "coco" / "val2017"
        self.predictor = Knowing(self.images, self.content)
        self.events: list[Event] = []

    def run(self, predictor: Knowing | None = None, **options: Any) -> Outcome:
        places = located(COCO, self.root)
        self.events = []
        return run(COCO, places, predictor or self.predictor, Options(self.output, **options), self.events.append)


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


def test_who_knows_scores_one(here: Here) -> None:
    outcome = here.run(choices=Choices(masks=True))
    figures = outcome.scores.figures
    for name in ("box.AP", "box.AP50", "box.AP75", "box.AR100", "mask.AP", "mask.AR100"):
        assert figures[name] == pytest.approx(1), name
    assert figures["box.APl"] is None, "no square is large"
    assert outcome.scores.parts["categories"]["red"] == {"box": pytest.approx(1), "mask": pytest.approx(1)}
    assert (outcome.pictures, outcome.problems) == (PICTURES, ())
    written = json.loads((here.output / "result.json").read_text())
    assert (written["benchmark"], written["metrics"]) == ("coco", figures)


def test_who_finds_nothing_scores_zero(here: Here) -> None:
    nobody = Knowing(here.images, here.content, lambda rows: [])
    figures = here.run(nobody, choices=Choices(masks=True)).scores.figures
    assert (figures["box.AP"], figures["box.AR100"], figures["mask.AP"]) == (0, 0, 0)


def test_shifted_boxes_count_up_to_their_overlap(here: Here) -> None:
    sides = [one["bbox"][2] for one in here.content["annotations"]]
    by = min(sides) / 5
    # A square of side s that is d to the right of itself: (s - d) / (s + d).
    overlaps = [(side - by) / (side + by) for side in sides]
    assert all(0.65 < one < 0.85 for one in overlaps)
    figures = here.run(Knowing(here.images, here.content, shifted(by))).scores.figures
    assert figures["box.AP50"] == pytest.approx(1)
    strict = [sum(one >= limit / 100 for one in overlaps) / len(overlaps) for limit in range(50, 100, 5)]
    # Recall has no precision in it: the mean over thresholds of what is found, category by category.
    assert figures["box.AR100"] == pytest.approx(sum(strict) / 10, abs=0.1)
    assert 0 < (figures["box.AP"] or 0) < 1


def test_events_tell_how_far_it_is(here: Here) -> None:
    here.run()
    started, *advanced, scoring = here.events
    assert started == Started(PICTURES, 0, here.output)
    assert isinstance(advanced[-1], Advanced)
    assert (advanced[-1].done, advanced[-1].total, advanced[-1].eta_seconds) == (PICTURES, PICTURES, 0)
    assert scoring == Scoring(PICTURES)


def test_the_first_pictures(here: Here) -> None:
    outcome = here.run(pictures=2)
    assert (outcome.pictures, outcome.scores.figures["box.AP"]) == (2, pytest.approx(1))
    assert here.predictor.asked == 2
    assert here.run(pictures=3, resume=True).pictures == 3
    assert here.predictor.asked == 3, "more pictures may be asked for later"


def test_a_killed_run_goes_on_without_asking_again(here: Here) -> None:
    whole = Knowing(here.images, here.content)
    expected = here.run(whole).scores
    lines = (here.output / "predictions.jsonl").read_bytes().splitlines(keepends=True)
    # Killed while it wrote the third.
    (here.output / "predictions.jsonl").write_bytes(b"".join(lines[:2]) + lines[2][:20])
    (here.output / "result.json").unlink()
    outcome = here.run(resume=True)
    assert here.events[0] == Started(PICTURES, 2, here.output)
    assert here.predictor.asked == PICTURES - 2
    assert outcome.scores == expected
    assert (here.output / "predictions.jsonl").read_bytes() == b"".join(lines)


def test_a_run_is_not_overwritten(here: Here) -> None:
    here.run()
    with pytest.raises(InputError, match="output: expected a folder without a run in it, or resume"):
        here.run()


def test_only_the_same_run_goes_on(here: Here) -> None:
    here.run()
    here.predictor.identity = "another"
    with pytest.raises(InputError, match="whose run has another model"):
        here.run(resume=True)
    here.predictor.identity = "who knows"
    here.content["info"] = {"version": 2}
    write_annotations(here.root, here.content)
    with pytest.raises(InputError, match="whose run has another sha256 and another masks"):
        here.run(resume=True, choices=Choices(masks=True))


def test_all_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(LayoutError) as raised:
        located(COCO, tmp_path)
    coco = tmp_path / "coco"
    places = [coco / "annotations" / "instances_val2017.json", coco / "val2017"]
    assert [one.path for one in raised.value.missing] == places
    assert all(one.page == "https://cocodataset.org/#download" for one in raised.value.missing)
    assert all(str(place) in str(raised.value) for place in places)
    (coco / "val2017").mkdir(parents=True)
    annotations_of(tmp_path).mkdir(parents=True)
    with pytest.raises(LayoutError) as raised:
        located(COCO, tmp_path)
    assert [one.reason for one in raised.value.missing] == ["is no file", "is empty"]


def test_pictures_that_cannot_be_read_are_told_at_the_end(here: Here) -> None:
    names = [one["file_name"] for one in here.content["images"]]
    (here.images / names[1]).rename(here.root / "away.png")
    (here.images / names[2]).write_bytes(b"no picture")
    pil.new("RGB", (5, 7)).save(here.images / names[3])
    with pytest.raises(DataError, match="The predictions of the other pictures are kept") as raised:
        here.run()
    kinds = ["missing_picture", "unreadable_picture", "wrong_size"]
    assert [(one["kind"], one["count"]) for one in raised.value.problems] == [(kind, 1) for kind in kinds]
    wheres = [one["examples"][0]["where"] for one in raised.value.problems]
    assert wheres == [str(here.images / name) for name in names[1:]]
    assert raised.value.problems[2]["examples"][0]["reason"] == "expected 128 x 128 pixels, got 5 x 7"
    assert [one.kind for one in here.events if isinstance(one, Problem)] == kinds
    assert here.predictor.asked == 1
    # One of them comes back; the others are left out.
    (here.root / "away.png").rename(here.images / names[1])
    outcome = here.run(resume=True, problems="skip")
    assert (outcome.pictures, len(outcome.problems), here.predictor.asked) == (2, 2, 2)
    assert outcome.scores.figures["box.AP"] == pytest.approx(1), "what was left out does not count"


def test_predictions_of_something_else(here: Here) -> None:
    here.run(pictures=1)
    file = here.output / "predictions.jsonl"
    [line] = file.read_text().splitlines()
    record = json.loads(line)
    foreign = [{**record, "id": 77}, {**record, "id": 78}, record]
    broken = [
        {**record, "id": 2, "categories": [99] * len(record["categories"])},
        {**record, "id": 3, "scores": []},
        {**record, "id": 4, "boxes": [[1, 2, 3]] * len(record["boxes"])},
    ]
    file.write_text("".join(json.dumps(one) + "\n" for one in [record, *foreign, *broken]))
    with pytest.raises(DataError, match="predictions that are none of this run") as raised:
        here.run(resume=True)
    found = {one["kind"]: [example["reason"] for example in one["examples"]] for one in raised.value.problems}
    assert found == {
        "unknown_picture": ["the benchmark has no picture 77", "the benchmark has no picture 78"],
        "duplicate_picture": ["picture 1 has an earlier one"],
        "invalid_line": [
            "the annotations have no category 99",
            "expected as many of each of categories, boxes, scores",
            "expected numbers for scores, and four of them for each box",
        ],
    }


def test_categories_that_disagree_with_the_annotations(here: Here) -> None:
    rows = here.content["annotations"]
    rows[0]["category_id"] = 90
    rows[1]["category_id"] = 91
    rows[2]["category_id"] = 91
    rows[3]["image_id"] = 1000
    here.content["categories"][2]["name"] = "red"
    here.content["images"].append(dict(here.content["images"][0]))
    write_annotations(here.root, here.content)
    with pytest.raises(DataError) as raised:
        here.run()
    found = {one["kind"]: [example["reason"] for example in one["examples"]] for one in raised.value.problems}
    assert found == {
        "duplicate_category": ["'red' is an earlier category's"],
        "duplicate_picture": ["expected an integer of its own, got 1"],
        "unknown_picture": ["1 of them are of the picture 1000, which the file does not list"],
        "unknown_category": [
            "1 of them are of the category 90, which the file does not list",
            "2 of them are of the category 91, which the file does not list",
        ],
    }
    assert not here.output.exists(), "nothing was begun"


@pytest.mark.parametrize("text", ["no JSON", "[]", "{}", '{"images": [], "annotations": [], "categories": []}'])
def test_something_else_than_annotations(here: Here, text: str) -> None:
    annotations_of(here.root).write_text(text)
    with pytest.raises(DataError):
        here.run()


def test_objects_counted_from_zero_are_objects(here: Here) -> None:
    for number, one in enumerate(here.content["annotations"]):
        one["id"] = number
    write_annotations(here.root, here.content)
    assert here.run().scores.figures["box.AP"] == pytest.approx(1)
