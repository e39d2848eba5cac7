"""ODinW's sets and means, published figures, and the forms of results."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

import pytest

from glipv2.errors import InputError
from glipv2.scoring.exports import (
    caption_results,
    coco_results,
    json_lines,
    odinw_few_shot_submission,
    odinw_submission,
    vqa_results,
)
from glipv2.scoring.odinw import SEEDS, few_shot, over_seeds, over_sets
from glipv2.scoring.odinw_sets import ODINW_13, ODINW_35, Files
from glipv2.scoring.published import published


def test_sets_and_their_files() -> None:
    by_name = {one.name: one for one in ODINW_35}
    assert (len(by_name), len(ODINW_13)) == (35, 13)
    assert Counter(one.measured for one in ODINW_35) == {"val": 24, "minival": 11}
    eggs = by_name["EgoHands_generic"]
    folder = "odinw/EgoHands/generic/mini_val"
    assert eggs.files("minival") == Files(f"{folder}/annotations_without_background.json", folder)
    assert eggs.few_shot(3, 30).annotations == "odinw/EgoHands/generic/train/fewshot_train_shot3_seed30.json"
    pistols = by_name["pistols"].files("val")
    assert pistols == Files("odinw/pistols/export/val_annotations_without_background.json", "odinw/pistols/export")
    assert by_name["PascalVOC"].files("test") == by_name["PascalVOC"].files("val")
    assert "".join(by_name["pothole"].wording["pothole"]) == "there are some holes on the road"
    with pytest.raises(InputError, match="minival, which pothole does not have"):
        by_name["pothole"].files("minival")


def test_means_over_sets_and_seeds() -> None:
    sets = ("a", "b", "c")
    over = over_sets({"a": 0.1, "c": 0.6, "b": 0.2}, sets)
    assert (over.mean, over.median) == (pytest.approx(0.3), 0.2)
    seeds = over_seeds(dict(zip(SEEDS, (0.5, 0.6, 0.7), strict=True)))
    assert (seeds.mean, seeds.deviation) == (pytest.approx(0.6), pytest.approx(0.1))
    assert over_seeds({3: 0.5}).deviation is None
    few = few_shot({"a": {3: 0.1, 30: 0.3}, "b": {30: 0.7, 3: 0.3}}, ("a", "b"))
    assert few.all.by_seed == {3: pytest.approx(0.2), 30: pytest.approx(0.5)}
    assert (few.all.mean, few.all.deviation) == (pytest.approx(0.35), pytest.approx(0.3 / math.sqrt(2)))
    assert few.by_set["a"].mean == pytest.approx(0.2)
    with pytest.raises(InputError, match="ap: expected the AP of every set, got none of b, c"):
        over_sets({"a": 0.1}, sets)
    with pytest.raises(InputError, match="ap: expected the AP of 1 sets, got one of b"):
        over_sets({"a": 0.1, "b": 0.1}, ("a",))
    with pytest.raises(InputError, match=r"ap\[b\]: expected the seeds \[3, 30\], got \[3\]"):
        few_shot({"a": {3: 0.1, 30: 0.3}, "b": {3: 0.3}}, ("a", "b"))
    with pytest.raises(InputError, match="at least one seed"):
        over_seeds({})


def test_published_figures_have_sources() -> None:
    rows = published()
    assert all(row.source and 0 < row.value < 100 for row in rows)
    keys = Counter((row.model, row.benchmark, row.metric, row.setting, row.source, row.note) for row in rows)
    assert max(keys.values()) == 1
    assert {row.benchmark for row in published("refcoco")} == {"refcoco/val", "refcoco/testA", "refcoco/testB"}
    [glip] = [row for row in published("odinw13") if row.model == "GLIP-L"]
    assert (glip.value, glip.setting) == (51.2, "zero-shot")


ROW: dict[str, Any] = {"image_id": 1, "category_id": 2, "bbox": [1, 2, 3, 4], "score": 0.5, "label": "cat"}
MASK = {"size": [5, 6], "counts": b"02"}


def test_forms_of_results() -> None:
    written = {"image_id": 1, "category_id": 2, "bbox": [1.0, 2.0, 3.0, 4.0], "score": 0.5}
    assert list(coco_results([ROW])) == [written]
    masked = {**ROW, "segmentation": MASK}
    mask = {"size": [5, 6], "counts": "02"}
    assert list(coco_results([masked], "segmentation")) == [
        {"image_id": 1, "category_id": 2, "segmentation": mask, "score": 0.5}
    ]
    assert next(coco_results([masked], "both")) == {**written, "segmentation": mask}
    assert vqa_results({7: "yes"}) == [{"question_id": 7, "answer": "yes"}]
    assert caption_results({7: "a cat"}) == [{"image_id": 7, "caption": "a cat"}]
    assert odinw_submission({"pothole": [ROW]}) == {"pothole": [written]}
    by_seed = odinw_few_shot_submission({"pothole": {3: [ROW], 30: [], 300: []}})
    assert by_seed == {"pothole": {"3": [written], "30": [], "300": []}}
    for rows in ([], [ROW], [ROW, ROW]):
        assert json.loads("".join(json_lines(rows))) == rows


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"image_id": 1}, r"rows\[0\]\.category_id: expected one in every result, got none"),
        ({**ROW, "score": float("nan")}, r"rows\[0\]\.score: expected a finite number"),
        ({**ROW, "bbox": [1, 2, 3]}, r"rows\[0\]\.bbox: expected \[x, y, width, height\]"),
    ],
)
def test_rows_that_are_no_results(row: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        list(coco_results([row]))
    with pytest.raises(InputError, match=r"results\[pothole\]: expected results of the seeds"):
        odinw_few_shot_submission({"pothole": {3: []}})
