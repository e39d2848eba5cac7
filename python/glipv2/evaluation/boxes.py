"""Box AP: COCO's measure, by pycocotools, of a model that is asked for all categories of a split."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import Any

from glipv2.data.scenes import Split
from glipv2.detection.objects import Objects
from glipv2.evaluation.found import Finder
from glipv2.model import GLIP
from glipv2.text.prompts import Window, Wording, category_prompts
from glipv2.text.wordpiece import WordPiece


@dataclass(frozen=True)
class BoxMetrics:
    """0 to 1."""

    ap: float
    """Mean over categories and over IoU thresholds from 0.5 to 0.95."""
    ap50: float
    ap75: float


def evaluate_boxes(model: GLIP, split: Split) -> BoxMetrics:
    config = model.config.prompt
    prompts = category_prompts(WordPiece.default(), split.names, Wording(config.separator), Window(config.max_tokens))
    finder = Finder(model)
    rows: list[dict[str, Any]] = []
    for picture in split.pictures:
        rows += coco_rows(finder.find(picture.file, prompts), picture.id, split)
    return measured(split, rows)


def coco_rows(found: Objects, image: int, split: Split) -> list[dict[str, Any]]:
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


def measured(split: Split, rows: list[dict[str, Any]]) -> BoxMetrics:
    if not rows:
        return BoxMetrics(0.0, 0.0, 0.0)
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    # It prints, and what it prints is what it gives.
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(split.annotations))
        evaluation = COCOeval(truth, truth.loadRes(rows), "bbox")
        evaluation.params.imgIds = [picture.id for picture in split.pictures]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    ap, ap50, ap75 = evaluation.stats[:3].tolist()
    return BoxMetrics(ap, ap50, ap75)
