"""Sigmoid focal loss over one label per row: 1..C a class, 0 background, below 0 left out.

Legend: N rows, C classes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

#: Keeps log(p) finite where p underflows, as the official kernel does.
SMALLEST_PROBABILITY = torch.finfo(torch.float32).tiny


def sigmoid_focalloss_forward(
    logits_NC: Tensor, targets_N: Tensor, num_classes: int, gamma: float, alpha: float
) -> Tensor:
    """The loss of each logit, not reduced."""
    positive, negative = _sides(logits_NC, targets_N, num_classes)
    p = logits_NC.sigmoid()
    hit = (1 - p) ** gamma * _log_p(p)
    miss = p**gamma * F.logsigmoid(-logits_NC)
    return -alpha * positive * hit - (1 - alpha) * negative * miss


def sigmoid_focalloss_backward(
    logits_NC: Tensor, targets_N: Tensor, grad_NC: Tensor, num_classes: int, gamma: float, alpha: float
) -> Tensor:
    """The gradient of the logits."""
    positive, negative = _sides(logits_NC, targets_N, num_classes)
    p = logits_NC.sigmoid()
    hit = (1 - p) ** gamma * (1 - p - gamma * p * _log_p(p))
    miss = p**gamma * (gamma * (1 - p) * F.logsigmoid(-logits_NC) - p)
    return (-alpha * positive * hit - (1 - alpha) * negative * miss) * grad_NC


def _sides(logits_NC: Tensor, targets_N: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    targets_N1 = targets_N.reshape(-1, 1).long()
    is_class = targets_N1 == torch.arange(1, num_classes + 1, device=logits_NC.device)
    return is_class.to(logits_NC.dtype), ((targets_N1 >= 0) & ~is_class).to(logits_NC.dtype)


def _log_p(p: Tensor) -> Tensor:
    return p.clamp(min=SMALLEST_PROBABILITY).log()
