"""`vision.detect` and `vision.ground` on the official model.

Legend: N objects. A box is `[x1, y1, x2, y2]` in pixels of the upright picture.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import msgspec
import torch
from torch import Tensor
from yacs.config import CfgNode

from glip_worker.engines.official.features import Features as HeadFeatures
from glip_worker.engines.official.model import Model
from glip_worker.engines.official.phrases import noun_phrase_spans
from glip_worker.engines.official.preprocess import prepare
from glip_worker.engines.official.prompt import Prompt, Window, Wording, caption_prompts, category_prompts
from glip_worker.errors import GlipError, invalid_argument
from glip_worker.pictures import name_of, read_picture
from glip_worker.protocol.messages import (
    Features,
    Span,
    VisionDetectParams,
    VisionDetectResult,
    VisionGroundParams,
    VisionGroundResult,
)
from glip_worker.tensors import Tensor as WireTensor

Check = Callable[[], None]
Look = VisionDetectParams | VisionGroundParams


@dataclass(frozen=True)
class Found:
    """Best score first."""

    width: int
    height: int
    boxes_N4: Tensor
    scores_N: Tensor
    labels_N: Tensor
    """Indices from 0."""

    passes: int
    """Prompts that were read."""

    features: Features | None
    """Of the objects in their order, and of the categories or phrases in the prompts' order."""


def detect(model: Model, params: VisionDetectParams, check: Check) -> VisionDetectResult:
    """Finds the categories; many are looked for in several prompts, and `check` is called before each.

    What scores at most MODEL.ATSS.INFERENCE_TH never comes, whatever the threshold, and at most
    MODEL.ATSS.DETECTIONS_PER_IMG objects come from each prompt. GlipError: `invalid_argument`, and what `read_picture`
    and `prepare` raise.
    """
    if params.prompt is not None:
        raise without_tuned(params.prompt)
    prompts = category_prompts(model.tokenizer, params.categories, wording(model.config), window(model.config))
    thresholds = params.thresholds
    if thresholds is not None and len(thresholds) != len(params.categories):
        raise invalid_argument(
            "thresholds", f"one for each of {len(params.categories)} categories", str(len(thresholds))
        )
    found = _look(model, params, list(prompts), check, thresholds)
    return VisionDetectResult(
        width=found.width,
        height=found.height,
        boxes=WireTensor.of(found.boxes_N4),
        scores=WireTensor.of(found.scores_N),
        passes=found.passes,
        masks=None,
        features=found.features,
        categories=WireTensor.of(found.labels_N),
    )


def ground(model: Model, params: VisionGroundParams, check: Check) -> VisionGroundResult:
    """Finds what the phrases speak of, in the order of the caption, which the model reads as it is.

    GlipError: as `detect`; `invalid_argument` too where no noun phrase is found in the caption.
    """
    limits = window(model.config)
    # Before anything is searched in it.
    caption_prompts(model.tokenizer, params.caption, [], limits)
    given = params.phrases
    spans = noun_phrase_spans(params.caption) if given is None else [(span.start, span.end) for span in given]
    if not spans:
        raise invalid_argument(
            "caption", "a noun phrase in it, or phrases that say where to look", repr(params.caption)
        )
    order = sorted(range(len(spans)), key=lambda index: spans[index])
    prompts = caption_prompts(model.tokenizer, params.caption, spans, limits)
    found = _look(model, params, list(prompts), check)
    rank = torch.empty(len(spans), dtype=torch.int32)
    rank[order] = torch.arange(len(spans), dtype=torch.int32)
    return VisionGroundResult(
        width=found.width,
        height=found.height,
        boxes=WireTensor.of(found.boxes_N4),
        scores=WireTensor.of(found.scores_N),
        passes=found.passes,
        masks=None,
        features=_in_order(found.features, order),
        phrases=[Span(start=spans[index][0], end=spans[index][1]) for index in order],
        phrase_indices=WireTensor.of(rank[found.labels_N.long()]),
    )


def _look(
    model: Model, params: Look, prompts: Sequence[Prompt], check: Check, thresholds: Sequence[float] | None = None
) -> Found:
    if params.masks:
        reason = "the official code has no head for masks"
        raise GlipError("unsupported", f"masks: {reason}: engine native", {"feature": "masks", "reason": reason})
    collected = HeadFeatures(model.network, model.config) if params.features else None
    pixels = read_picture(params.image)
    height, width = pixels.shape[:2]
    images = image_list(
        model, prepare(pixels, model.config, params.short_side, params.long_side, name_of(params.image))
    )
    boxes, scores, labels = [], [], []
    for prompt in prompts:
        check()
        with torch.no_grad(), nullcontext() if collected is None else collected.watch() as caught:
            seen = read_prompt(model, images, prompt)
            if collected is not None and caught is not None:
                collected.add(caught, seen, prompt.positive_map)
        seen = seen.to(torch.device("cpu")).resize((width, height))
        boxes.append(seen.bbox)
        scores.append(seen.get_field("scores"))
        labels.append(seen.get_field("labels") - 1 + prompt.first)
    boxes_M4, scores_M, labels_M = torch.cat(boxes), torch.cat(scores), torch.cat(labels)
    best = _best(scores_M, labels_M, params.threshold if thresholds is None else thresholds, params.max_objects)
    boxes_N4 = boxes_M4[best]
    boxes_N4 = torch.stack([boxes_N4[:, 0::2].clamp(0, width), boxes_N4[:, 1::2].clamp(0, height)], dim=2).flatten(1)
    features = None
    if collected is not None:
        regions = WireTensor.of(collected.regions[best])
        features = Features(regions=regions, texts=WireTensor.of(collected.texts))
    return Found(
        width=width,
        height=height,
        boxes_N4=boxes_N4.float(),
        scores_N=scores_M[best].float(),
        labels_N=labels_M[best].to(torch.int32),
        passes=len(prompts),
        features=features,
    )


def image_list(model: Model, picture_3HW: Tensor) -> Any:
    """The official form of one picture, as `prepare` makes it, on the device."""
    to_image_list = importlib.import_module("maskrcnn_benchmark.structures.image_list").to_image_list
    return to_image_list([picture_3HW], model.config.DATALOADER.SIZE_DIVISIBILITY).to(model.device)


def read_prompt(model: Model, images: Any, prompt: Prompt) -> Any:
    """The official BoxList of what the network finds, in pixels of what it saw."""
    return model.network(images, captions=[prompt.text], positive_map=prompt.positive_map)[0]


def without_tuned(name: str) -> GlipError:
    """A tuned prompt was chosen."""
    return invalid_argument("prompt", "none: tuned prompts are files of the engine native", repr(name))


def _best(scores_M: Tensor, labels_M: Tensor, threshold: float | Sequence[float], count: int | None) -> Tensor:
    """Which ones score above the threshold, their label's where there are several; best first, at most `count`."""
    limits = torch.tensor(threshold, dtype=torch.float32)
    above = (scores_M > (limits if limits.ndim == 0 else limits[labels_M])).nonzero().squeeze(1)
    return above[scores_M[above].argsort(descending=True, stable=True)[:count]]


def _in_order(features: Features | None, order: Sequence[int]) -> Features | None:
    """The texts' rows as `order` has them."""
    if features is None:
        return None
    return msgspec.structs.replace(features, texts=WireTensor.of(features.texts.torch()[list(order)]))


def window(config: CfgNode) -> Window:
    """Labels: the head's classes, or as many as the aggregation is set to; fewer when evaluation is chunked."""
    aggregated = config.TEST.MDETR_STYLE_AGGREGATE_CLASS_NUM
    labels = config.MODEL.DYHEAD.NUM_CLASSES - 1 if aggregated == -1 else aggregated
    chunk = config.TEST.CHUNKED_EVALUATION
    return Window(config.MODEL.LANGUAGE_BACKBONE.MAX_QUERY_LEN, labels if chunk == -1 else min(labels, chunk))


def wording(config: CfgNode) -> Wording:
    datasets = config.DATASETS
    return Wording(
        datasets.SEPARATION_TOKENS,
        datasets.CAPTION_PROMPT if datasets.USE_CAPTION_PROMPT else None,
        tuple(datasets.SUPRESS_QUERY or ()) if datasets.USE_SUPRESS_QUERY else (),
    )
