"""GLIP's grounding loss: which tokens speak of a region, where its box is, how central it lies.

Legend: B pictures, M boxes of a picture, N regions, T tokens, P regions that have a box. A box is `[x1, y1, x2, y2]` in
pixels of what the network sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, distributed
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from glipv2.detection.anchors import anchors
from glipv2.detection.boxes import decode
from glipv2.losses.assignment import assign
from glipv2.losses.focal import token_focal_loss
from glipv2.model import Output

BOX_WEIGHT = 2.0


class Targets(NamedTuple):
    """What a batch should have found: one tensor for each picture, of as many rows as it has boxes, also of none."""

    boxes_M4: Sequence[Tensor]

    tokens_MT: Sequence[Tensor]
    """True where the token speaks of the box. T is the batch's longest text, or less: what lacks is padding."""


class Losses(NamedTuple):
    """Scalars, weighted."""

    tokens: Tensor
    """Official name: loss_dot_product_token."""
    boxes: Tensor
    """Official name: loss_reg."""
    centerness: Tensor
    """Official name: loss_centerness."""

    @property
    def total(self) -> Tensor:
        return self.tokens + self.boxes + self.centerness


def grounding_loss(output: Output, targets: Targets, mask_BT: Tensor) -> Losses:
    """As the official ATSSLossComputation, with its defaults, for texts of any length.

    Normalised by the boxes' regions over all processes. Two of its peculiarities are left out: its classification loss,
    whose weight is 0, and a background token, which is a text's last one only where the text fills its whole window.
    """
    logits_BNT, deltas_BN4, centerness_BN = (one.float() for one in output[:3])
    device, tokens = logits_BNT.device, logits_BNT.shape[2]
    boxes_BM4 = pad_sequence([one.float() for one in targets.boxes_M4], batch_first=True).to(device)
    counts_B = torch.tensor([len(one) for one in targets.boxes_M4], device=device)
    present_BM = torch.arange(boxes_BM4.shape[1], device=device) < counts_B[:, None]
    anchors_N4 = anchors(output.sizes, device=device)
    box_BN = assign(boxes_BM4, present_BM, anchors_N4, output.sizes)

    picture_P, region_P = (box_BN >= 0).nonzero(as_tuple=True)
    box_P = box_BN[picture_P, region_P]
    maps_BMT = pad_sequence(
        [F.pad(one.bool(), (0, tokens - one.shape[1])) for one in targets.tokens_MT], batch_first=True
    ).to(device)
    found_P4 = decode(deltas_BN4[picture_P, region_P], anchors_N4[region_P])
    wanted_P4 = boxes_BM4[picture_P, box_P]
    central_P = _centerness(wanted_P4, anchors_N4[region_P])
    count, centrality = _means(torch.stack([central_P.new_tensor(len(box_P)), central_P.sum()]))

    of_tokens = token_focal_loss(
        logits_BNT, mask_BT, picture_P * len(anchors_N4) + region_P, maps_BMT[picture_P, box_P]
    )
    of_boxes = ((1 - _giou(found_P4, wanted_P4)) * central_P).sum()
    of_centerness = F.binary_cross_entropy_with_logits(centerness_BN[picture_P, region_P], central_P, reduction="sum")
    count = count.clamp(min=1)
    # Without a box anywhere the centrality is 0, and so is what it divides.
    return Losses(of_tokens / count, BOX_WEIGHT * of_boxes / centrality.clamp(min=1e-6), of_centerness / count)


def _means(sums: Tensor) -> Tensor:
    """Over the processes."""
    if distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1:
        distributed.all_reduce(sums)
        return sums / distributed.get_world_size()
    return sums


def _centerness(boxes_P4: Tensor, anchors_P4: Tensor) -> Tensor:
    """1 for an anchor at the centre of its box, towards 0 at the edges (FCOS, Tian et al., 2019, equation 3)."""
    centres_P2 = (anchors_P4[:, :2] + anchors_P4[:, 2:]) / 2
    low_P2, high_P2 = centres_P2 - boxes_P4[:, :2], boxes_P4[:, 2:] - centres_P2
    return (torch.minimum(low_P2, high_P2) / torch.maximum(low_P2, high_P2)).prod(dim=1).sqrt()


def _giou(found_P4: Tensor, wanted_P4: Tensor) -> Tensor:
    """Generalised intersection over union (Rezatofighi et al., 2019), -1 to 1, of continuous boxes."""
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
