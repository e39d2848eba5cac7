"""L_inter: regions and phrases of all pictures of a batch are told apart, by features from before fusion.

A picture's own text says which of its phrases speak of which of its regions. A region of a category is also a positive
of that category's phrase in every other list of categories; captions do not say what else they would fit, and theirs
are positives of their own picture's regions alone.

Legend: B pictures, N regions of a picture, T tokens, K phrases of a text, M boxes of a picture; R regions and Q phrases
of this process, A and Z of all processes; C channels of a region, L of a token, D of the common space.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

import torch
from torch import Tensor

from glipv2.data.batches import Asked
from glipv2.losses import processes
from glipv2.losses.assignment import Assigned
from glipv2.losses.pretraining import PretrainHeads

#: Regions of a picture that take part, at most: those with a box first, then others, which are no phrase's.
REGIONS = 128

#: In place of a category's number: a phrase of a caption, a region without a box or with a caption's.
NO_CATEGORY = 0


def inter_loss(
    heads: PretrainHeads,
    regions_BNC: Tensor,
    embedded_BTL: Tensor,
    assigned: Assigned,
    asked: Sequence[Asked],
    told_BT: Tensor | None,
    generator: torch.Generator,
) -> Tensor:
    """Cross-entropy over the phrases for each region, and over the regions for each phrase; their mean.

    Each is averaged over the regions, or phrases, of all processes that have a positive; 0 where there are none.
    `embedded_BTL`: the text encoder's features; `told_BT`: tokens whose words they do not show, as they were masked.
    """
    regions = _regions(regions_BNC, assigned, generator)
    phrases = _phrases(embedded_BTL, asked, told_BT)
    names_K = [torch.tensor([_number(name) for name in one.names_K], dtype=torch.long) for one in asked]
    own_RQ, categories_R = _own(regions, phrases, asked, names_K)
    categories_Q = torch.cat(names_K).to(own_RQ.device)[phrases.row_Q]

    regions_RD = heads.regions(regions.features_RC)
    phrases_QD = heads.phrases(phrases.features_QL)
    regions_AD, first_region = processes.gather(regions_RD)
    phrases_ZD, first_phrase = processes.gather(phrases_QD)
    categories_A, _ = processes.gather(categories_R)
    categories_Z, _ = processes.gather(categories_Q)

    # Each process takes its own rows of both matrices: together they are everything, once.
    of_regions_RZ = _same(categories_R, categories_Z)
    of_regions_RZ[:, first_phrase : first_phrase + len(phrases_QD)] |= own_RQ
    of_phrases_QA = _same(categories_Q, categories_A)
    of_phrases_QA[:, first_region : first_region + len(regions_RD)] |= own_RQ.t()
    losses = [
        _cross_entropy(regions_RD @ phrases_ZD.t(), of_regions_RZ),
        _cross_entropy(phrases_QD @ regions_AD.t(), of_phrases_QA),
    ]
    counts = processes.mean(torch.stack([count for _, count in losses])).clamp(min=1 / processes.world_size())
    return (torch.stack([one for one, _ in losses]) / counts).mean()


class _Regions(NamedTuple):
    features_RC: Tensor
    picture_R: Tensor
    box_R: Tensor
    """Its row among the picture's; -1: none."""


class _Phrases(NamedTuple):
    features_QL: Tensor
    row_Q: Tensor
    """Among all phrases of the texts, one after the other."""


def _regions(regions_BNC: Tensor, assigned: Assigned, generator: torch.Generator) -> _Regions:
    pictures, count = regions_BNC.shape[:2]
    device = regions_BNC.device
    box_BN = torch.full((pictures, count), -1, device=device)
    box_BN[assigned.picture_P, assigned.region_P] = assigned.box_P
    # Drawn values in 0 to 1, and 1 more for a box: the highest ones are taken.
    draws_BN = processes.draw(pictures, count, generator).to(device)
    region_BR = (draws_BN + (box_BN >= 0)).topk(min(REGIONS, count), dim=1).indices
    picture_R = torch.arange(pictures, device=device).repeat_interleave(region_BR.shape[1])
    region_R = region_BR.flatten()
    return _Regions(regions_BNC[picture_R, region_R].float(), picture_R, box_BN[picture_R, region_R])


def _phrases(embedded_BTL: Tensor, asked: Sequence[Asked], told_BT: Tensor | None) -> _Phrases:
    """Of those that have tokens: their mean."""
    features, rows, first = [], [], 0
    for picture, (embedded_TL, one) in enumerate(zip(embedded_BTL.float(), asked, strict=True)):
        tokens_KT = one.tokens_KT.to(embedded_TL.device)
        if told_BT is not None:
            tokens_KT = tokens_KT & ~told_BT[picture]
        kept_K = tokens_KT.any(dim=1).nonzero().flatten()
        weights_KT = tokens_KT[kept_K].float()
        features.append((weights_KT / weights_KT.sum(dim=1, keepdim=True)) @ embedded_TL)
        rows.append(kept_K + first)
        first += len(one.names_K)
    return _Phrases(torch.cat(features), torch.cat(rows))


def _own(
    regions: _Regions, phrases: _Phrases, asked: Sequence[Asked], names_K: Sequence[Tensor]
) -> tuple[Tensor, Tensor]:
    """own_RQ, bool: whether a phrase of the region's own text speaks of its box; and the regions' categories_R."""
    device = regions.box_R.device
    owns, categories = [], []
    for picture, (one, numbers_K) in enumerate(zip(asked, names_K, strict=True)):
        # A last row for regions without a box.
        speaks_MK = torch.zeros(len(one.phrases_M) + 1, len(one.names_K), dtype=torch.bool)
        for row, of_box in enumerate(one.phrases_M):
            speaks_MK[row, list(of_box)] = True
        # All phrases of a box are of its category, or of none.
        category_M = torch.where(speaks_MK, numbers_K, NO_CATEGORY).sum(dim=1) // speaks_MK.sum(dim=1).clamp(min=1)
        box_R = regions.box_R[regions.picture_R == picture]
        owns.append(speaks_MK.to(device)[box_R])
        categories.append(category_M.to(device)[box_R])
    return torch.block_diag(*owns)[:, phrases.row_Q], torch.cat(categories)


def _same(rows: Tensor, columns: Tensor) -> Tensor:
    return (rows[:, None] == columns) & (rows[:, None] != NO_CATEGORY)


def _cross_entropy(scores: Tensor, positive: Tensor) -> tuple[Tensor, Tensor]:
    """Summed over the rows that have a positive, and how many these are. Of several, all are to be equally likely."""
    counts = positive.sum(dim=1)
    wanted = positive / counts.clamp(min=1)[:, None]
    return -(wanted * scores.log_softmax(dim=1)).sum(), (counts > 0).sum().to(scores.dtype)


def _number(name: str | None) -> int:
    """The same in every process, and in practice no other category's."""
    if name is None:
        return NO_CATEGORY
    return int.from_bytes(blake2b(name.encode(), digest_size=7).digest(), "big") + 1
