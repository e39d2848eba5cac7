"""Samples put together for a step of training.

Legend: B pictures, H W their sides, T tokens, M boxes of a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from glipv2.data.samples import Sample, category_sample, sentence_sample
from glipv2.data.scenes import Split
from glipv2.losses.grounding import Targets
from glipv2.text.wordpiece import Tokens, WordPiece

#: How many categories a step asks for, and how often. Few are cheap; many are what evaluation asks for.
CATEGORY_COUNTS = ((12, 0.5), (24, 0.35), (40, 0.15))


class Batch(NamedTuple):
    pictures_B3HW: Tensor
    """uint8, RGB."""
    ids_BT: Tensor
    mask_BT: Tensor
    targets: Targets


def training_batch(split: Split, step: int, size: int, seed: int, tokenizer: WordPiece) -> Batch:
    """The batch of a step, counted from 0, and of nothing else: pictures in an order of each epoch's own.

    Even steps ask for categories, odd ones for what sentences speak of, so that texts of a batch are of like length.
    """
    rng = np.random.default_rng([seed, step])
    pictures = [split.pictures[index] for index in _places(step * size, size, len(split.pictures), seed)]
    if step % 2:
        samples = [sentence_sample(picture, rng) for picture in pictures]
    else:
        counts, weights = zip(*CATEGORY_COUNTS, strict=True)
        count = int(rng.choice(counts, p=weights))
        samples = [category_sample(picture, split.names, int(rng.integers(1, count + 1)), rng) for picture in pictures]
    return collate(samples, tokenizer)


def collate(samples: Sequence[Sample], tokenizer: WordPiece) -> Batch:
    """Pictures must be of one size."""
    texts = [tokenizer.encode(one.text) for one in samples]
    longest = max(len(one.ids) for one in texts)
    ids_BT = torch.full((len(texts), longest), tokenizer.pad_id)
    for row, text in enumerate(texts):
        ids_BT[row, : len(text.ids)] = torch.tensor(text.ids)
    lengths_B1 = torch.tensor([[len(one.ids)] for one in texts])
    boxes = [torch.from_numpy(one.boxes_M4) for one in samples]
    maps = [token_map(text, one.spans_M, longest) for text, one in zip(texts, samples, strict=True)]
    pictures_BHW3 = torch.from_numpy(np.stack([one.pixels for one in samples]))
    return Batch(pictures_BHW3.permute(0, 3, 1, 2), ids_BT, torch.arange(longest) < lengths_B1, Targets(boxes, maps))


def token_map(text: Tokens, spans_M: Sequence[Sequence[tuple[int, int]]], length: int) -> Tensor:
    """map_MT, bool: True for a token that shares a character with one of the row's spans."""
    map_MT = torch.zeros(len(spans_M), length, dtype=torch.bool)
    for row, spans in enumerate(spans_M):
        for token, (start, end) in enumerate(text.spans):
            map_MT[row, token] = any(start < stop and first < end for first, stop in spans)
    return map_MT


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
