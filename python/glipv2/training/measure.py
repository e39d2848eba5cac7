"""How good the model is between two steps: AP on categories, recall of phrases, answers, captions; and what it sees in
some pictures.

The processes share the pictures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np

from glipv2.data.records import Dataset, Picture, Sentence
from glipv2.detection.objects import Objects
from glipv2.evaluation.boxes import coco_rows, measured, prompts_of
from glipv2.evaluation.cider import MOST
from glipv2.evaluation.figures import of_precision
from glipv2.evaluation.found import Finder
from glipv2.evaluation.masks import mask_rows
from glipv2.evaluation.phrases import chosen, phrase_hits
from glipv2.losses.weights import LossWeights
from glipv2.model import GLIP
from glipv2.text.phrases import noun_phrases
from glipv2.text.prompts import Window, caption_prompts
from glipv2.text.wordpiece import WordPiece
from glipv2.training.state import Metrics
from glipv2.training.words import Words
from glipv2.training.world import World

#: Objects of a sample picture: the best so many ...
OBJECTS = 20
#: ... of those that score above this.
SURE = 0.3

#: Least time between two reports of progress.
PROGRESS_SECONDS = 0.5


class Stopped(Exception):
    """Somebody does not want to wait for the figures."""


@dataclass(frozen=True)
class Measuring:
    """How it is done."""

    world: World

    computing: Callable[[], AbstractContextManager[object]]
    """Around what the network computes."""

    stop: Callable[[], bool]
    """Whether this process is asked to end."""

    progress: Callable[[int, int, float], None]
    """Is told how many pictures are done, how many there are, and how many seconds the rest will take."""

    phrases: bool
    """Whether the model can be asked for more than its one tuned prompt."""

    losses: LossWeights
    """What it is trained by: answers and captions are measured where they are learnt."""


def measure(model: GLIP, dataset: Dataset, how: Measuring) -> Metrics:
    """`AP`, `AP50` … of categories, `recallAt1` of phrases, 0 to 1: what the data has; `maskAP` … where the model finds
    masks and every object has one; of answers and captions as `Words` tells, before the others where nothing else is
    trained. The same in every process. Whoever follows a run sees these names as they are.

    Stopped: one of them is asked to end. OSError: a picture cannot be read.
    """
    finder = Finder(model)
    prompts = prompts_of(model, dataset)
    masked = bool(prompts) and model.masks is not None and dataset.masked
    rows: list[dict[str, Any]] = []
    segments: list[dict[str, Any]] = []
    hits: list[bool] = []
    words = Words(model, dataset, answers=how.losses.answers > 0, captions=how.losses.captions > 0)
    start = told = time.monotonic()
    mine = dataset.pictures[how.world.rank :: how.world.size]
    for turn in range(-(-len(dataset.pictures) // how.world.size)):
        if how.world.any(how.stop()):
            raise Stopped
        if turn < len(mine):
            with how.computing():
                if masked:
                    boxes, masks = mask_rows(finder, mine[turn], prompts, dataset)
                    rows += boxes
                    segments += masks
                elif prompts:
                    rows += coco_rows(finder.find(mine[turn], prompts), mine[turn].id, dataset)
                if how.phrases:
                    hits += phrase_hits(finder, model.config, mine[turn])
                words.hear(how.world.rank + turn * how.world.size)
        now, done = time.monotonic(), min(len(dataset.pictures), (turn + 1) * how.world.size)
        if now - told >= PROGRESS_SECONDS or done == len(dataset.pictures):
            told = now
            how.progress(done, len(dataset.pictures), (now - start) / done * (len(dataset.pictures) - done))
    rows, segments, hits = how.world.gather(rows), how.world.gather(segments), how.world.gather(hits)
    said = words.figures(how.world)
    if not how.world.first:
        return how.world.share({})
    found = _figures(dataset, rows, segments if masked else None, hits)
    return how.world.share(found | said if how.losses.of_boxes else said | found)


def main_measure(metrics: Metrics, losses: LossWeights) -> float | None:
    """Which of two models is the better one, 0 to 1: box AP, and where the data has no categories, recall of phrases.

    Where the data has neither, or the losses train masks, answers or captions alone: the mean of the masks' AP, the
    answers' accuracy and a tenth of the captions' CIDEr-D, of those that there are.
    """
    found = metrics["AP"] if "AP" in metrics else metrics.get("recallAt1")
    if losses.of_finding and found is not None:
        return found
    cider = metrics.get("CIDEr")
    others = (metrics.get("maskAP"), metrics.get("accuracy"), None if cider is None else cider / MOST)
    there = [one for one in others if one is not None]
    return sum(there) / len(there) if there else None


def seen(model: GLIP, picture: Picture, dataset: Dataset, computing: AbstractContextManager[object]) -> dict[str, Any]:
    """What the model sees in a picture, asked for all categories, or else for what is first said of it: the fields of a
    `sample` event."""
    finder = Finder(model)
    if dataset.names:
        prompts, labels, caption = prompts_of(model, dataset), list(dataset.names), None
    else:
        said = (*chosen(picture, 1), *picture.captions, *(one.sentence for one in picture.questions))
        sentence = next(iter(said), Sentence("", ()))
        spans = [(phrase.start, phrase.end) for phrase in sentence.phrases] or noun_phrases(sentence.text)
        window = Window(model.config.text.longest)
        prompts = caption_prompts(WordPiece.default(), sentence.text, spans, window) if spans else []
        labels, caption = [sentence.text[start:end] for start, end in spans], sentence.text
    with computing:
        objects = finder.find(picture, prompts)
    return {
        "path": str(picture.file.absolute()),
        "caption": caption,
        "categories": None if caption is not None else labels,
        "objects": _shown(objects, labels),
    }


def _shown(objects: Objects, labels: Sequence[str]) -> list[dict[str, Any]]:
    order = objects.scores_N.argsort(descending=True, stable=True)[:OBJECTS]
    best = objects.take(order[objects.scores_N[order] > SURE])
    columns = (best.labels_N.tolist(), best.scores_N.tolist(), best.boxes_N4.tolist())
    return [{"label": labels[label], "score": score, "box": box} for label, score, box in zip(*columns, strict=True)]


def _figures(
    dataset: Dataset, rows: list[dict[str, Any]], segments: list[dict[str, Any]] | None, hits: list[bool]
) -> Metrics:
    metrics: Metrics = {}
    if dataset.names:
        metrics |= of_precision(measured(dataset, rows))
    if segments is not None:
        metrics |= of_precision(measured(dataset, segments, "segm"), "maskAP")
    if hits:
        metrics["recallAt1"] = float(np.mean(hits))
    return metrics
