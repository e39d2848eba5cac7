"""GLIP's grounding loss: which tokens speak of a region, where its box is, how central it lies.

Legend: B pictures, M boxes of a picture, N regions, T tokens, P regions that have a box. A box is `[x1, y1, x2, y2]` in
pixels of what the network sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from glipv2.detection.boxes import decode
from glipv2.losses import processes
from glipv2.losses.assignment import Assigned
from glipv2.losses.centerness import centerness, centerness_loss
from glipv2.losses.focal import token_focal_loss
from glipv2.losses.giou import giou
from glipv2.model import Output

BOX_WEIGHT = 2.0


class Targets(NamedTuple):
    """What a batch should have found: one tensor for each picture, of as many rows as it has boxes, also of none."""

    boxes_M4: Sequence[Tensor]

    tokens_MT: Sequence[Tensor]
    """True where the token speaks of the box. T is the batch's longest text, or less: what lacks is padding."""


class GroundingLosses(NamedTuple):
    """Scalars, weighted among each other."""

    tokens: Tensor
    """Official name: loss_dot_product_token."""
    boxes: Tensor
    """Official name: loss_reg."""
    centerness: Tensor
    """Official name: loss_centerness."""


def grounding_loss(output: Output, assigned: Assigned, tokens_MT: Sequence[Tensor], mask_BT: Tensor) -> GroundingLosses:
    """As the official ATSSLossComputation, with its defaults, for texts of any length. `tokens_MT`: as in `Targets`.

    Normalised by the boxes' regions over all processes. Two of its peculiarities are left out: its classification loss,
    whose weight is 0, and a background token, which is a text's last one only where the text fills its whole window.
    """
    logits_BNT, deltas_BN4, centerness_BN = (one.float() for one in output[:3])
    regions, tokens = logits_BNT.shape[1:]
    picture_P, region_P = assigned.picture_P, assigned.region_P
    maps_BMT = pad_sequence([F.pad(one.bool(), (0, tokens - one.shape[1])) for one in tokens_MT], batch_first=True).to(
        logits_BNT.device
    )
    found_P4 = decode(deltas_BN4[picture_P, region_P], assigned.anchors_P4)
    central_P = centerness(assigned.boxes_P4, assigned.anchors_P4)
    count, centrality = processes.mean(torch.stack([central_P.new_tensor(len(central_P)), central_P.sum()]))

    of_tokens = token_focal_loss(
        logits_BNT, mask_BT, picture_P * regions + region_P, maps_BMT[picture_P, assigned.box_P]
    )
    of_boxes = ((1 - giou(found_P4, assigned.boxes_P4)) * central_P).sum()
    of_centerness = centerness_loss(centerness_BN[picture_P, region_P], central_P)
    count = count.clamp(min=1)
    # Without a box anywhere the centrality is 0, and so is what it divides.
    return GroundingLosses(of_tokens / count, BOX_WEIGHT * of_boxes / centrality.clamp(min=1e-6), of_centerness / count)
