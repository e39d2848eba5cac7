"""How central a region lies in its box (FCOS, Tian et al., 2019, equation 3): what is off the centre boxes it badly.

Legend: P regions that have a box. A box, and an anchor, is `[x1, y1, x2, y2]` in pixels of what the network sees.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def centerness(boxes_P4: Tensor, anchors_P4: Tensor) -> Tensor:
    """centerness_P: 1 for an anchor at the centre of its box, towards 0 at the edges, within which it must be."""
    centres_P2 = (anchors_P4[:, :2] + anchors_P4[:, 2:]) / 2
    low_P2, high_P2 = centres_P2 - boxes_P4[:, :2], boxes_P4[:, 2:] - centres_P2
    return (torch.minimum(low_P2, high_P2) / torch.maximum(low_P2, high_P2)).prod(dim=1).sqrt()


def centerness_loss(logits_P: Tensor, centerness_P: Tensor) -> Tensor:
    """The sum over all regions."""
    return F.binary_cross_entropy_with_logits(logits_P, centerness_P, reduction="sum")
