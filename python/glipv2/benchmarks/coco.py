"""COCO: boxes of 80 categories, and their masks; and any set of the same form."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Collection, Iterable
from typing import Any, Literal

import numpy as np

from glipv2.benchmarks.benchmark import Benchmark, Choices, Example, Figures, Needed, Places, Record, Scores
from glipv2.benchmarks.detection import DetectionTask, coco_rows, read_annotations
from glipv2.benchmarks.predictor import Asking
from glipv2.data.readers.coco import picture_name
from glipv2.data.readers.coco_file import size_of
from glipv2.scoring.coco_truth import coco_truth, nothing

#: As `COCOeval.stats` has them.
FIGURES = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl")

PAGE = "https://cocodataset.org/#download"


def read(places: Places, choices: Choices) -> CocoTask:
    annotations, images = read_annotations(places["annotations"]), places["images"]
    examples = [Example(one.id, images / str(picture_name(one)), size_of(one)) for one in annotations.images]
    return CocoTask(annotations, examples, Asking(masks=choices.masks))


class CocoTask(DetectionTask):
    def score(self, records: Iterable[Record], keys: Collection[int]) -> Scores:
        truth = coco_truth(self.annotations.path)
        boxes, by_category = self._measured(truth, list(coco_rows(records, False)), keys, "bbox")
        figures = {f"box.{name}": value for name, value in boxes.items()}
        parts: dict[str, Figures] = {name: {"box": value} for name, value in by_category.items()}
        if self.asking.masks:
            masks, by_category = self._measured(truth, list(coco_rows(records, True)), keys, "segm")
            figures |= {f"mask.{name}": value for name, value in masks.items()}
            for name, value in by_category.items():
                parts[name]["mask"] = value
        return Scores(figures, {"categories": parts})

    def _measured(
        self, truth: Any, rows: list[dict[str, Any]], keys: Collection[int], compared: Literal["bbox", "segm"]
    ) -> tuple[Figures, Figures]:
        """The figures, and AP of each category."""
        from pycocotools.cocoeval import COCOeval

        with contextlib.redirect_stdout(io.StringIO()):
            found = truth.loadRes(rows) if rows else nothing(truth)
            evaluation = COCOeval(truth, found, compared)
            evaluation.params.imgIds = sorted(keys)
            evaluation.params.catIds = list(self.annotations.ids)
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        # Thresholds, recalls, categories, sizes, limits: of all sizes, with the largest limit.
        precision_TRK = evaluation.eval["precision"][:, :, :, 0, -1]
        figures = {name: _measure(value) for name, value in zip(FIGURES, evaluation.stats.tolist(), strict=True)}
        names = self.annotations.names
        return figures, {name: _mean(precision_TRK[:, :, place]) for place, name in enumerate(names)}


def _mean(precision_TR: Any) -> float | None:
    known = precision_TR[precision_TR > -1]
    return float(np.mean(known)) if known.size else None


def _measure(value: float) -> float | None:
    """-1 is its word for nothing to measure."""
    return None if value < 0 else value


COCO = Benchmark(
    name="coco",
    description="COCO val2017: average precision of boxes, and of masks where they are asked for",
    files=(
        Needed("annotations", "coco/annotations/instances_val2017.json", PAGE),
        Needed("images", "coco/val2017", PAGE, folder=True),
    ),
    read=read,
    masks=True,
)
