"""Benchmarks that ask what phrases of texts speak of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from glipv2.benchmarks.benchmark import Example, Record, Task
from glipv2.benchmarks.details import Details
from glipv2.benchmarks.phrase_details import Grounded, phrase_details
from glipv2.benchmarks.predictor import Asking, Found, Pixels, Predictor, Span
from glipv2.benchmarks.rows import is_box, is_number, short, shorts
from glipv2.data.masks import check
from glipv2.data.records import Mask

#: What a text's phrases are scored by.
Wanted = TypeVar("Wanted")


@dataclass(frozen=True)
class Text(Generic[Wanted]):
    caption: str

    spans: tuple[Span, ...]
    """Of the phrases that are asked about, in code points; none of them twice."""

    wanted: Wanted


@dataclass(frozen=True)
class Described(Example, Generic[Wanted]):
    """A picture with all texts that are said of it, so that it is looked at once."""

    texts: tuple[Text[Wanted], ...]


class GroundingTask(Task[Described[Wanted]], Generic[Wanted]):
    """A record: the picture's `size`, [height, width], and `texts`. Each of them, in the example's order, has `phrases`
    (indices of the text's spans), `boxes` and `scores`, of each phrase the best first; with masks, `masks` too."""

    examples: Sequence[Described[Wanted]]

    def __init__(self, examples: Sequence[Described[Wanted]], asking: Asking) -> None:
        self.examples = examples
        self.asking = asking
        self._examples = {one.key: one for one in examples}

    def asked(self, predictor: Predictor) -> Asking:
        """How this predictor is asked."""
        return self.asking

    def kept(self, found: Found) -> NDArray[np.int64]:
        """Which rows of what was found are written."""
        return np.arange(len(found.scores_N))

    def ask(self, predictor: Predictor, pixels: Pixels, example: Described[Wanted]) -> Record:
        asking = self.asked(predictor)
        texts = []
        for text in example.texts:
            found = predictor.ground(pixels, text.caption, text.spans, asking)
            rows = self.kept(found).tolist()
            told: dict[str, Any] = {
                "phrases": found.labels_N[rows].tolist(),
                "boxes": [shorts(box_4) for box_4 in found.boxes_N4[rows]],
                "scores": [short(score) for score in found.scores_N[rows]],
            }
            if found.masks is not None:
                told["masks"] = [found.masks[row] for row in rows]
            texts.append(told)
        return {"size": list(pixels.shape[:2]), "texts": texts}

    def example(self, record: Record) -> Described[Wanted]:
        return self._examples[record["id"]]

    def text_pairs(self, record: Record) -> list[tuple[Text[Wanted], dict[str, Any]]]:
        """Each text of the record's picture with what was found for it."""
        return list(zip(self._examples[record["id"]].texts, record["texts"], strict=True))

    def grounded(self, text: Text[Wanted], told: Mapping[str, Any]) -> Iterable[Grounded]:
        """Each phrase that is scored by its boxes, with its best one. `told`: what was found for the text."""
        return ()

    def details(self, records: Iterable[Record], keys: Collection[int]) -> Details | None:
        del keys
        return phrase_details(
            (self._examples[record["id"]], (one for pair in self.text_pairs(record) for one in self.grounded(*pair)))
            for record in records
        )

    def faults(self, record: Record) -> str | None:
        asked, texts = self._examples[record["id"]].texts, record.get("texts")
        size = record.get("size")
        if not isinstance(size, list) or len(size) != 2 or not all(type(side) is int for side in size):
            return "expected the picture's size, [height, width]"
        if not isinstance(texts, list) or len(texts) != len(asked):
            return f"expected texts, {len(asked)} of them"
        faults = [_fault(told, len(text.spans), (size[0], size[1])) for told, text in zip(texts, asked, strict=True)]
        return next((f"texts[{place}]: {fault}" for place, fault in enumerate(faults) if fault is not None), None)


def run_lengths(counts: str, size: tuple[int, int]) -> Mask:
    """A mask of a record."""
    return Mask(msgspec.json.encode({"size": size, "counts": counts}))


def _fault(told: object, spans: int, size: tuple[int, int]) -> str | None:
    if not isinstance(told, dict):
        return "expected what was found for it"
    columns = ["phrases", "boxes", "scores", *(["masks"] if "masks" in told else [])]
    lists = [told.get(name) for name in columns]
    if not all(isinstance(one, list) for one in lists):
        return f"expected lists {', '.join(columns)}, got {', '.join(told)}"
    if len({len(one) for one in lists if one is not None}) > 1:
        return f"expected as many of each of {', '.join(columns)}"
    phrases, boxes, scores, *masks = lists
    if not all(type(one) is int and 0 <= one < spans for one in phrases or ()):
        return f"expected phrases from 0 to {spans - 1}"
    if not all(is_number(one) for one in scores or ()) or not all(is_box(one) for one in boxes or ()):
        return "expected numbers for scores, and four of them for each box"
    try:
        for mask in masks[0] or () if masks else ():
            check(run_lengths(mask, size), size)
    except ValueError as error:
        return f"masks: {error}"
    return None
