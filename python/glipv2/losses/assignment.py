"""Which region is to find which box: adaptive training sample selection (ATSS, Zhang et al., 2020, algorithm 1).

Legend: B pictures, M boxes of a picture (padded), N regions, K candidates of a box, P regions that have a box. A box is
`[x1, y1, x2, y2]` in pixels of what the network sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from glipv2.detection.anchors import anchors
from glipv2.pyramid import Sizes, lengths

#: Regions of each level, nearest to a box's centre, that are candidates for it.
CANDIDATES = 9

#: A region's centre lies inside of a box when it is further than this from each edge.
MARGIN = 0.01


class Assigned(NamedTuple):
    """The regions of a batch that have a box."""

    picture_P: Tensor

    region_P: Tensor

    box_P: Tensor
    """Rows of the picture's boxes."""

    boxes_P4: Tensor

    anchors_P4: Tensor


def assigned(boxes_M4: Sequence[Tensor], sizes: Sizes, device: torch.device) -> Assigned:
    """`boxes_M4`: of each picture, on any device."""
    boxes_BM4 = pad_sequence([one.float() for one in boxes_M4], batch_first=True).to(device)
    counts_B = torch.tensor([len(one) for one in boxes_M4], device=device)
    present_BM = torch.arange(boxes_BM4.shape[1], device=device) < counts_B[:, None]
    anchors_N4 = anchors(sizes, device=device)
    box_BN = assign(boxes_BM4, present_BM, anchors_N4, sizes)
    picture_P, region_P = (box_BN >= 0).nonzero(as_tuple=True)
    box_P = box_BN[picture_P, region_P]
    return Assigned(picture_P, region_P, box_P, boxes_BM4[picture_P, box_P], anchors_N4[region_P])


@torch.no_grad()
def assign(boxes_BM4: Tensor, present_BM: Tensor, anchors_N4: Tensor, sizes: Sizes) -> Tensor:
    """box_BN: the index of each region's box, -1 for background.

    Candidates of a box whose anchors overlap it by at least the mean plus the standard deviation of all its candidates,
    and whose centres lie inside of it, are its regions. A region of several boxes takes the one that it overlaps most.
    """
    if boxes_BM4.shape[1] == 0:
        return boxes_BM4.new_full((len(boxes_BM4), len(anchors_N4)), -1, dtype=torch.long)
    overlaps_BMN = overlaps(boxes_BM4, anchors_N4)
    candidates_BMK = _nearest(_centres(boxes_BM4), _centres(anchors_N4), sizes)
    of_candidates_BMK = overlaps_BMN.gather(2, candidates_BMK)
    least_BM = of_candidates_BMK.mean(dim=2) + of_candidates_BMK.std(dim=2)
    chosen_BMK = of_candidates_BMK >= least_BM[..., None]
    chosen_BMK &= _inside(_centres(anchors_N4)[candidates_BMK], boxes_BM4)
    chosen_BMK &= present_BM[..., None]

    fit_BMN = torch.full_like(overlaps_BMN, -1.0)
    fit_BMN.scatter_(2, candidates_BMK, torch.where(chosen_BMK, of_candidates_BMK, -1.0))
    best_BN, box_BN = fit_BMN.max(dim=1)
    return box_BN.masked_fill_(best_BN < 0, -1)


def overlaps(boxes_BM4: Tensor, anchors_N4: Tensor) -> Tensor:
    """Intersection over union [B, M, N]; a box's last column and row of pixels are at x2 and y2."""
    boxes_BM14 = boxes_BM4[:, :, None]
    low = torch.maximum(boxes_BM14[..., :2], anchors_N4[:, :2])
    high = torch.minimum(boxes_BM14[..., 2:], anchors_N4[:, 2:])
    shared_BMN = (high - low + 1).clamp_(min=0).prod(dim=-1)
    return shared_BMN / (_areas(boxes_BM4)[..., None] + _areas(anchors_N4) - shared_BMN)


def _nearest(centres_BM2: Tensor, centres_N2: Tensor, sizes: Sizes) -> Tensor:
    distances_BMN = (centres_BM2[:, :, None] - centres_N2).square_().sum(dim=-1)
    first, nearest = 0, []
    for level in distances_BMN.split(lengths(sizes), dim=2):
        nearest.append(level.topk(min(CANDIDATES, level.shape[2]), dim=2, largest=False).indices + first)
        first += level.shape[2]
    return torch.cat(nearest, dim=2)


def _inside(points_BMK2: Tensor, boxes_BM4: Tensor) -> Tensor:
    boxes_BM14 = boxes_BM4[:, :, None]
    ways = torch.cat([points_BMK2 - boxes_BM14[..., :2], boxes_BM14[..., 2:] - points_BMK2], dim=-1)
    return ways.amin(dim=-1) > MARGIN


def _centres(boxes: Tensor) -> Tensor:
    return (boxes[..., :2] + boxes[..., 2:]) / 2


def _areas(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2] + 1).prod(dim=-1)
