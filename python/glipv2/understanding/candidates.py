"""Candidate answers as vectors, encoded a few at a time and kept: the same ones are asked about every picture.

Legend: A candidates, D channels of their space.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from glipv2.data.candidates import encoded
from glipv2.errors import InputError
from glipv2.model import GLIP
from glipv2.text.wordpiece import WordPiece
from glipv2.understanding.answering import candidate_vectors

#: Candidates that are read at once.
TOGETHER = 256

#: Bytes of vectors that are kept, of the last used lists; the very last one's in any case.
KEPT_BYTES = 64 * 2**20


class CandidateVectors:
    """Of one model."""

    def __init__(self, model: GLIP) -> None:
        self._model = model
        self._kept: OrderedDict[tuple[str, ...], Tensor] = OrderedDict()

    @torch.no_grad()
    def of(self, answers: Sequence[str], check: Callable[[], None] = lambda: None) -> Tensor:
        """[A, D] on the model's device. `check` may end it by an exception. InputError: `answers`, none, or one without
        a word, or twice the same."""
        wanted = tuple(answers)
        vectors_AD = self._kept.get(wanted)
        if vectors_AD is None:
            vectors_AD = self._encoded(wanted, check)
            self._kept[wanted] = vectors_AD
        self._kept.move_to_end(wanted)
        while len(self._kept) > 1 and sum(one.nbytes for one in self._kept.values()) > KEPT_BYTES:
            self._kept.popitem(last=False)
        return vectors_AD

    def _encoded(self, answers: Sequence[str], check: Callable[[], None]) -> Tensor:
        _check(answers)
        device = next(self._model.parameters()).device
        parts = []
        for at in range(0, len(answers), TOGETHER):
            check()
            some = encoded(answers[at : at + TOGETHER], WordPiece.default())
            parts.append(candidate_vectors(self._model, some.ids_AT.to(device), some.mask_AT.to(device)))
        return torch.cat(parts)


def _check(answers: Sequence[str]) -> None:
    if not answers:
        raise InputError("answers", "at least one candidate; the model has none of its own", "none")
    places: dict[str, int] = {}
    for place, one in enumerate(answers):
        if not one.strip():
            raise InputError(f"answers[{place}]", "a text", repr(one))
        if one in places:
            raise InputError(f"answers[{place}]", "an answer of its own", f"{one!r}, as answers[{places[one]}]")
        places[one] = place
