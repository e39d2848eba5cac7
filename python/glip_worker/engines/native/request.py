"""A request to look at a picture: what is read of it before anything is computed.

Legend: H W the sides of a picture. Sizes are (height, width).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from glip_worker.call import Call
from glip_worker.engines.common.failures import as_glip_errors
from glip_worker.engines.native.model import Model
from glip_worker.errors import GlipError, invalid_argument
from glip_worker.pictures import name_of, read_picture
from glip_worker.protocol.messages import (
    VisionAnswerParams,
    VisionCaptionParams,
    VisionDetectParams,
    VisionGroundParams,
)
from glipv2.config import GlipConfig, InputConfig
from glipv2.detection.masks import MaskParts
from glipv2.detection.objects import Objects
from glipv2.errors import InputError
from glipv2.pictures import prepare
from glipv2.text.phrases import noun_phrases
from glipv2.text.prompts import Prompt, Span, Window, Wording, caption_prompts, category_prompts
from glipv2.text.tuned import TunedPrompt

Params = VisionDetectParams | VisionGroundParams

#: The longest side that a call may ask for: beyond, memory ends before the model does.
MAX_SIDE = 8192

#: The official head tells as many apart in one prompt, and ours is to find the same.
LABELS = 80


@dataclass
class Job:
    """One request on its way."""

    call: Call

    params: Params

    picture_3HW: Tensor
    """As the network takes it, without padding."""

    size: tuple[int, int]
    """Of the picture as it is."""

    prompts: list[Prompt]

    spans: list[Span]
    """Of the phrases, in the order of their labels; none for categories."""

    tuned: TunedPrompt | None = None
    """What the one prompt's features become before the network reads them."""

    found: list[Objects] = field(default_factory=list)
    """Of each prompt, in pixels of what the network saw; labels are those of all prompts."""

    regions: list[Tensor] = field(default_factory=list)
    texts: list[Tensor] = field(default_factory=list)

    parts: list[MaskParts] = field(default_factory=list)
    """Of each prompt's objects, where masks are asked for."""

    outcome: Any = None
    """The result, or the exception that ended it."""

    def padded(self, divisor: int) -> tuple[int, int]:
        """Size of the picture in a batch of its like."""
        _, height, width = self.picture_3HW.shape
        return -(-height // divisor) * divisor, -(-width // divisor) * divisor

    def restart(self) -> None:
        self.found, self.regions, self.texts, self.parts = [], [], [], []


def read_request(model: Model, call: Call, params: Params) -> Job:
    """GlipError: `invalid_argument`, `unsupported` for masks of a model without, and as `read_picture`. The text first:
    it is sooner done."""
    if params.masks and model.network.masks is None:
        raise without_masks()
    spans: list[Span] = []
    tuned: TunedPrompt | None = None
    with as_glip_errors():
        if isinstance(params, VisionDetectParams):
            tuned = _tuned(model, params)
            prompts = _categories(model, params) if tuned is None else [tuned.prompt]
        else:
            prompts, spans = _caption(model, params)
    picture_3HW, size = picture_of(model, call, params)
    return Job(call, params, picture_3HW, size, prompts, spans, tuned)


def picture_of(
    model: Model, call: Call, params: Params | VisionAnswerParams | VisionCaptionParams
) -> tuple[Tensor, tuple[int, int]]:
    """The picture as the network takes it, without padding, and its own (height, width).

    GlipError: `image_invalid`, and as `read_picture`.
    """
    inputs = _inputs(model.config, params)
    call.check()
    pixels = read_picture(params.image)
    try:
        return prepare(pixels, inputs), (pixels.shape[0], pixels.shape[1])
    except InputError as error:
        name, reason = name_of(params.image), f"expected {error.expected}, got {error.received}"
        advice = "cut it into pieces, or ask for larger sides (shortSide, longSide)"
        details = {"path": name, "reason": reason}
        raise GlipError("image_invalid", f"{name}: {reason}: {advice}", details) from error


def without_masks() -> GlipError:
    reason = "the loaded model finds boxes alone"
    remedy = "load one with a mask head; fine-tuning with settings { masks: {} } and losses { masks: 1 } gives it one"
    return GlipError("unsupported", f"masks: {reason}: {remedy}", {"feature": "masks", "reason": reason})


def _tuned(model: Model, params: VisionDetectParams) -> TunedPrompt | None:
    """The prompt that the request chooses; the categories are its own."""
    names, thresholds = params.categories, params.thresholds
    if thresholds is not None and len(thresholds) != len(names):
        raise invalid_argument("thresholds", f"one for each of {len(names)} categories", str(len(thresholds)))
    if params.prompt is None:
        return None
    tuned = model.prompts.get(params.prompt)
    if tuned is None:
        there = ", ".join(model.prompts) or "none are loaded"
        raise invalid_argument("prompt", f"a prompt that model.prompts loaded ({there})", repr(params.prompt))
    if tuple(names) != tuned.names:
        expected = f"those of the prompt {params.prompt}, in its order: {', '.join(tuned.names)}"
        raise invalid_argument("categories", expected, ", ".join(names))
    return tuned


def _categories(model: Model, params: VisionDetectParams) -> list[Prompt]:
    names = params.categories
    return category_prompts(model.tokenizer, names, Wording(model.config.prompt.separator), _window(model.config))


def _caption(model: Model, params: VisionGroundParams) -> tuple[list[Prompt], list[Span]]:
    caption, window = params.caption, _window(model.config)
    # Before anything is searched in it.
    caption_prompts(model.tokenizer, caption, [], window)
    given = params.phrases
    spans = noun_phrases(caption) if given is None else [(span.start, span.end) for span in given]
    if not spans:
        expected = "a noun phrase in it, or phrases that say where to look"
        raise invalid_argument("caption", expected, repr(caption))
    return caption_prompts(model.tokenizer, caption, spans, window), spans


def _window(config: GlipConfig) -> Window:
    return Window(config.prompt.max_tokens, LABELS)


def _inputs(config: GlipConfig, params: Params | VisionAnswerParams | VisionCaptionParams) -> InputConfig:
    for path, side in (("short_side", params.short_side), ("long_side", params.long_side)):
        if side is not None and side > MAX_SIDE:
            raise invalid_argument(path, f"at most {MAX_SIDE} pixels", str(side))
    inputs = config.input
    return replace(
        inputs, short_side=params.short_side or inputs.short_side, long_side=params.long_side or inputs.long_side
    )


def order_of(spans: Sequence[Span]) -> list[int]:
    """Indices of the spans as they stand in the caption."""
    return sorted(range(len(spans)), key=lambda index: spans[index])


def ranks(order: Sequence[int]) -> Tensor:
    """int32: the place of each index in the order."""
    rank = torch.empty(len(order), dtype=torch.int32)
    rank[list(order)] = torch.arange(len(order), dtype=torch.int32)
    return rank
