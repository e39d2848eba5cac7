"""Focal loss of region-token logits: what is easy counts little (Lin et al., 2017).

Legend: B pictures, N regions, T tokens, P regions that have a box.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

#: Weight of a fitting pair; the others have 1 - ALPHA.
ALPHA = 0.25

#: How fast a pair that is told right loses weight.
GAMMA = 2.0


def token_focal_loss(logits_BNT: Tensor, mask_BT: Tensor, positive_P: Tensor, tokens_PT: Tensor) -> Tensor:
    """The sum over all pairs of a region and a token (special ones included, padding not).

    positive_P: places of regions with a box, in logits_BNT seen as [B x N, T]; tokens_PT: True where the token speaks
    of that box. All pairs are taken for negative first and the few others are set right then, so that no target of the
    logits' size is ever made.
    """
    logits_PT = logits_BNT.flatten(0, 1)[positive_P]
    everything = (_negative(logits_BNT) * mask_BT[:, None, :]).sum()
    return everything + ((_positive(logits_PT) - _negative(logits_PT)) * tokens_PT).sum()


def _negative(logits: Tensor) -> Tensor:
    return (1 - ALPHA) * torch.sigmoid(logits).pow(GAMMA) * F.softplus(logits)


def _positive(logits: Tensor) -> Tensor:
    return ALPHA * torch.sigmoid(-logits).pow(GAMMA) * F.softplus(-logits)
