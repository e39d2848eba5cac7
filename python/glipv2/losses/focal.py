"""Focal loss of region-token logits: what is easy counts little (Lin et al., 2017).

Legend: B pictures, N regions, T tokens, P regions that have a box.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

#: Weight of a fitting pair; the others have 1 - ALPHA.
ALPHA = 0.25

#: How fast a pair that is told right loses weight.
GAMMA = 2.0

#: Logits at a time: on a CPU they stay in the caches.
LOGITS_CPU, LOGITS_GPU = 2**18, 2**26


def token_focal_loss(logits_BNT: Tensor, mask_BT: Tensor, positive_P: Tensor, tokens_PT: Tensor) -> Tensor:
    """The sum over all pairs of a region and a token (special ones included, padding not).

    positive_P: places of regions with a box, in logits_BNT seen as [B x N, T]; tokens_PT: True where the token speaks
    of that box. All pairs are taken for negative first and the few others are set right then, so that no target of the
    logits' size is ever made.
    """
    logits_PT = logits_BNT.flatten(0, 1)[positive_P]
    everything: Tensor = _Negatives.apply(logits_BNT, mask_BT)
    return everything + ((_positive(logits_PT) - _negative(logits_PT)) * tokens_PT).sum()


class _Negatives(torch.autograd.Function):
    """The sum of `_negative` over what is no padding, which keeps nothing but the logits."""

    @staticmethod
    def forward(ctx: Any, logits_BNT: Tensor, mask_BT: Tensor) -> Tensor:
        ctx.save_for_backward(logits_BNT, mask_BT)
        return torch.stack(
            [(_negative(some) * mask_BT[:, None]).sum() for some in logits_BNT.split(_step(logits_BNT), 1)]
        ).sum()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        logits_BNT, mask_BT = ctx.saved_tensors
        weights_B1T = mask_BT[:, None] * ((1 - ALPHA) * gradient)
        slopes_BNT = torch.empty_like(logits_BNT)
        step = _step(logits_BNT)
        for some_BnT, slopes_BnT in zip(logits_BNT.split(step, 1), slopes_BNT.split(step, 1), strict=True):
            probability = torch.sigmoid(some_BnT)
            # (p^g softplus)' = p^g (g (1 - p) softplus + p)
            torch.addcmul(probability, 1 - probability, F.softplus(some_BnT), value=GAMMA, out=slopes_BnT)
            slopes_BnT.mul_(probability.pow(GAMMA)).mul_(weights_B1T)
        return slopes_BNT, None


def _step(logits_BNT: Tensor) -> int:
    """Regions at a time."""
    most = LOGITS_CPU if logits_BNT.device.type == "cpu" else LOGITS_GPU
    return max(1, most // (len(logits_BNT) * logits_BNT.shape[2]))


def _negative(logits: Tensor) -> Tensor:
    return (1 - ALPHA) * torch.sigmoid(logits).pow(GAMMA) * F.softplus(logits)


def _positive(logits: Tensor) -> Tensor:
    return ALPHA * torch.sigmoid(-logits).pow(GAMMA) * F.softplus(-logits)
