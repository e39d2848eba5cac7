"""How many objects a token speaks of: its regions, each object's counted once.

A region that another one with a better score overlaps is taken for the same object as far as that one is sure, as soft
and matrix suppression do it (Wang et al., 2020); so is it in counting from attention (Zhang et al., 2018). Attention
alone, whose weights add up to 1, cannot tell two cats from one.

Legend: B pictures, N regions, T tokens, R the best regions of a token, K counts. A box is `[x1, y1, x2, y2]` in pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor

#: Scores from which a region is an object, for each of which there is a count.
AT = (0.25, 0.4, 0.55)

#: Counts that are told apart: 0 to BINS - 1.
BINS = 12

#: Regions of a token that are looked at, best first.
REGIONS = 64

#: How fast scores become sure, and overlaps the same, around their threshold.
STEEP = 20.0

#: Intersection over union from which two regions are of one object.
SAME = 0.5


@torch.no_grad()
def counted(logits_BNT: Tensor, centerness_BN: Tensor, boxes_BN4: Tensor) -> Tensor:
    """counts_BTK, no whole numbers; without gradients: what regions find, the other losses teach.

    `logits_BNT`: how well tokens fit regions; `centerness_BN`: 0 to 1.
    """
    scores_BTN = (logits_BNT.float().sigmoid() * centerness_BN[..., None]).sqrt().transpose(1, 2)
    scores_BTR, rows_BTR = scores_BTN.topk(min(REGIONS, scores_BTN.shape[2]), dim=2)
    pictures = torch.arange(len(rows_BTR), device=rows_BTR.device)[:, None, None]
    boxes_BTR4 = boxes_BN4[pictures, rows_BTR]
    same_BTRR = ((_overlaps(boxes_BTR4) - SAME) * STEEP).sigmoid()
    counts = []
    for threshold in AT:
        sure_BTR = ((scores_BTR - threshold) * STEEP).sigmoid()
        # Of each pair, only the better one suppresses the other.
        others_BTRR = (1 - sure_BTR[:, :, None, :] * same_BTRR).tril(-1) + torch.ones_like(same_BTRR[0, 0]).triu()
        counts.append((sure_BTR * others_BTRR.prod(dim=3)).sum(dim=2))
    return torch.stack(counts, dim=-1)


def bumps(counts_BTK: Tensor) -> Tensor:
    """[B, T, K x BINS]: near 1 where a count is near a number, else near 0."""
    numbers = torch.arange(BINS, dtype=torch.float32, device=counts_BTK.device)
    return (-2 * (counts_BTK.float()[..., None] - numbers).square()).exp().flatten(2)


def _overlaps(boxes_BTR4: Tensor) -> Tensor:
    """Intersection over union of each with each [B, T, R, R]."""
    low = torch.maximum(boxes_BTR4[..., :, None, :2], boxes_BTR4[..., None, :, :2])
    high = torch.minimum(boxes_BTR4[..., :, None, 2:], boxes_BTR4[..., None, :, 2:])
    shared_BTRR = (high - low + 1).clamp(min=0).prod(dim=-1)
    areas_BTR = (boxes_BTR4[..., 2:] - boxes_BTR4[..., :2] + 1).prod(dim=-1)
    return shared_BTRR / (areas_BTR[..., :, None] + areas_BTR[..., None, :] - shared_BTRR)
