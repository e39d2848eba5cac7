"""LVIS in miniature: known answers, what counts nowhere, and annotations that lack what LVIS adds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from known_answers import Changed, Knowing, Row, write_json, write_lvis_layout

from glipv2.benchmarks.benchmark import Choices
from glipv2.benchmarks.layout import located
from glipv2.benchmarks.predictor import Asking, Found, Pixels
from glipv2.benchmarks.registry import BENCHMARKS
from glipv2.benchmarks.running import Options, Outcome, run
from glipv2.errors import DataError

MINIVAL = BENCHMARKS["lvis-minival"]
ALL = ("box.fixed.AP", "box.plain.AP", "mask.fixed.AP", "mask.plain.AP")


class Here:
    def __init__(self, folder: Path) -> None:
        self.root = folder / "data"
        self.output = folder / "run"
        self.content = write_lvis_layout(self.root)
        self.file = self.root / "coco" / "annotations" / "lvis_v1_minival_inserted_image_name.json"

    def knowing(self, changed: Changed = lambda rows: rows) -> Knowing:
        return Knowing(self.root / "coco", self.content, changed)

    def run(self, predictor: Any = None, **options: Any) -> Outcome:
        places = located(MINIVAL, self.root)
        return run(MINIVAL, places, predictor or self.knowing(), Options(self.output, **options), lambda event: None)


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


def test_who_knows_scores_one(here: Here) -> None:
    figures = here.run(choices=Choices(masks=True)).scores.figures
    assert {name: figures[name] for name in ALL} == dict.fromkeys(ALL, pytest.approx(1))
    assert [figures[f"box.fixed.AP{group}"] for group in "rcf"] == [pytest.approx(1)] * 3


def test_who_finds_nothing_scores_zero(here: Here) -> None:
    figures = here.run(here.knowing(lambda rows: []), choices=Choices(masks=True)).scores.figures
    assert {name: figures[name] for name in ALL} == dict.fromkeys(ALL, 0)


def with_another(category: int) -> Changed:
    """First of all, an object of the category where none is."""

    def changed(rows: list[Row]) -> list[Row]:
        return [([100.0, 100.0, 120.0, 120.0], category), *rows]

    return changed


def test_only_what_a_picture_is_known_to_lack_is_an_error(here: Here) -> None:
    # The pictures with no green say so; of those with no blue nothing is known.
    green, blue = (
        next(one["id"] for one in here.content["categories"] if one["name"] == name) for name in ("green", "blue")
    )
    images = here.content["images"]
    has = {
        one["id"]: {row["category_id"] for row in here.content["annotations"] if row["image_id"] == one["id"]}
        for one in images
    }
    for one in images:
        one["neg_category_ids"] = [green] if green not in has[one["id"]] else []
        one["not_exhaustive_category_ids"] = [blue] if blue in has[one["id"]] else []
    write_json(here.file, here.content)
    assert here.run(here.knowing(with_another(blue))).scores.figures["box.fixed.AP"] == pytest.approx(1)
    here.output = here.output.with_name("other")
    outcome = here.run(here.knowing(with_another(green)))
    by_category = outcome.scores.parts["categories"]
    assert (by_category["green"]["box.fixed"] or 0) < 0.7
    assert by_category["red"]["box.fixed"] == pytest.approx(1)


def test_it_asks_as_the_official_evaluation_does(here: Here) -> None:
    asked: list[Asking] = []

    class Heard(Knowing):
        def detect(self, pixels: Pixels, categories: Any, asking: Asking) -> Found:
            asked.append(asking)
            return super().detect(pixels, categories, asking)

    here.run(Heard(here.root / "coco", here.content), pictures=1)
    assert asked == [Asking(labels=40, objects=300, masks=False)]


def test_annotations_without_what_lvis_adds(here: Here) -> None:
    del here.content["images"][0]["neg_category_ids"]
    here.content["images"][2]["not_exhaustive_category_ids"] = None
    here.content["categories"][1]["frequency"] = "often"
    write_json(here.file, here.content)
    with pytest.raises(DataError) as raised:
        here.run()
    found = {one["kind"]: [example["reason"] for example in one["examples"]] for one in raised.value.problems}
    assert found == {
        "invalid_picture": ["expected category ids, got nothing"] * 2,
        "invalid_category": ["expected r, c, f, got 'often'"],
    }


def test_pictures_of_one_folder_will_do(here: Here, tmp_path: Path) -> None:
    """A user's own set in LVIS's form."""
    places = {"annotations": here.file, "images": here.root / "coco" / "val2017"}
    outcome = run(MINIVAL, places, here.knowing(), Options(tmp_path / "own"), lambda event: None)
    assert outcome.scores.figures["box.plain.AP"] == pytest.approx(1)
