"""Generalised intersection over union (Rezatofighi et al., 2019): where boxes do not meet, it still says which way.

Legend: P pairs of boxes. A box is `[x1, y1, x2, y2]` and continuous: x2 - x1 wide.
"""

from __future__ import annotations

import torch
from torch import Tensor


def giou(found_P4: Tensor, wanted_P4: Tensor) -> Tensor:
    """giou_P, from -1 (far apart) to 1 (equal)."""
    low = torch.maximum(found_P4[:, :2], wanted_P4[:, :2])
    high = torch.minimum(found_P4[:, 2:], wanted_P4[:, 2:])
    shared = (high - low).clamp(min=0).prod(dim=1)
    union = _area(found_P4) + _area(wanted_P4) - shared + 1e-7
    around_low = torch.minimum(found_P4[:, :2], wanted_P4[:, :2])
    around_high = torch.maximum(found_P4[:, 2:], wanted_P4[:, 2:])
    around = (around_high - around_low).prod(dim=1) + 1e-7
    return shared / union - (around - union) / around


def _area(boxes_P4: Tensor) -> Tensor:
    return (boxes_P4[:, 2:] - boxes_P4[:, :2]).prod(dim=1)
