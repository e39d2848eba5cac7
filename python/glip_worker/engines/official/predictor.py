"""The official model as a predictor of benchmarks: boxes of categories and of phrases.

Legend: N objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch

from glip_worker.engines.official.model import Model
from glip_worker.engines.official.predict import image_list, read_prompt, window, wording
from glip_worker.engines.official.preprocess import prepare
from glip_worker.engines.official.prompt import Prompt, Span, caption_prompts, category_prompts
from glip_worker.errors import GlipError
from glipv2.benchmarks.native import digest
from glipv2.benchmarks.predictor import Ability, Asking, Found, Pixels, cannot
from glipv2.errors import InputError


class OfficialPredictor:
    """Keeps the prompts of the last list of categories; the official network reads each with each picture."""

    abilities: frozenset[Ability] = frozenset(("detect", "ground"))

    answers: Sequence[str] = ()

    def __init__(self, model: Model) -> None:
        self._model = model
        self._asked: tuple[tuple[str, ...], int, object] | None = None
        self._prompts: list[Prompt] = []

    @property
    def identity(self) -> str:
        return f"official {digest(self._model.network, self._model.config.dump())}"

    def detect(self, pixels: Pixels, categories: Sequence[str], asking: Asking) -> Found:
        wanted = (tuple(categories), asking.labels, asking.around)
        if self._asked != wanted:
            config = self._model.config
            words = replace(wording(config), repeated=True)
            if asking.around is not None:
                words = replace(words, around=[one._asdict() for one in asking.around])
            limits = replace(window(config), labels=min(window(config).labels, asking.labels))
            self._prompts = list(category_prompts(self._model.tokenizer, categories, words, limits))
            self._asked = wanted
        return self._found(pixels, self._prompts, asking)

    def ground(self, pixels: Pixels, caption: str, spans: Sequence[Span], asking: Asking) -> Found:
        limits = replace(window(self._model.config), labels=min(window(self._model.config).labels, asking.labels))
        try:
            prompts = list(caption_prompts(self._model.tokenizer, caption, spans, limits))
        except GlipError as error:
            if error.code != "invalid_argument":
                raise
            raise InputError(error.details["path"], error.details["expected"], error.details["received"]) from error
        return self._found(pixels, prompts, asking)

    def answer(self, pixels: Pixels, questions: Sequence[str], candidates: Sequence[str]) -> list[str]:
        cannot("the engine official", "answer")

    def caption(self, pixels: Pixels) -> str:
        cannot("the engine official", "caption")

    def _found(self, pixels: Pixels, prompts: Sequence[Prompt], asking: Asking) -> Found:
        if asking.masks:
            cannot("the engine official", "masks")
        model, (height, width) = self._model, pixels.shape[:2]
        try:
            images = image_list(model, prepare(pixels, model.config, None, None, "picture"))
        except GlipError as error:
            if error.code != "image_invalid":
                raise
            raise InputError("picture", "a shape that the network can see", f"{width} x {height} pixels") from error
        boxes, scores, labels = [np.zeros((0, 4), np.float32)], [np.zeros(0, np.float32)], [np.zeros(0, np.int64)]
        with torch.no_grad(), self._at_most(asking.objects):
            for prompt in prompts:
                seen = read_prompt(model, images, prompt).to(torch.device("cpu")).resize((width, height))
                order = seen.get_field("scores").argsort(descending=True, stable=True)
                boxes.append(seen.bbox[order].float().numpy())
                scores.append(seen.get_field("scores")[order].float().numpy())
                labels.append((seen.get_field("labels")[order] - 1 + prompt.first).long().numpy())
        return Found(np.concatenate(boxes), np.concatenate(scores), np.concatenate(labels))

    @contextmanager
    def _at_most(self, objects: int | None) -> Iterator[None]:
        """MODEL.ATSS.DETECTIONS_PER_IMG is what the selector was built with; a benchmark may want another number."""
        selector = self._model.network.rpn.box_selector_test
        before = selector.fpn_post_nms_top_n
        if objects is not None:
            selector.fpn_post_nms_top_n = objects
        try:
            yield
        finally:
            selector.fpn_post_nms_top_n = before
