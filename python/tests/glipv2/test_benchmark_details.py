"""What a report shows of a run: known errors on COCO and LVIS in miniature."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from known_answers import Changed, Knowing, Row, shifted, write_annotations, write_coco_layout, write_lvis_layout
from lvis_miniature import lvis_miniature

from glipv2.benchmarks.benchmark import Example
from glipv2.benchmarks.detection_details import detection_details
from glipv2.benchmarks.layout import located
from glipv2.benchmarks.registry import BENCHMARKS
from glipv2.benchmarks.running import Options, Outcome, run
from glipv2.scoring.judging import KINDS, Objects, judged


class Here:
    def __init__(self, folder: Path) -> None:
        self.root, self.output = folder / "data", folder / "run"
        self.content = write_coco_layout(self.root)
        self.images = self.root / "coco" / "val2017"

    def run(self, changed: Changed = lambda rows: rows) -> tuple[Outcome, dict[str, Any]]:
        predictor = Knowing(self.images, self.content, changed)
        coco = BENCHMARKS["coco"]
        outcome = run(coco, located(coco, self.root), predictor, Options(self.output), lambda event: None)
        return outcome, json.loads((self.output / "details.json").read_text())


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


def test_who_knows_makes_no_error(here: Here) -> None:
    _, details = here.run()
    objects = len(here.content["annotations"])
    assert details["counts"] == {"right": objects, **dict.fromkeys(KINDS, 0), "missed": 0}
    assert (details["threshold"], details["cases"]) == (0.5, [])
    assert [one["name"] for one in details["curves"]] == ["IoU 0.5", "IoU 0.75", "IoU 0.5 to 0.95"]
    assert all(one["precision"] == [1.0] * 101 for one in details["curves"])


def test_who_finds_nothing_misses_all(here: Here) -> None:
    _, details = here.run(lambda rows: [])
    assert details["counts"]["missed"] == len(here.content["annotations"])
    assert details["threshold"] is None
    assert {one["kind"] for one in details["cases"]} == {"picture"}
    assert all(box["verdict"] == "missed" and box["score"] is None for one in details["cases"] for box in one["boxes"])
    assert all(one["precision"] == [0.0] * 101 for one in details["curves"])


def test_an_error_is_shown_with_what_it_is_near(here: Here) -> None:
    del here.content["annotations"][1:]
    write_annotations(here.root, here.content)
    first = here.content["annotations"][0]["image_id"]
    _, details = here.run(lambda rows: rows * 2)
    assert details["counts"] == {"right": 1, **dict.fromkeys(KINDS, 0), "missed": 0}, "from the score of the first on"
    [case] = details["cases"]
    assert (case["kind"], case["id"], case["text"], case["size"]) == ("error", first, "duplicate", [128, 128])
    assert [(box["verdict"], box["score"]) for box in case["boxes"]] == [("true", None), ("wrong", 0.5)]
    assert Path(case["picture"]).is_file()


BOXES = [[10, 10, 20, 20], [10, 10, 20, 19], [10, 10, 20, 20], [10, 10, 10, 10], [50, 50, 20, 20]]


def test_each_kind_of_error_is_told() -> None:
    rows = [{"image_id": 1, "category_id": 1, "score": 1 - place / 10, "bbox": box} for place, box in enumerate(BOXES)]
    rows[2]["category_id"] = 2
    one = judged(Objects([1], [[10, 10, 20, 20]]), rows)
    assert one.right_TD[0].tolist() == [True, False, False, False, False]
    assert [KINDS[kind] for kind in one.kinds_D] == ["duplicate", "duplicate", "category", "box", "background"]
    assert one.nearest_D.tolist() == [0, 0, 0, 0, -1]
    assert one.found_G.tolist() == [True]


def test_what_lies_in_a_crowd_or_was_not_looked_for_is_no_error() -> None:
    row = {"image_id": 1, "category_id": 1, "score": 0.9, "bbox": [10, 10, 5, 5]}
    crowd = judged(Objects(crowds=[(1, [0, 0, 50, 50])]), [row])
    assert (crowd.right_TD.any(), crowd.ignored_TD.all()) == (False, True)
    other = judged(Objects(crowds=[(2, [0, 0, 50, 50])]), [row])
    assert not other.ignored_TD.any()
    assert judged(Objects(measured={2}), [row]).rows == []
    assert judged(Objects(measured={1}, unsure={1}), [row]).ignored_TD.all()


@pytest.mark.parametrize("by", [3.0, 6.0])
def test_curves_are_those_of_the_figures(here: Here, by: float) -> None:
    def wrong(rows: list[Row]) -> list[Row]:
        return [*shifted(by)(rows)[::2], *rows, ([1.0, 1.0, 30.0, 30.0], rows[0][1])] if len(rows) > 1 else []

    outcome, details = here.run(wrong)
    means = [float(np.mean(one["precision"])) for one in details["curves"]]
    figures = [outcome.scores.figures[f"box.{name}"] for name in ("AP50", "AP75", "AP")]
    assert means == pytest.approx(figures, abs=1e-4)
    assert 0 < means[2] < 1


def test_the_worst_pictures_come_first_with_what_is_missed(here: Here) -> None:
    calls = iter(range(99))

    def first_is_lost(rows: list[Row]) -> list[Row]:
        return [] if next(calls) == 0 else rows

    _, details = here.run(first_is_lost)
    [case] = details["cases"]
    objects = sum(one["image_id"] == case["id"] for one in here.content["annotations"])
    assert (case["kind"], case["text"]) == ("picture", f"0 of {objects} found, 0 wrong")
    assert [box["verdict"] for box in case["boxes"]] == ["missed"] * objects


def test_lvis_has_details_of_what_its_annotators_looked_for(tmp_path: Path) -> None:
    content = write_lvis_layout(tmp_path / "data")
    minival = BENCHMARKS["lvis-minival"]
    predictor = Knowing(tmp_path / "data" / "coco", content)
    run(minival, located(minival, tmp_path / "data"), predictor, Options(tmp_path / "run"), lambda event: None)
    details = json.loads((tmp_path / "run" / "details.json").read_text())
    assert details["counts"]["right"] == len(content["annotations"])
    assert details["cases"] == []


def test_curves_of_lvis_are_those_of_its_figures() -> None:
    dataset, found = lvis_miniature()
    objects = {one["id"]: Objects(unsure=one["not_exhaustive_category_ids"]) for one in dataset["images"]}
    for row in dataset["annotations"]:
        objects[row["image_id"]].categories.append(row["category_id"])
        objects[row["image_id"]].boxes.append(row["bbox"])
    for one in dataset["images"]:
        there = objects[one["id"]]
        there.measured = {*one["neg_category_ids"], *there.categories}
    records = [{"id": picture, "rows": rows} for picture, rows in found.items()]
    names = {one["id"]: one["name"] for one in dataset["categories"]}
    examples = {key: Example(key, Path(f"{key}.png"), None) for key in objects}
    details = detection_details(records, lambda one: one["rows"], objects, examples, names)
    assert _means(details.curves) == pytest.approx(_figures(dataset, found), abs=1e-4)
    assert details.cases[0].size is None


def _means(curves: Sequence[Any]) -> list[float]:
    return [float(np.mean(one.precision)) for one in curves]


def _figures(dataset: Any, found: Any) -> list[float | None]:
    from glipv2.scoring.lvis import LvisScorer
    from glipv2.scoring.lvis_truth import LvisTruth

    scorer = LvisScorer(LvisTruth(dataset))
    for picture, rows in found.items():
        scorer.add(picture, rows)
    result = scorer.result()
    return [result.ap50, result.ap75, result.ap]
