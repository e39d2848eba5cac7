"""What the noun phrases of a question or a caption speak of in its picture, which was looked at before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from glipv2.config import PostprocessConfig
from glipv2.detection.detect import detect
from glipv2.detection.objects import Objects, best
from glipv2.model import Output
from glipv2.text.phrases import noun_phrases
from glipv2.text.prompts import Prompt, Span, Window, caption_prompts
from glipv2.text.wordpiece import WordPiece


class Sides(Protocol):
    """Of a picture, (height, width)."""

    @property
    def seen(self) -> tuple[int, int]:
        """As the network sees it, without padding,"""

    @property
    def size(self) -> tuple[int, int]:
        """and as it is."""


class Spoken(NamedTuple):
    spans: list[Span]
    """Of the noun phrases, in the text's order."""

    prompts: list[Prompt]
    """At least one, all of the same text: only their phrases differ."""


def spoken(text: str, window: Window) -> Spoken:
    """InputError: `caption`, no words, or too many."""
    tokenizer = WordPiece.default()
    # Before anything is searched in it.
    caption_prompts(tokenizer, text, [], window)
    spans = noun_phrases(text)
    prompts = caption_prompts(tokenizer, text, spans, window)
    return Spoken(spans, prompts or [Prompt(text, tokenizer.encode(text).ids, [], 0)])


@dataclass(frozen=True)
class Least:
    """What objects must be to be given."""

    score: float = 0.0
    """They score above it."""

    count: int | None = None
    """They are among the best so many; None: however many there are."""


def grounded(config: PostprocessConfig, picture: Sides, output: Output | None, asked: Spoken, least: Least) -> Objects:
    """Best score first, in pixels of the picture as it is; labels count the phrases.

    `output`: of the picture, read with what is asked; None will do where there is no phrase.
    """
    found = [Objects.none()]
    if output is not None and asked.spans:
        for prompt in asked.prompts:
            [objects] = detect(output, [prompt.groups], [picture.seen], config)
            found.append(objects.shifted(prompt.first))
    everything = Objects.cat(found)
    chosen_N = best(everything, config.nms, least.score, least.count)
    return everything.take(chosen_N).resized(picture.seen, picture.size)
