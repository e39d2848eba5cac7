"""The measures on answers that are known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_scenes import write_split
from tiny_runs import TINY

from glipv2.data.records import Dataset
from glipv2.data.scenes import read_split
from glipv2.detection.objects import Objects
from glipv2.evaluation.boxes import Precision, coco_rows, measured, prompts_of
from glipv2.evaluation.phrases import any_object, asked, hit, largest_object, overlaps
from glipv2.model import GLIP


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return read_split(write_split(tmp_path_factory.mktemp("scenes") / "val"))


def truth(split: Dataset, shift: float = 0.0) -> list[dict[str, object]]:
    rows = []
    for picture in split.pictures:
        boxes_N4 = torch.from_numpy(picture.boxes_M4) + shift
        count = len(boxes_N4)
        found = Objects(boxes_N4, torch.ones(count), torch.tensor(picture.categories_M), torch.zeros(count))
        rows += coco_rows(found, picture.id, split)
    return rows


def test_who_says_the_truth_has_an_ap_of_one(split: Dataset) -> None:
    assert measured(split, truth(split)) == Precision(1.0, 1.0, 1.0, 1.0, 1.0, None), "no square is large"


def test_who_is_off_by_some_pixels_has_less(split: Dataset) -> None:
    metrics = measured(split, truth(split, shift=3.0))
    assert metrics.ap is not None
    assert 0.3 < metrics.ap < 1.0 == metrics.ap50


def test_who_says_nothing_has_none(split: Dataset) -> None:
    assert measured(split, []) == Precision(0.0, 0.0, 0.0, 0.0, 0.0, None)


def test_the_first_pictures_alone_are_measured(split: Dataset) -> None:
    first = split.first(2)
    assert len(first.pictures) == 2
    assert measured(first, [row for row in truth(split) if row["image_id"] in (1, 2)]).ap == 1.0
    assert split.first(None).pictures == split.pictures


def test_what_files_of_this_form_may_lack(tmp_path: Path, split: Dataset) -> None:
    """Areas, crowds and numbers; an object 0 is one like others."""
    assert split.annotations is not None
    content = json.loads(split.annotations.read_text())
    expected = measured(split, truth(split))
    for lacking in (("area",), ("iscrowd",), ("id",), ("area", "iscrowd", "id")):
        objects = [{key: one[key] for key in one.keys() - set(lacking)} for one in content["annotations"]]
        file = tmp_path / "lacking.json"
        file.write_text(json.dumps({**content, "annotations": objects}))
        found = measured(replace(split, annotations=file), truth(split))
        assert found.ap == expected.ap, lacking
    numbered = [{**one, "id": number} for number, one in enumerate(content["annotations"])]
    (tmp_path / "from-0.json").write_text(json.dumps({**content, "annotations": numbered}))
    assert measured(replace(split, annotations=tmp_path / "from-0.json"), truth(split)).ap == expected.ap


def test_names_that_read_the_same_are_each_asked_for(split: Dataset) -> None:
    model = GLIP(TINY)
    [prompt] = prompts_of(model, replace(split, names=("Cat", "cat"), category_ids=(1, 2)))
    assert len(prompt.groups) == 2


def test_a_hit_overlaps_by_half_one_of_what_is_meant(split: Dataset) -> None:
    picture = split.pictures[0]
    red, blue = picture.sentences[0].phrases
    assert hit(picture.boxes_M4[0], picture, red)
    assert not hit(picture.boxes_M4[0], picture, blue)
    half = picture.boxes_M4[0] + np.array([0, 0, 0, 40], np.float32)
    assert hit(half, picture, red) == (overlaps(half, picture.boxes_M4[:1])[0] >= 0.5)


def test_baselines(split: Dataset) -> None:
    assert any_object(split) == 0.5
    assert largest_object(split) == 0.5
    assert len(list(asked(split, 2))) == 6


def test_overlap_counts_the_last_pixel() -> None:
    box = np.array([0, 0, 9, 9], np.float32)
    assert overlaps(box, np.array([[5, 0, 14, 9]], np.float32))[0] == pytest.approx(50 / 150)


def test_no_scenes_no_measure(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_split(tmp_path / "absent")
