"""Average precision: COCO's measure, by pycocotools, of a model that is asked for all categories of a split."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from glipv2.data.records import Dataset
from glipv2.detection.objects import Objects
from glipv2.evaluation.found import Finder
from glipv2.evaluation.progress import Progress, unheard
from glipv2.model import GLIP
from glipv2.scoring.coco_truth import coco_truth, indexed, nothing
from glipv2.text.prompts import Prompt, Window, Wording, category_prompts
from glipv2.text.wordpiece import WordPiece

#: What is compared: boxes, or masks.
Compared = Literal["bbox", "segm"]


@dataclass(frozen=True)
class Precision:
    """0 to 1; None where the pictures have nothing to measure."""

    ap: float | None
    """Mean over categories and over IoU thresholds from 0.5 to 0.95."""
    ap50: float | None
    ap75: float | None
    ap_small: float | None
    """Of objects below 32² pixels."""
    ap_medium: float | None
    ap_large: float | None
    """Of objects above 96² pixels."""


def evaluate_boxes(model: GLIP, split: Dataset, progress: Progress = unheard) -> Precision:
    prompts = prompts_of(model, split)
    finder = Finder(model)
    rows: list[dict[str, Any]] = []
    for done, picture in enumerate(split.pictures, 1):
        rows += coco_rows(finder.find(picture, prompts), picture.id, split)
        progress(done, len(split.pictures))
    return measured(split, rows)


def prompts_of(model: GLIP, split: Dataset) -> list[Prompt]:
    """They ask for all categories."""
    config = model.config.prompt
    # As in training, names may read the same.
    wording = Wording(config.separator, repeated=True)
    return category_prompts(WordPiece.default(), split.names, wording, Window(config.max_tokens))


def coco_rows(found: Objects, image: int, split: Dataset) -> list[dict[str, Any]]:
    """In COCO's result format: `[x, y, width, height]`."""
    return [
        {
            "image_id": image,
            "category_id": split.category_ids[label],
            "bbox": [x1, y1, x2 - x1 + 1, y2 - y1 + 1],
            "score": score,
        }
        for (x1, y1, x2, y2), score, label in zip(
            found.boxes_N4.tolist(), found.scores_N.tolist(), found.labels_N.tolist(), strict=True
        )
    ]


def measured(split: Dataset, rows: list[dict[str, Any]], compared: Compared = "bbox") -> Precision:
    from pycocotools.cocoeval import COCOeval

    # It prints, and what it prints is what it gives.
    with contextlib.redirect_stdout(io.StringIO()):
        truth = coco_truth(split.annotations) if split.annotations is not None else _truth(split)
        found = truth.loadRes(rows) if rows else nothing(truth)
        evaluation = COCOeval(truth, found, compared)
        evaluation.params.imgIds = [picture.id for picture in split.pictures]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    # -1 is its word for nothing to measure.
    return Precision(*(None if value < 0 else value for value in evaluation.stats[:6].tolist()))


def _truth(split: Dataset) -> Any:
    """Of objects that are in no file of COCO's form. What COCO calls their area is the box's."""
    rows: list[dict[str, Any]] = []
    for picture in split.pictures:
        for row, ((x1, y1, x2, y2), category) in enumerate(
            zip(picture.boxes_M4.tolist(), picture.categories_M, strict=False)
        ):
            width, height = x2 - x1 + 1, y2 - y1 + 1
            box: dict[str, Any] = {"bbox": [x1, y1, width, height]}
            mask = None if picture.masks_M is None else picture.masks_M[row]
            if mask is not None:
                box["segmentation"] = msgspec.json.decode(mask.json)
            category_id = split.category_ids[category]
            rows.append({"image_id": picture.id, "category_id": category_id, **box})
    content = {
        "images": [
            {"id": one.id, "file_name": one.file.name, "height": one.size[0], "width": one.size[1]}
            for one in split.pictures
        ],
        "categories": [{"id": id, "name": name} for id, name in zip(split.category_ids, split.names, strict=True)],
        "annotations": rows,
    }
    return indexed(content)
