"""RefCOCO, RefCOCO+ and RefCOCOg: which object of its picture an expression means.

Expressions come from MDETR's files, a split each: those of the data sets themselves are pickles, which are not read.
The whole expression is the phrase that is asked about; which of its words name the object is not told to the model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glipv2.benchmarks.benchmark import Benchmark, Choices, Figures, Needed, Places, Record, Scores
from glipv2.benchmarks.captions import CaptionFile, CaptionRow, read_captions, size_in
from glipv2.benchmarks.coco import PAGE as COCO_PAGE
from glipv2.benchmarks.detection import Wrong
from glipv2.benchmarks.flickr30k import MDETR_PAGE
from glipv2.benchmarks.grounding import Described, GroundingTask, Text
from glipv2.benchmarks.phrase_details import Grounded
from glipv2.benchmarks.predictor import Asking, Found
from glipv2.data.readers.building import edges, is_numbers, shown
from glipv2.scoring.refcoco import ReferringScorer

#: Boxes that are scored of each expression.
DEPTH = 10


class Meant(NamedTuple):
    split: str
    box: list[float]
    """Its edges: right and bottom are where the next pixel would begin."""


class ReferringTask(GroundingTask[Meant]):
    def __init__(self, examples: list[Described[Meant]], splits: tuple[str, ...]) -> None:
        super().__init__(examples, Asking())
        self.splits = splits

    def kept(self, found: Found) -> NDArray[np.int64]:
        return np.arange(min(len(found.scores_N), DEPTH))

    def score(self, records: Iterable[Record], keys: Collection[int]) -> Scores:
        scorer, generalized = ReferringScorer(), ReferringScorer(generalized=True)
        for record in records:
            for text, told in self.text_pairs(record):
                found = [[x1, y1, x2 + 1, y2 + 1] for x1, y1, x2, y2 in told["boxes"]]
                scorer.add(text.wanted.split, found, text.wanted.box)
                generalized.add(text.wanted.split, found, text.wanted.box)
        figures: Figures = {}
        by_iou, by_giou = scorer.result(), generalized.result()
        for split in self.splits:
            of, beside = by_iou.get(split), by_giou.get(split)
            figures |= {
                f"{split}.accuracy": None if of is None else of.accuracy,
                f"{split}.R5": None if of is None else of.at5,
                f"{split}.R10": None if of is None else of.at10,
                f"{split}.accuracyGIoU": None if beside is None else beside.accuracy,
            }
        return Scores(figures)

    def grounded(self, text: Text[Meant], told: Mapping[str, Any]) -> Iterator[Grounded]:
        boxes, scores = told["boxes"], told["scores"]
        found = [*boxes[0][:2], boxes[0][2] + 1, boxes[0][3] + 1] if boxes else None
        yield Grounded(text.caption, found, scores[0] if scores else 0, [text.wanted.box])


def read(splits: tuple[str, ...], places: Places, choices: Choices) -> ReferringTask:
    pictures: dict[int, tuple[CaptionRow, list[Text[Meant]]]] = {}
    every = Wrong(places["images"])
    for split in splits:
        wrong = Wrong(places[split])
        _read_split(split, places[split], pictures, wrong)
        every.rows += wrong.rows
    if every.rows:
        raise every.error()
    return ReferringTask(
        [
            Described(number, places["images"] / row.file_name, size_in(row), tuple(texts))
            for number, (row, texts) in pictures.items()
        ],
        splits,
    )


def _read_split(
    split: str, path: Path, pictures: dict[int, tuple[CaptionRow, list[Text[Meant]]]], wrong: Wrong
) -> None:
    """Adds its expressions to those of their pictures."""
    file = read_captions(path, wrong)
    boxes = _boxes(file, wrong)
    for row in file.images:
        where = f"image {shown(row.id)}"
        number = row.original_id
        if type(number) is not int:
            wrong.add("invalid_picture", f"{where}.original_id", f"expected COCO's number, got {shown(number)}")
        elif type(row.id) is not int or row.id not in boxes:
            wrong.add("unknown_object", where, "expected the box of one object that it means, got nothing")
        else:
            first, texts = pictures.setdefault(number, (row, []))
            if first.file_name != row.file_name:
                reason = f"the picture {number} is {shown(first.file_name)} elsewhere, not {shown(row.file_name)}"
                wrong.add("duplicate_picture", where, reason)
            texts.append(Text(row.caption, ((0, len(row.caption)),), Meant(split, boxes[row.id])))


def _boxes(file: CaptionFile, wrong: Wrong) -> dict[int, list[float]]:
    """By the images' numbers."""
    known = Counter(one.id for one in file.images if type(one.id) is int)
    for number, count in known.items():
        if count > 1:
            wrong.add("invalid_sentence", "images", f"{count} of them have the number {number}")
    found: dict[int, list[float]] = {}
    for place, one in enumerate(file.annotations):
        where = f"annotations[{place}]"
        box = edges(one.bbox)
        if type(one.image_id) is not int or one.image_id not in known:
            wrong.add("unknown_picture", where, f"the file has no image {shown(one.image_id)}")
        elif not is_numbers(one.bbox, 4):
            wrong.add("invalid_box", f"{where}.bbox", f"expected [x, y, width, height], got {shown(one.bbox)}")
        elif one.image_id in found:
            wrong.add("duplicate_box", where, f"the expression {one.image_id} has an earlier one")
        else:
            found[one.image_id] = list(box)
    return found


def _benchmark(name: str, splits: tuple[str, ...]) -> Benchmark:
    files = [Needed(one, f"mdetr_annotations/finetune_{name}_{one}.json", MDETR_PAGE) for one in splits]
    return Benchmark(
        name=name,
        description=f"{name} {', '.join(splits)}: how often the best box is the object that is meant",
        files=(
            Needed("images", "coco/train2014", COCO_PAGE, also=("refcoco/train2014",), folder=True),
            *files,
        ),
        read=partial(read, splits),
        abilities=frozenset(("ground",)),
    )


REFCOCO = _benchmark("refcoco", ("val", "testA", "testB"))

REFCOCO_PLUS = _benchmark("refcoco+", ("val", "testA", "testB"))

REFCOCOG = _benchmark("refcocog", ("val", "test"))
