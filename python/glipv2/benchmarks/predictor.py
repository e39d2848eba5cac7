"""What benchmarks ask of a model. Each engine has one.

Legend: N objects. A box is `[x1, y1, x2, y2]` in pixels of the picture; its last column and row are at x2 and y2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

#: uint8 [height, width, 3], RGB.
Pixels = NDArray[np.uint8]

Ability = Literal["detect", "ground", "masks", "answer", "caption"]

Span = tuple[int, int]


class Around(NamedTuple):
    """How a category is read: the three together. Its score is the name's."""

    prefix: str
    name: str
    suffix: str


@dataclass(frozen=True)
class Asking:
    """How categories are asked for, and what is kept."""

    labels: int = 80
    """Categories that one prompt holds at most; its tokens may allow fewer."""

    objects: int | None = None
    """What each prompt finds at most; None: as many as the model is set to."""

    masks: bool = False

    around: tuple[Around, ...] | None = None
    """Of each category, what is read in place of its name; None: the names are read."""


@dataclass(frozen=True)
class Found:
    """Of each prompt, best score first."""

    boxes_N4: NDArray[np.float32]

    scores_N: NDArray[np.float32]

    labels_N: NDArray[np.int64]
    """Indices of the categories, or of the spans."""

    masks: list[str] | None = None
    """COCO's run lengths, where they were asked for."""


class Predictor(Protocol):
    """Answers about one picture at a time. What was last computed of a picture may serve for the next question about
    it: then the same array comes again."""

    @property
    def abilities(self) -> frozenset[Ability]: ...

    @property
    def identity(self) -> str:
        """Changes with whatever changes the answers: a run is resumed by the same model alone."""

    @property
    def answers(self) -> Sequence[str]:
        """Candidate answers of the model's own; none, where it has none."""

    def detect(self, pixels: Pixels, categories: Sequence[str], asking: Asking) -> Found:
        """Categories in any number, in as many prompts as they need. Names that read the same are each asked for, as in
        the official evaluation. What texts alone decide is computed once for a list. InputError."""

    def ground(self, pixels: Pixels, caption: str, spans: Sequence[Span], asking: Asking) -> Found:
        """`spans`: of the phrases, in code points of the caption. InputError."""

    def answer(self, pixels: Pixels, questions: Sequence[str], candidates: Sequence[str]) -> list[str]:
        """The best candidate for each. InputError."""

    def caption(self, pixels: Pixels) -> str:
        """InputError."""


def cannot(engine: str, ability: Ability) -> NoReturn:
    """For a predictor that lacks an ability. NotImplementedError: its `abilities` said so."""
    raise NotImplementedError(f"{engine} cannot {ability}")
