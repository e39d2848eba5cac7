"""The noun phrases of a caption, each with where it stands."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable

from glip_worker.engines.official.prompt import Span

#: What may stand between two words of a phrase.
GAP = r"[\W_]*"


def noun_phrase_spans(caption: str) -> list[Span]:
    """Found by the official `find_noun_phrases` (nltk; where its data is absent, a plain reading of the words).

    The official demo searches each phrase as a pattern and counts labels by phrase, so that the two fall out of step
    when a phrase occurs twice, or inside of a word; here each place in the caption is a phrase of its own.
    """
    predictor = importlib.import_module("maskrcnn_benchmark.engine.predictor_glip")
    found = [predictor.remove_punctuation(phrase) for phrase in predictor.find_noun_phrases(caption)]
    return spans_of(found, caption)


def spans_of(phrases: Iterable[str], caption: str) -> list[Span]:
    """Every occurrence of the phrases as whole words, whatever their case, in the caption's order.

    One that lies in a longer one is left out. The words of a phrase may stand further apart than in it, with
    punctuation between them, as tokenizers take them apart.
    """
    spans: list[Span] = []
    for phrase in sorted(set(phrases), key=lambda phrase: (-len(phrase), phrase)):
        words = [re.escape(word) for word in phrase.split()]
        if not words:
            continue
        pattern = re.compile(r"(?<!\w)" + GAP.join(words) + r"(?!\w)", re.IGNORECASE)
        for place in pattern.finditer(caption):
            if all(place.end() <= start or end <= place.start() for start, end in spans):
                spans.append(place.span())
    return sorted(spans)
