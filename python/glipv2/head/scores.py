"""What is said of each region: its box, how central it is (ATSS, Zhang et al., 2020), and how well each token fits it.

Legend: B pictures, N regions (positions of all levels), T tokens, C channels of a region, L of a token.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glipv2.pyramid import Pyramid, lengths

#: Logits beyond it are cut, as in the released configurations.
LIMIT = 50000.0


class Boxes(NamedTuple):
    deltas_BN4: Tensor
    """From the region's anchor to its box, in the code of `detection`."""

    centerness_BN: Tensor
    """Logits."""


class BoxHead(nn.Module):
    def __init__(self, channels: int, levels: int) -> None:
        super().__init__()
        self.deltas = nn.Conv2d(channels, 4, 1)
        self.centerness = nn.Conv2d(channels, 1, 1)
        self.scales = nn.ParameterList(nn.Parameter(torch.ones(1)) for _ in range(levels))
        for layer in (self.deltas, self.centerness):
            nn.init.normal_(layer.weight, std=0.01)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def forward(self, pyramid: Pyramid) -> Boxes:
        # Convolutions of 1 x 1 are matrix products, and one is faster than two on each of five levels.
        weight = torch.cat([self.deltas.weight, self.centerness.weight]).flatten(1)
        bias = torch.cat([self.deltas.bias, self.centerness.bias])  # type: ignore[list-item]  # both have one
        found_BN5 = F.linear(pyramid.features_BNC, weight, bias)
        scales_N1 = torch.cat([one.expand(n) for one, n in zip(self.scales, lengths(pyramid.sizes), strict=True)])[
            :, None
        ]
        return Boxes(found_BN5[..., :4] * scales_N1, found_BN5[..., 4])


class Words(NamedTuple):
    logits_BNT: Tensor
    """How well a token fits a region, before the sigmoid; padding has logits without meaning."""

    tokens_BTC: Tensor
    """The tokens, projected to where the regions are."""


class WordHead(nn.Module):
    """Dot products of regions and tokens, which take the place of a detector's classes."""

    def __init__(self, channels: int, text_width: int, prior: float, log_scale: float) -> None:
        """`prior`: the share of pairs that fit, from which training starts."""
        super().__init__()
        self.projection = nn.Linear(text_width, channels)
        self.log_scale = nn.Parameter(torch.tensor([log_scale]))
        self.token_bias = nn.Parameter(torch.zeros(text_width))
        self.bias = nn.Parameter(torch.tensor([-math.log((1 - prior) / prior)]))

    def forward(self, regions_BNC: Tensor, text_BTL: Tensor) -> Words:
        text_BTL = F.normalize(text_BTL, dim=-1)
        tokens_BTC = self.projection(text_BTL / 2)
        bias_B1T = (text_BTL @ self.token_bias + self.bias)[:, None]
        scaled_BCT = (tokens_BTC / self.log_scale.exp()).transpose(1, 2)
        return Words(torch.baddbmm(bias_B1T, regions_BNC, scaled_BCT).clamp(-LIMIT, LIMIT), tokens_BTC)
