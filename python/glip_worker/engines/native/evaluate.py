"""`evaluate.scenes`: how good the loaded model is on a split of the built-in scenes."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from glip_worker.call import Call
from glip_worker.engines.native.model import Model
from glip_worker.engines.native.request import without_masks
from glip_worker.engines.native.understanding import require
from glip_worker.errors import GlipError
from glip_worker.protocol.messages import (
    AnswerMetrics,
    AnswerTypeMetrics,
    BoxMetrics,
    CaptionMetrics,
    EvaluateScenesEvent,
    EvaluateScenesParams,
    EvaluateScenesResult,
    FactMetrics,
    MaskMetrics,
    PhraseMetrics,
)
from glipv2.data.records import Dataset
from glipv2.data.scenes import read_split
from glipv2.errors import InputError
from glipv2.evaluation.answers import evaluate_answers
from glipv2.evaluation.boxes import evaluate_boxes
from glipv2.evaluation.captions import evaluate_captions
from glipv2.evaluation.masks import evaluate_masks
from glipv2.evaluation.phrases import any_object, evaluate_phrases, largest_object
from glipv2.evaluation.progress import Progress


def evaluate_scenes(call: Call, model: Model, params: EvaluateScenesParams) -> EvaluateScenesResult:
    """Stops between two pictures. GlipError: `unsupported` without pycocotools, or by a model without the part that is
    measured; `dataset_invalid`, `file_error`."""
    start = time.perf_counter()
    if params.task in ("detect", "segment"):
        require_pycocotools(call.method)
    words = params.task in ("answer", "caption")
    if params.task == "segment" and model.network.masks is None:
        raise without_masks()
    if words:
        require(model, params.task)
    folder = Path(params.folder)
    split = read(folder, masks=params.task == "segment", words=words).first(params.pictures)

    def progress(done: int, total: int) -> None:
        call.emit(EvaluateScenesEvent(done=done, total=total))

    progress(0, len(split.pictures))
    try:
        with model.computing():
            metrics = MEASURES[params.task](model, split, progress)
    except OSError as error:
        raise unreadable(folder, error) from error
    except ValueError as error:  # InputError too
        raise invalid(folder, str(error)) from error
    seconds = time.perf_counter() - start
    return EvaluateScenesResult(split=folder.name, pictures=len(split.pictures), metrics=metrics, seconds=seconds)


def boxes(model: Model, split: Dataset, progress: Progress) -> BoxMetrics:
    return BoxMetrics(**asdict(evaluate_boxes(model.network, split, progress)))


def phrases(model: Model, split: Dataset, progress: Progress) -> PhraseMetrics:
    return PhraseMetrics(
        recall_at_1=evaluate_phrases(model.network, split, progress=progress),
        largest_object=largest_object(split),
        any_object=any_object(split),
    )


def masks(model: Model, split: Dataset, progress: Progress) -> MaskMetrics:
    found = evaluate_masks(model.network, split, progress=progress)
    iou = {"mean_iou": found.mean_iou, "filled_boxes": found.filled_boxes}
    return MaskMetrics(**asdict(found.precision), **iou)


def answers(model: Model, split: Dataset, progress: Progress) -> AnswerMetrics:
    if not any(one.questions for one in split.pictures):
        raise InputError("questions.json", "questions", "none")
    found = evaluate_answers(model.network, split, progress)
    types = [
        AnswerTypeMetrics(type=kind, accuracy=accuracy, majority=majority, questions=count)
        for kind, (accuracy, majority, count) in found.by_type.items()
    ]
    return AnswerMetrics(accuracy=found.accuracy, majority=found.majority, questions=found.questions, types=types)


def captions(model: Model, split: Dataset, progress: Progress) -> CaptionMetrics:
    if not all(one.captions for one in split.pictures):
        raise InputError("captions.json", "captions of each picture", "none of some")
    found = evaluate_captions(model.network, split, progress=progress)
    kinds = [FactMetrics(kind=kind, true_part=part, stated=count) for kind, (part, count) in found.by_kind.items()]
    given = {name: value for name, value in asdict(found).items() if name != "by_kind"}
    return CaptionMetrics(**given, kinds=kinds)


Metrics = BoxMetrics | PhraseMetrics | MaskMetrics | AnswerMetrics | CaptionMetrics

MEASURES: dict[str, Callable[[Model, Dataset, Progress], Metrics]] = {
    "detect": boxes,
    "ground": phrases,
    "segment": masks,
    "answer": answers,
    "caption": captions,
}


def read(folder: Path, masks: bool = False, words: bool = False) -> Dataset:
    """`masks`: whether the objects have them; `words`: with questions and captions. GlipError `file_error` or
    `dataset_invalid`."""
    try:
        split = read_split(folder, masks, words)
    except OSError as error:
        raise unreadable(folder, error) from error
    # JSON of some other kind.
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise invalid(folder, f"{type(error).__name__}: {error}") from error
    if not split.pictures:
        raise invalid(folder, "there is no picture in it")
    return split


def require_pycocotools(feature: str) -> None:
    """A Python of the user's own may lack it."""
    if importlib.util.find_spec("pycocotools") is not None:
        return
    reason = "average precision is measured by pycocotools, which this Python does not have"
    remedy = "`npx glip setup` makes one that has it; in a Python of your own (GLIP_PYTHON), install it with pip"
    raise GlipError("unsupported", f"{feature}: {reason}: {remedy}", {"feature": feature, "reason": reason})


def unreadable(folder: Path, error: OSError) -> GlipError:
    reason = str(error)
    message = f"{folder}: expected a split that `glip scenes` wrote, but it cannot be read: {reason}"
    return GlipError("file_error", message, {"path": str(folder), "reason": reason})


def invalid(folder: Path, reason: str) -> GlipError:
    problems = [{"where": str(folder), "reason": reason}]
    message = f"{folder}: expected a split that `glip scenes` wrote, got something else: {reason}"
    return GlipError("dataset_invalid", message, {"path": str(folder), "problems": problems, "count": 1})
