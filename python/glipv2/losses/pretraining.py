"""What the losses of pre-training need besides the model: learnt with it, of no use after it.

Legend: R regions, Q phrases, C channels of a region, L of a token, D of the space in which regions and phrases are
compared.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glipv2.config import GlipConfig
from glipv2.text.masked_words import MaskedWordHead

#: Channels in which regions and phrases are compared.
WIDTH = 64

#: Of the logarithm of the factor of cosines: where it starts, and the most it becomes (Radford et al., 2021).
LOG_SCALE, MOST_LOG_SCALE = math.log(1 / 0.07), math.log(100)


class PretrainHeads(nn.Module):
    """For a model of this configuration. A training run keeps them with its state, not with the weights."""

    def __init__(self, config: GlipConfig) -> None:
        super().__init__()
        self.region = nn.Linear(config.fpn.channels, WIDTH)
        self.phrase = nn.Linear(config.text.width, WIDTH)
        self.log_scale = nn.Parameter(torch.tensor(LOG_SCALE))
        self.words = MaskedWordHead(config.text)

    def regions(self, features_RC: Tensor) -> Tensor:
        """[R, D], each of the length that makes dot products with `phrases` cosines times the learnt factor."""
        scale = self.log_scale.clamp(max=MOST_LOG_SCALE).exp()
        return scale * F.normalize(self.region(features_RC), dim=-1)

    def phrases(self, features_QL: Tensor) -> Tensor:
        """[Q, D], each of length 1."""
        return F.normalize(self.phrase(features_QL), dim=-1)
