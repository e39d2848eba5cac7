"""Figures by the names that users see them by: in what `glip evaluate` prints, in a run's events and in its report."""

from __future__ import annotations

from typing import Any

from glipv2.evaluation.answers import AnswerMetrics
from glipv2.evaluation.boxes import Precision
from glipv2.evaluation.captions import CaptionMetrics, Likeness, Truth

Figures = dict[str, float | None]


def of_precision(found: Precision, name: str = "AP") -> Figures:
    return {
        name: found.ap,
        f"{name}50": found.ap50,
        f"{name}75": found.ap75,
        f"{name}s": found.ap_small,
        f"{name}m": found.ap_medium,
        f"{name}l": found.ap_large,
    }


def of_answers(found: AnswerMetrics) -> Figures:
    """Without those of each type."""
    return {"accuracy": found.accuracy, "majority": found.majority}


def of_types(found: AnswerMetrics) -> dict[str, dict[str, float]]:
    """None where the data has no types."""
    rows = {kind: row for kind, row in found.by_type.items() if kind}
    return {
        kind: {"accuracy": accuracy, "majority": majority, "questions": count}
        for kind, (accuracy, majority, count) in rows.items()
    }


def of_likeness(found: Likeness) -> Figures:
    return {"CIDEr": found.cider, "oneCaption": found.one_caption}


def of_truth(found: Truth) -> Figures:
    return {"facts": found.facts, "stated": found.stated}


def of_captions(found: CaptionMetrics) -> dict[str, Any]:
    """All of them."""
    return {
        **of_likeness(Likeness(found.cider, found.one_caption)),
        **of_truth(Truth(found.facts, found.stated)),
        "recallAt1": found.recall_at_1,
        "kinds": {kind: {"truePart": part, "stated": count} for kind, (part, count) in found.by_kind.items()},
    }
