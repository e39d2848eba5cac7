"""A request to find things in a picture: what is read of it before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from glip_worker.call import Call
from glip_worker.engines.common.failures import as_glip_errors
from glip_worker.engines.native.model import Model
from glip_worker.engines.native.picture import picture_of
from glip_worker.engines.native.prompts import tuned_prompt
from glip_worker.engines.native.together import Asked
from glip_worker.errors import GlipError, invalid_argument
from glip_worker.protocol.messages import VisionDetectParams, VisionGroundParams
from glipv2.config import GlipConfig
from glipv2.detection.masks import MaskParts
from glipv2.detection.objects import Objects
from glipv2.text.phrases import noun_phrases
from glipv2.text.prompts import Prompt, Span, Window, Wording, caption_prompts, category_prompts
from glipv2.text.tuned import TunedPrompt

Params = VisionDetectParams | VisionGroundParams

#: The official head tells as many apart in one prompt, and ours is to find the same.
LABELS = 80


@dataclass
class Job(Asked):
    params: Params

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
    return Job(call, picture_of(model, call, params), params, prompts, spans, tuned)


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
    tuned = tuned_prompt(model, params.prompt)
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


def order_of(spans: Sequence[Span]) -> list[int]:
    """Indices of the spans as they stand in the caption."""
    return sorted(range(len(spans)), key=lambda index: spans[index])


def ranks(order: Sequence[int]) -> Tensor:
    """int32: the place of each index in the order."""
    rank = torch.empty(len(order), dtype=torch.int32)
    rank[list(order)] = torch.arange(len(order), dtype=torch.int32)
    return rank
