"""Captions, word piece by word piece: the likeliest next one, the likeliest of several beginnings, or one by lot.

The picture is looked at once; a step reads the caption so far, and no more of the picture than the text's side needs.

Legend: K beginnings, T tokens, V pieces of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from glipv2.errors import InputError
from glipv2.model import GLIP
from glipv2.text.wordpiece import WordPiece
from glipv2.understanding.scene import Scene
from glipv2.understanding.telling import told_states, word_logits

Mode = Literal["greedy", "beam", "sample"]

#: Lengths to a higher power leave the range of numbers.
MOST_PENALTY = 10.0


@dataclass(frozen=True)
class Decoding:
    mode: Mode = "greedy"
    beams: int = 4
    """Of `beam`: beginnings that are kept."""
    length_penalty: float = 1.0
    """Of `beam`: log probabilities are divided by the length to this power; 0 prefers short captions, 1 none."""
    temperature: float = 1.0
    """Of `sample`: below 1 the likely becomes likelier."""
    top_p: float = 1.0
    """Of `sample`: only the likeliest pieces that have this probability together."""
    seed: int = 0
    """Of `sample`: the same caption from the same seed, on the same device."""
    max_tokens: int = 62
    """Most pieces of a caption, without [CLS] and [SEP]."""

    def __post_init__(self) -> None:
        for name, value in (("beams", self.beams), ("max_tokens", self.max_tokens)):
            if value < 1:
                raise InputError(name, "at least 1", str(value))
        if not self.temperature > 0:
            raise InputError("temperature", "a number > 0", str(self.temperature))
        if not 0 <= self.length_penalty <= MOST_PENALTY:
            raise InputError("length_penalty", f"0 to {MOST_PENALTY}", str(self.length_penalty))
        if not 0 < self.top_p <= 1:
            raise InputError("top_p", "a number > 0, and 1 at most", str(self.top_p))


class Told(NamedTuple):
    ids: list[int]
    """Without [CLS] and [SEP]."""

    log_probability: float
    """Of all pieces, [SEP] included, by the model as it is."""

    ended: bool
    """False: it was cut at the most tokens."""


def tell(
    model: GLIP,
    scene: Scene,
    decoding: Decoding,
    heard: Callable[[int], None] = lambda _: None,
    check: Callable[[], None] = lambda: None,
) -> Told:
    """The caption of a scene of one picture. `heard` is told each piece as soon as it is certain, of `beam` at the end;
    it and `check`, which is called before each, may end it all by an exception."""
    if decoding.mode == "beam":
        told = _beam(model, scene, decoding, check)
        for one in told.ids:
            heard(one)
        return told
    pieces = WordPiece.default()
    generator = torch.Generator().manual_seed(decoding.seed)
    ids, total = [pieces.cls_id], 0.0
    for _ in range(decoding.max_tokens):
        check()
        [log_V] = _next(model, scene, [ids])
        chosen = int(log_V.argmax()) if decoding.mode == "greedy" else _drawn(log_V, decoding, generator)
        total += float(log_V[chosen])
        if chosen == pieces.sep_id:
            return Told(ids[1:], total, True)
        ids.append(chosen)
        heard(chosen)
    return Told(ids[1:], total, False)


def log_probability(model: GLIP, scene: Scene, ids: list[int]) -> float:
    """Of a caption with [CLS] and [SEP], the first given; among what a caption may have."""
    place = torch.tensor([ids], device=scene.objects_BKL.device)
    states_BTL = told_states(model, scene, place, torch.ones_like(place, dtype=torch.bool))
    log_TV = _allowed(word_logits(model, states_BTL)[0, :-1].float().cpu(), first=True).log_softmax(dim=1)
    return float(log_TV.gather(1, torch.tensor(ids[1:])[:, None]).sum())


def _next(model: GLIP, scene: Scene, beginnings: list[list[int]]) -> Tensor:
    """log_KV, on the CPU: of the piece after each beginning; all of one length."""
    ids_KT = torch.tensor(beginnings, device=scene.objects_BKL.device)
    several = scene if len(beginnings) == 1 else scene.repeated(len(beginnings))
    states_KTL = told_states(model, several, ids_KT, torch.ones_like(ids_KT, dtype=torch.bool))
    logits_KV = word_logits(model, states_KTL[:, -1]).float().cpu()
    return _allowed(logits_KV, first=ids_KT.shape[1] == 1).log_softmax(dim=1)


def _allowed(logits_TV: Tensor, first: bool) -> Tensor:
    """Without what is no word; `first`: the first row begins a caption, which is not empty."""
    logits_TV[:, _marks()] = -torch.inf
    if first:
        logits_TV[0, WordPiece.default().sep_id] = -torch.inf
    return logits_TV


@cache
def _marks() -> Tensor:
    """Ids of the vocabulary's own marks, [SEP] excepted."""
    pieces = WordPiece.default()
    marks = [at for at, one in enumerate(pieces.pieces) if len(one) > 2 and one[0] == "[" and one[-1] == "]"]
    return torch.tensor([one for one in marks if one != pieces.sep_id])


def _drawn(log_V: Tensor, decoding: Decoding, generator: torch.Generator) -> int:
    # The best one stays 0, however small the temperature is.
    ordered_V, ids_V = ((log_V - log_V.max()) / decoding.temperature).softmax(dim=0).sort(descending=True, stable=True)
    # What is before a piece is less than the nucleus: there is always a first one.
    ordered_V[ordered_V.cumsum(dim=0) - ordered_V >= decoding.top_p] = 0
    return int(ids_V[torch.multinomial(ordered_V, 1, generator=generator)])


def _beam(model: GLIP, scene: Scene, decoding: Decoding, check: Callable[[], None]) -> Told:
    pieces, count = WordPiece.default(), decoding.beams

    def score(one: Told) -> float:
        return one.log_probability / float((len(one.ids) + 1) ** decoding.length_penalty)

    live = [Told([pieces.cls_id], 0.0, False)]
    done: list[Told] = []
    for length in range(decoding.max_tokens):
        check()
        log_KV = _next(model, scene, [one.ids for one in live])
        totals_KV = log_KV + torch.tensor([[one.log_probability] for one in live])
        # Each beginning may end in one way: twice as many are sure to hold enough that go on.
        best = totals_KV.flatten().topk(2 * count)
        grown: list[Told] = []
        for total, place in zip(best.values.tolist(), best.indices.tolist(), strict=True):
            row, piece = divmod(place, log_KV.shape[1])
            if piece == pieces.sep_id:
                done.append(Told(live[row].ids[1:], total, True))
            elif total > -torch.inf and len(grown) < count:
                grown.append(Told([*live[row].ids, piece], total, False))
        live = grown
        # A log probability only falls; what it can become at best is what it is, over the longest caption.
        most = (decoding.max_tokens + 1 if decoding.length_penalty > 0 else length + 2) ** decoding.length_penalty
        done = sorted(done, key=score, reverse=True)[:count]
        if len(done) == count and score(done[-1]) >= live[0].log_probability / most:
            break
    cut = [one._replace(ids=one.ids[1:]) for one in live]
    return max(done or cut, key=score)
