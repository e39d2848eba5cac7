"""What a report shows beside a run's figures: curves, kinds of errors, and the pictures where a model is most wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

#: `right` and `wrong` were found; `missed` and `true` are the annotators', the latter beside what was found wrongly.
Verdict = Literal["right", "wrong", "missed", "true"]

#: `picture`: one with many errors; `error`: one that the model is sure of.
CaseKind = Literal["picture", "error"]


@dataclass(frozen=True)
class Curve:
    name: str
    """Such as `IoU 0.5`."""
    precision: tuple[float, ...]
    """At 101 recalls from 0 to 1, a mean over categories."""


@dataclass(frozen=True)
class Shown:
    label: str
    box: tuple[float, ...]
    """`[x1, y1, x2, y2]` in pixels of the picture as it is stored."""
    verdict: Verdict
    score: float | None = None
    """Of what was found."""


@dataclass(frozen=True)
class Case:
    kind: CaseKind
    id: int
    """The annotations' number of the picture."""
    picture: str
    """Its file."""
    size: tuple[int, int] | None
    """(width, height), as the annotations have it."""
    text: str
    """What is wrong with it."""
    boxes: tuple[Shown, ...]


@dataclass(frozen=True)
class Details:
    """The worst of each kind of case comes first."""

    curves: tuple[Curve, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    """What was found right, and each kind of error, of what scores at least `threshold`."""
    threshold: float | None = None
    """The score at which F1 of all that is found is best; None: nothing is right, or it differs between sets."""
    cases: tuple[Case, ...] = ()
