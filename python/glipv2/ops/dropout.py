"""Dropout that is not kept for the backward pass, but drawn again."""

from __future__ import annotations

import math

import torch
from torch import Tensor

# 16 bits decide about a value: to draw them is several times as fast as to draw from a Bernoulli distribution.
_BITS = 16
_LANES = 64 // _BITS


class Dropout:
    """The same values for the same seed, shapes and device, drawn in the same order."""

    def __init__(self, share: float, seed: int, device: torch.device) -> None:
        """`share` of the values is dropped; 0: none. What is kept is to be multiplied by `scale`, so that the mean
        stays."""
        dropped = round(share * 2**_BITS)
        self.scale = 1 / (1 - dropped / 2**_BITS)
        self._least = dropped - 2 ** (_BITS - 1)
        self._generator = torch.Generator(device).manual_seed(seed) if dropped else None

    @staticmethod
    def seed(share: float) -> int:
        """A new one, from torch's random state; nothing is drawn where nothing will be dropped."""
        return int(torch.randint(2**62, ())) if share else 0

    def __bool__(self) -> bool:
        return self._generator is not None

    def drop_(self, values: Tensor) -> Tensor:
        """Sets the next ones to zero, in place; contiguous."""
        if self._generator is None:
            return values
        words = torch.empty(math.ceil(values.numel() / _LANES), dtype=torch.int64, device=values.device)
        words.random_(-(2**63), None, generator=self._generator)
        kept = words.view(torch.int16)[: values.numel()] >= self._least
        return values.mul_(kept.view(values.shape))
