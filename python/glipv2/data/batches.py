"""Samples put together for a step of training.

Legend: B pictures, H W their sides, T tokens, M boxes of a picture, K phrases that are asked of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from glipv2.data.records import Dataset
from glipv2.data.samples import Sample, category_sample, sentence_sample
from glipv2.losses.grounding import Targets
from glipv2.text.prompts import tokens_of
from glipv2.text.wordpiece import Tokens, WordPiece

#: Of so many steps one asks for what sentences speak of, the others for categories.
SENTENCES_EVERY = 3

#: Part of the category steps that ask for all of them at once, as detection does: a model that was never asked for most
#: of what a picture lacks finds it there.
ALL_CATEGORIES = 0.5
#: The others ask for up to so many, which is cheaper.
SOME_CATEGORIES = 24


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


def training_batch(split: Dataset, step: int, size: int, seed: int, tokenizer: WordPiece) -> Batch:
    """The batch of a step, counted from 0, and of nothing else: pictures in an order of each epoch's own.

    A step asks for categories or for what sentences speak of, so that texts of a batch are of like length.
    """
    rng = np.random.default_rng([seed, step])
    pictures = [split.pictures[index] for index in _places(step * size, size, len(split.pictures), seed)]
    if step % SENTENCES_EVERY == SENTENCES_EVERY - 1:
        samples = [sentence_sample(picture, rng) for picture in pictures]
    else:
        names = split.names
        every = rng.random() < ALL_CATEGORIES
        counts = np.full(size, len(names)) if every else rng.integers(1, min(SOME_CATEGORIES, len(names)) + 1, size)
        samples = [
            category_sample(picture, names, count, rng)
            for picture, count in zip(pictures, counts.tolist(), strict=True)
        ]
    return collate(samples, tokenizer)


def collate(samples: Sequence[Sample], tokenizer: WordPiece) -> Batch:
    """Pictures must be of one size."""
    texts = [tokenizer.encode(one.text) for one in samples]
    longest = max(len(one.ids) for one in texts)
    ids_BT = torch.full((len(texts), longest), tokenizer.pad_id)
    for row, text in enumerate(texts):
        ids_BT[row, : len(text.ids)] = torch.tensor(text.ids)
    lengths_B1 = torch.tensor([[len(one.ids)] for one in texts])
    asked = [
        Asked(one.names_K, token_map(text, one.spans_K, longest), one.phrases_M)
        for text, one in zip(texts, samples, strict=True)
    ]
    targets = Targets([torch.from_numpy(one.boxes_M4) for one in samples], [of_boxes(one) for one in asked])
    pictures_BHW3 = torch.from_numpy(np.stack([one.pixels for one in samples]))
    sizes = [(one.pixels.shape[0], one.pixels.shape[1]) for one in samples]
    return Batch(pictures_BHW3.permute(0, 3, 1, 2), sizes, ids_BT, torch.arange(longest) < lengths_B1, targets, asked)


def token_map(text: Tokens, spans_K: Sequence[tuple[int, int]], length: int) -> Tensor:
    """map_KT, bool: True for a token that shares a character with the span."""
    map_KT = torch.zeros(len(spans_K), length, dtype=torch.bool)
    for row, span in enumerate(spans_K):
        map_KT[row, tokens_of(span, text.spans)] = True
    return map_KT


def of_boxes(asked: Asked) -> Tensor:
    """map_MT, bool: True for the tokens of all phrases that speak of the box."""
    member_MK = torch.zeros(len(asked.phrases_M), len(asked.names_K))
    for row, phrases in enumerate(asked.phrases_M):
        member_MK[row, list(phrases)] = 1
    return (member_MK @ asked.tokens_KT.float()) > 0


def ahead(make: Callable[[int], Batch], steps: range, count: int = 4) -> Iterator[Batch]:
    """`make` of each step in turn, on one thread that is at most `count` steps ahead."""
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(make, step) for step in steps[:count]]
        for step in steps:
            batch = waiting.pop(0).result()
            if step + count < steps.stop:
                waiting.append(pool.submit(make, step + count))
            yield batch


def _places(first: int, count: int, total: int, seed: int) -> list[int]:
    places = []
    while count > 0:
        epoch, offset = divmod(first, total)
        order = np.random.default_rng([seed, epoch, total]).permutation(total)
        part = order[offset : offset + count]
        places += part.tolist()
        first, count = first + len(part), count - len(part)
    return places
