"""Masks: COCO's average precision by categories, and the mean IoU of phrases (as PhraseCut has it, Wu et al., 2020).

Legend: N objects, H W the sides of a picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from torch import Tensor

from glipv2.config import GlipConfig
from glipv2.data.masks import Bitmap, bitmap
from glipv2.data.records import Dataset, Mask, Picture
from glipv2.errors import InputError
from glipv2.evaluation.boxes import Precision, coco_rows, measured, prompts_of
from glipv2.evaluation.found import Finder
from glipv2.evaluation.phrases import asked, chosen
from glipv2.evaluation.progress import Progress, unheard
from glipv2.model import GLIP
from glipv2.text.prompts import Prompt, Window, caption_prompts
from glipv2.text.wordpiece import WordPiece

#: A phrase's mask is that of all its objects which score above this together; of the best one where none does.
SURE = 0.5


@dataclass(frozen=True)
class MaskMetrics:
    precision: Precision

    mean_iou: float
    """Of phrases: what is found for one, and what it speaks of, each all of its objects together."""

    filled_boxes: float
    """The same for who knows what a phrase speaks of, and takes its boxes for its masks."""


def evaluate_masks(model: GLIP, split: Dataset, sentences: int = 2, progress: Progress = unheard) -> MaskMetrics:
    """`sentences`: of each picture, as in `phrases`. InputError: an object has no mask."""
    if not split.masked:
        raise InputError("annotations", "a mask of every object (segmentation)", "objects without")
    prompts = prompts_of(model, split)
    finder = Finder(model)
    rows: list[dict[str, Any]] = []
    overlaps: list[float] = []
    for done, picture in enumerate(split.pictures, 1):
        rows += mask_rows(finder, picture, prompts, split)[1]
        overlaps += phrase_overlaps(finder, model.config, picture, sentences)
        progress(done, len(split.pictures))
    return MaskMetrics(measured(split, rows, "segm"), _mean(overlaps), filled_boxes(split, sentences))


def mask_rows(
    finder: Finder, picture: Picture, prompts: Sequence[Prompt], split: Dataset
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What is found, in COCO's result format twice: as boxes, and as masks, whose area COCO then takes."""
    found, masks = finder.segment(picture, prompts)
    boxes = coco_rows(found, picture.id, split)
    size = list(picture.size)
    segments = [
        {**{key: one for key, one in row.items() if key != "bbox"}, "segmentation": {"size": size, "counts": mask}}
        for row, mask in zip(boxes, masks, strict=True)
    ]
    return boxes, segments


def phrase_overlaps(finder: Finder, config: GlipConfig, picture: Picture, sentences: int = 2) -> list[float]:
    """IoU of each phrase, of the picture's sentences that are asked."""
    tokenizer, window = WordPiece.default(), Window(config.text.longest)
    overlaps = []
    for sentence in chosen(picture, sentences):
        spans = [(phrase.start, phrase.end) for phrase in sentence.phrases]
        found, masks = finder.segment(picture, caption_prompts(tokenizer, sentence.text, spans, window))
        for label, phrase in enumerate(sentence.phrases):
            mine = (found.labels_N == label).nonzero().flatten()
            sure = _sure(mine, found.scores_N)
            encoded = [Mask(msgspec.json.encode({"size": picture.size, "counts": masks[row]})) for row in sure]
            overlaps.append(overlap(_together(encoded, picture.size), _meant(picture, phrase.objects)))
    return overlaps


def filled_boxes(split: Dataset, sentences: int = 2) -> float:
    """The mean IoU of who knows the boxes alone."""
    overlaps = []
    for picture, sentence in asked(split, sentences):
        for phrase in sentence.phrases:
            filled = np.zeros(picture.size, np.bool_)
            for x1, y1, x2, y2 in picture.boxes_M4[list(phrase.objects)].round().astype(int):
                filled[y1 : y2 + 1, x1 : x2 + 1] = True
            overlaps.append(overlap(filled, _meant(picture, phrase.objects)))
    return _mean(overlaps)


def overlap(one_HW: Bitmap, other_HW: Bitmap) -> float:
    """Intersection over union; 0 for two without a pixel."""
    return float((one_HW & other_HW).sum() / max(1, (one_HW | other_HW).sum()))


def _sure(rows_N: Tensor, scores_N: Tensor) -> list[int]:
    if not len(rows_N):
        return []
    above: list[int] = rows_N[scores_N[rows_N] > SURE].tolist()
    return above or [int(rows_N[scores_N[rows_N].argmax()])]


def _meant(picture: Picture, objects: Sequence[int]) -> Bitmap:
    masks = picture.masks_M
    assert masks is not None
    return _together([one for one in (masks[row] for row in objects) if one is not None], picture.size)


def _together(masks: Sequence[Mask], size: tuple[int, int]) -> Bitmap:
    together = np.zeros(size, np.bool_)
    for one in masks:
        together |= bitmap(one, size)
    return together


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0
