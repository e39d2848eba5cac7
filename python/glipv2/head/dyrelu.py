"""Dynamic ReLU (Chen et al., 2020): the larger of two lines, whose slopes and shifts the picture itself decides.

Legend: B pictures, N positions, C channels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

REDUCTION = 4


class Lines(NamedTuple):
    """Of each channel: slope_1 x + shift_1 and slope_2 x + shift_2; each [B, C]."""

    slope_1: Tensor
    shift_1: Tensor
    slope_2: Tensor
    shift_2: Tensor

    def after(self, added_BC: Tensor) -> Lines:
        """For an x to which this is still to be added."""
        shift_1 = torch.addcmul(self.shift_1, self.slope_1, added_BC)
        return Lines(self.slope_1, shift_1, self.slope_2, torch.addcmul(self.shift_2, self.slope_2, added_BC))


class DyReLU(nn.Module):
    """Split from its use: the lines depend on the means alone, and can be multiplied into what comes before."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduce = nn.Linear(channels, channels // REDUCTION)
        self.expand = nn.Linear(channels // REDUCTION, 4 * channels)

    def forward(self, means_BC: Tensor) -> Lines:
        """`means_BC`: of each channel over a map. Lines near x and 0, which would be ReLU: slopes 0 to 2 and -1 to 1,
        shifts -1/2 to 1/2."""
        quarters = F.hardsigmoid(self.expand(F.relu(self.reduce(means_BC)))) - 0.5
        slope_1, shift_1, slope_2, shift_2 = quarters.chunk(4, dim=-1)
        return Lines(2 * slope_1 + 1, shift_1, 2 * slope_2, shift_2)


def larger(x_BNC: Tensor, lines: Lines) -> Tensor:
    """max(slope_1 x + shift_1, slope_2 x + shift_2)"""
    slope_1, shift_1, slope_2, shift_2 = (one.unsqueeze(1) for one in lines)
    return torch.maximum(torch.addcmul(shift_1, x_BNC, slope_1), torch.addcmul(shift_2, x_BNC, slope_2))
