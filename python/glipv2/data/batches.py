"""Samples put together for a step of training.

Legend: B pictures, H W their sides, T tokens, M boxes of a picture, K phrases that are asked of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from glipv2.data.asking import Asking, Kind, Text, step_of
from glipv2.data.augment import Viewing
from glipv2.data.candidates import Candidates, candidates
from glipv2.data.mixture import Mixture
from glipv2.data.pixels import FILL
from glipv2.data.samples import Plan, fetch, plan
from glipv2.losses.grounding import Targets
from glipv2.text.wordpiece import WordPiece

T = TypeVar("T")


class Asked(NamedTuple):
    """The phrases of a text: its categories, those that the picture lacks too, or a caption's phrases."""

    names_K: tuple[str | None, ...]
    """Of each phrase's category, the same word for the same category in every text; None for a caption's phrase."""

    tokens_KT: Tensor
    """bool, the phrase's tokens; T is the batch's longest text."""

    phrases_M: tuple[tuple[int, ...], ...]
    """Which of the phrases speak of each box."""


class Batch(NamedTuple):
    pictures_B3HW: Tensor
    """uint8, RGB; smaller ones are padded below and to the right."""

    sizes: list[tuple[int, int]]
    """(height, width) of each picture without padding."""

    ids_BT: Tensor
    mask_BT: Tensor
    """True where there is a token, False for padding."""

    targets: Targets
    """Boxes in pixels of `pictures_B3HW`."""

    asked: Sequence[Asked]

    masks_MHW: Sequence[Tensor] | None = None
    """bool, the objects' pixels, of the boxes' rows; none at all where the data has no mask. None: not asked for."""

    kind: Kind = "boxes"
    """What the step asks for."""

    kinds: Sequence[Kind] = ()
    """What each picture's text is for, where the step asks for more than boxes: a picture may lack it."""

    grounded: Sequence[bool] = ()
    """Whether all that each text speaks of has boxes, likewise."""

    candidates: Candidates | None = None
    """Of the answers, where the step asks questions; the same in all parts of the batch."""

    right_BA: Tensor | None = None
    """How much each candidate is right, adding up to 1, or 0 without a question."""


def training_batch(
    mixture: Mixture,
    step: int,
    size: int,
    seed: int,
    asking: Asking,
    tokenizer: WordPiece,
    viewing: Viewing | None = None,
    part: slice = slice(None),
    masks: bool = False,
) -> Batch:
    """The batch of a step, counted from 0, and of nothing else.

    `size`: of the whole batch, of which `part` is made. The parts are padded as the whole would be, so that what they
    give together is what it would give. OSError, InputError: a picture cannot be read, or is not as its annotations
    say.
    """
    viewing = viewing or Viewing()
    kind = step_of(asking, step, seed)
    sides = (int(_rng(seed, step, size).choice(viewing.short_sides)), viewing.long_side)
    plans = [
        plan(dataset, picture, kind, asking, tokenizer, sides, viewing.augmentation, _rng(seed, step, place))
        for place, (dataset, picture) in enumerate(mixture.of(kind.kind).draw(step, size))
    ]
    height, width = (
        -(-max(sides) // viewing.divisor) * viewing.divisor
        for sides in zip(*(one.view.seen for one in plans), strict=True)
    )
    length = max(len(one.text.tokens.ids) for one in plans)
    batch = collate(plans[part], (height, width), length, tokenizer.pad_id, masks)
    if kind.kind == "boxes":
        return batch
    batch = batch._replace(
        kind=kind.kind,
        kinds=[one.text.kind for one in plans[part]],
        grounded=[one.text.grounded for one in plans[part]],
    )
    if kind.kind == "captions":
        return batch
    answers = [one.text.answers for one in plans]
    known = [answer for dataset in mixture.datasets for answer in dataset.answers]
    found, right_BA = candidates(answers, known, tokenizer, _rng(seed, step, size))
    return batch._replace(candidates=found, right_BA=right_BA[part])


def collate(plans: Sequence[Plan], size: tuple[int, int], length: int, pad_id: int, masks: bool = False) -> Batch:
    """The plans' pictures padded to `size`, (height, width), and their texts to `length` tokens."""
    pictures_BHW3 = np.empty((len(plans), *size, 3), np.uint8)
    pictures_BHW3[:] = FILL
    masks_MHW = []
    for row, one in enumerate(plans):
        sample = fetch(one, masks)
        height, width = one.view.seen
        pictures_BHW3[row, :height, :width] = sample.pixels
        if sample.masks_MHW is not None:
            padded_MHW = np.zeros((len(sample.masks_MHW), *size), np.bool_)
            padded_MHW[:, :height, :width] = sample.masks_MHW
            masks_MHW.append(torch.from_numpy(padded_MHW))
    ids_BT = torch.full((len(plans), length), pad_id)
    for row, one in enumerate(plans):
        ids_BT[row, : len(one.text.tokens.ids)] = torch.tensor(one.text.tokens.ids)
    lengths_B1 = torch.tensor([[len(one.text.tokens.ids)] for one in plans])
    asked = [asked_of(one.text, one.phrases_M, length) for one in plans]
    return Batch(
        torch.from_numpy(pictures_BHW3).permute(0, 3, 1, 2),
        [one.view.seen for one in plans],
        ids_BT,
        torch.arange(length) < lengths_B1,
        Targets([torch.from_numpy(one.boxes_M4) for one in plans], [of_boxes(one) for one in asked]),
        asked,
        masks_MHW if masks else None,
    )


def asked_of(text: Text, phrases_M: tuple[tuple[int, ...], ...], length: int) -> Asked:
    """A phrase's tokens are those that share a character with it. `phrases_M`: of the boxes that are there."""
    start_K1, end_K1 = np.asarray(text.spans_K, np.int64).reshape(-1, 2).T[..., None]
    start_T, end_T = np.asarray(text.tokens.spans, np.int64).T
    map_KT = np.zeros((len(text.spans_K), length), np.bool_)
    # A token that stands nowhere ends before every phrase.
    map_KT[:, : len(start_T)] = (start_T < end_K1) & (start_K1 < end_T)
    return Asked(text.names_K, torch.from_numpy(map_KT), phrases_M)


def of_boxes(asked: Asked) -> Tensor:
    """map_MT, bool: True for the tokens of all phrases that speak of the box."""
    member_MK = torch.zeros(len(asked.phrases_M), len(asked.names_K))
    for row, phrases in enumerate(asked.phrases_M):
        member_MK[row, list(phrases)] = 1
    return (member_MK @ asked.tokens_KT.float()) > 0


def ahead(make: Callable[[int], T], steps: range, count: int = 4, readers: int = 1) -> Generator[T, None, None]:
    """`make` of each step in turn, on `readers` threads that are at most `count` steps ahead."""
    rest = iter(steps)
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(readers, "glip-reader") as pool:
        try:
            for _ in steps:
                while len(waiting) < max(count, readers) and (step := next(rest, None)) is not None:
                    waiting.append(pool.submit(make, step))
                yield waiting.popleft().result()
        finally:
            # Whoever stops early, or is told of an error, does not wait for what nobody wants any more.
            for one in waiting:
                one.cancel()


def _rng(*seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)
