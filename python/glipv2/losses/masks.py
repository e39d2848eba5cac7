"""Which pixels are a region's object: cross-entropy and dice (Milletari et al., 2016), around the object's box.

Each region counts as much, however large its object is. Pixels further away are nobody's concern: masks end at boxes.

Legend: B pictures, M boxes of a picture, N regions, P regions that have a box, R those of a picture that take part; C
channels of a region, E of a pixel; H W rows and columns of pixel features. A box is `[x1, y1, x2, y2]` in pixels of
what the network sees.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from glipv2.head.masks import STRIDE, MaskHead, mask_logits
from glipv2.losses import processes
from glipv2.losses.assignment import Assigned

#: Regions of a picture that take part, at most.
REGIONS = 32

#: Part of a box's sides by which it is made larger on each: a box that is found is not that of the data.
MARGIN = 0.2


def mask_loss(
    head: MaskHead,
    pixels_BEHW: Tensor,
    regions_BNC: Tensor,
    assigned: Assigned,
    masks_MHW: Sequence[Tensor],
    generator: torch.Generator,
) -> Tensor:
    """The mean over regions of all processes whose object has a mask; 0 where there are none.

    `masks_MHW`: of each picture, bool, on any device, as large as the picture; an object without a pixel has no mask.
    """
    pictures, regions = regions_BNC.shape[:2]
    device = regions_BNC.device
    draws_P = processes.draw(pictures, regions, generator).to(device)[assigned.picture_P, assigned.region_P]
    # Without any region it is 0, and still has gradients.
    total, count = pixels_BEHW.float().flatten()[:0].sum() + head.weights(regions_BNC[0, :0].float()).sum(), 0
    for picture, all_MHW in enumerate(masks_MHW):
        chosen_R = _chosen(assigned, picture, all_MHW.flatten(1).any(dim=1).to(device), draws_P)
        if not len(chosen_R):
            continue
        weights_RK = head.weights(regions_BNC[picture, assigned.region_P[chosen_R]].float())
        logits_RHW = mask_logits(pixels_BEHW[picture], weights_RK, assigned.anchors_P4[chosen_R])
        wanted_RHW = shares(all_MHW, assigned.box_P[chosen_R])
        around_RHW = around(assigned.boxes_P4[chosen_R], *logits_RHW.shape[1:])
        total = total + (_cross_entropy(logits_RHW, wanted_RHW, around_RHW) + _dice(logits_RHW, wanted_RHW, around_RHW))
        count += len(chosen_R)
    everyone = processes.mean(total.new_tensor(count))
    # Of several processes, only some may have any.
    return total / everyone.clamp(min=1 / processes.world_size())


def shares(masks_MHW: Tensor, rows_R: Tensor) -> Tensor:
    """shares_RHW, on the rows' device: the part of each place's pixels that are the object's."""
    rows, place_R = rows_R.unique(return_inverse=True)
    pixels_M1HW = masks_MHW[rows.to(masks_MHW.device)].to(rows_R.device)[:, None].float()
    return F.avg_pool2d(pixels_M1HW, STRIDE, ceil_mode=True)[:, 0][place_R]


def around(boxes_R4: Tensor, height: int, width: int) -> Tensor:
    """1 for the places around each box, of which there is at least one, else 0: [R, height, width]."""
    grown_R2 = MARGIN * (boxes_R4[:, 2:] - boxes_R4[:, :2] + 1) + STRIDE / 2
    low_R2, high_R2 = boxes_R4[:, :2] - grown_R2, boxes_R4[:, 2:] + grown_R2
    x_W, y_H = (torch.arange(side, device=boxes_R4.device) * STRIDE + (STRIDE - 1) / 2 for side in (width, height))
    across_RW = (x_W >= low_R2[:, :1]) & (x_W <= high_R2[:, :1])
    down_RH = (y_H >= low_R2[:, 1:]) & (y_H <= high_R2[:, 1:])
    return (down_RH[:, :, None] & across_RW[:, None]).float()


def _chosen(assigned: Assigned, picture: int, has_M: Tensor, draws_P: Tensor) -> Tensor:
    """Of the regions with a box: those of the picture whose object has a mask, by lot when they are too many."""
    mine = (assigned.picture_P == picture).nonzero().flatten()
    mine = mine[has_M[assigned.box_P[mine]]]
    return mine[draws_P[mine].argsort(descending=True)[:REGIONS]]


def _cross_entropy(logits_RHW: Tensor, wanted_RHW: Tensor, around_RHW: Tensor) -> Tensor:
    """Summed over the regions, each one's mean."""
    of_places = F.binary_cross_entropy_with_logits(logits_RHW, wanted_RHW, reduction="none")
    return ((of_places * around_RHW).sum(dim=(1, 2)) / around_RHW.sum(dim=(1, 2))).sum()


def _dice(logits_RHW: Tensor, wanted_RHW: Tensor, around_RHW: Tensor) -> Tensor:
    """Summed over the regions: 0 where found and wanted agree, towards 1 where they share nothing."""
    found_RHW = logits_RHW.sigmoid() * around_RHW
    shared_R = (found_RHW * wanted_RHW).sum(dim=(1, 2))
    sizes_R = found_RHW.square().sum(dim=(1, 2)) + (wanted_RHW * around_RHW).square().sum(dim=(1, 2))
    return (1 - (2 * shared_R + 1) / (sizes_R + 1)).sum()
