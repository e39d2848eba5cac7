"""What masks are measured by, on answers that are known, and over a model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from drawn_scenes import write_split
from tiny_runs import MASKED, configure, events, result, run_here

from glipv2.data.records import Dataset, Picture
from glipv2.data.scenes import read_split
from glipv2.errors import InputError
from glipv2.evaluation.boxes import measured
from glipv2.evaluation.found import Finder
from glipv2.evaluation.masks import evaluate_masks, filled_boxes, overlap, phrase_overlaps
from glipv2.model import GLIP

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_split(tmp_path_factory.mktemp("scenes") / "val", 3)


@pytest.fixture(scope="module")
def split(folder: Path) -> Dataset:
    return read_split(folder, masks=True)


def truth(split: Dataset) -> list[dict[str, Any]]:
    return [
        {
            "image_id": picture.id,
            "category_id": split.category_ids[category],
            "segmentation": json.loads(mask.json),
            "score": 1.0,
        }
        for picture in split.pictures
        for category, mask in zip(picture.categories_M, picture.masks_M or (), strict=True)
        if mask is not None
    ]


def as_runs(split: Dataset, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from pycocotools import mask as coco

    height, width = split.pictures[0].size
    return [{**row, "segmentation": coco.frPyObjects(row["segmentation"], height, width)[0]} for row in rows]


def test_who_says_the_truth_has_an_ap_of_one(split: Dataset) -> None:
    rows = as_runs(split, truth(split))
    assert measured(split, rows, "segm").ap == pytest.approx(1.0)
    # The same of data that is in no file of COCO's form.
    assert measured(replace(split, annotations=None), as_runs(split, truth(split)), "segm").ap == pytest.approx(1.0)
    assert measured(split, [], "segm").ap == 0


def test_squares_fill_their_boxes(split: Dataset) -> None:
    assert filled_boxes(split) == 1.0


def test_overlaps() -> None:
    one, other = np.zeros((4, 4), np.bool_), np.zeros((4, 4), np.bool_)
    one[:2], other[1:3] = True, True
    assert overlap(one, other) == pytest.approx(1 / 3)
    assert overlap(one, one) == 1
    assert overlap(one & ~one, other & ~other) == 0


class Knowing(Finder):
    """Finds all squares of a picture for every phrase, the last one a little less surely."""

    def __init__(self, split: Dataset, scores: list[float]) -> None:
        self.split, self.scores = split, scores

    def segment(self, picture: Picture, prompts: Any) -> Any:
        from glipv2.detection.objects import Objects
        from glipv2.detection.rle import encoded

        labels = [label for prompt in prompts for label in range(len(prompt.groups))]
        masks = []
        for x1, y1, x2, y2 in picture.boxes_M4.astype(int).tolist():
            masks.append(encoded(np.ones((y2 - y1 + 1, x2 - x1 + 1), np.bool_), (y1, x1), picture.size))
        count = len(masks)
        rows = [(label, at) for label in labels for at in range(count)]
        boxes = torch.from_numpy(picture.boxes_M4)[[at for _, at in rows]]
        scores = torch.tensor([self.scores[at] for _, at in rows])
        labels_N = torch.tensor([label for label, _ in rows])
        return Objects(boxes, scores, labels_N, torch.zeros(len(rows))), [masks[at] for _, at in rows]


def test_a_phrase_is_all_of_its_sure_objects(split: Dataset) -> None:
    picture = split.pictures[0]
    one, other = (float((box[2:] - box[:2] + 1).prod()) for box in picture.boxes_M4)
    both = phrase_overlaps(Knowing(split, [0.9, 0.8]), MASKED, picture)
    assert both == pytest.approx([one / (one + other), other / (one + other)])
    assert phrase_overlaps(Knowing(split, [0.9, 0.4]), MASKED, picture) == pytest.approx([1, 0])
    assert phrase_overlaps(Knowing(split, [0.2, 0.4]), MASKED, picture) == pytest.approx([0, 1]), "the best one"


def test_a_model_is_measured(split: Dataset, folder: Path) -> None:
    torch.manual_seed(0)
    model = GLIP(MASKED)
    done: list[tuple[int, int]] = []
    metrics = evaluate_masks(model, split, progress=lambda *now: done.append(now))
    assert done == [(1, 3), (2, 3), (3, 3)]
    assert metrics.precision.ap is not None
    assert 0 <= metrics.mean_iou < 0.5 < metrics.filled_boxes
    with pytest.raises(InputError, match="a mask of every object"):
        evaluate_masks(model, read_split(folder))


def test_a_run_tells_of_them(tmp_path: Path) -> None:
    source = {"format": "scenes", "folder": str(tmp_path / "train")}
    options = {"steps": 2, "config": MASKED.to_json(), "validation": source, "evaluate_steps": 2}
    run = configure(tmp_path, losses={"masks": 1.0}, **options)
    assert run_here(run) == "completed"
    names = ["maskAP", "maskAP50", "maskAP75", "maskAPs", "maskAPm", "maskAPl"]
    assert [name for name in result(run)["metrics"] if name.startswith("mask")] == names
    assert all(one["losses"]["masks"] > 0 for one in events(run, "step"))
    other = configure(tmp_path, "other", **options)
    assert run_here(other) == "completed"
    assert "masks" not in events(other, "step")[0]["losses"]
    assert not any(name.startswith("mask") for name in result(other)["metrics"]), "they were not read"
