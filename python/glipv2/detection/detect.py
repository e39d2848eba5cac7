"""From what the network says of regions to objects (the post-processing of ATSS, Zhang et al., 2020).

Legend: B pictures, N regions (positions of all levels), K labels, C candidates. Sizes are (height, width).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from glipv2.config import PostprocessConfig
from glipv2.detection.anchors import anchors
from glipv2.detection.boxes import clip, decode
from glipv2.detection.nms import nms_by_label
from glipv2.detection.objects import Objects
from glipv2.detection.scores import Aggregation, Groups, label_scores
from glipv2.model import Output
from glipv2.pyramid import Sizes, lengths


def detect(
    output: Output,
    groups: Sequence[Groups],
    sizes: Sequence[tuple[int, int]],
    config: PostprocessConfig,
    aggregation: Aggregation = "mean",
) -> list[Objects]:
    """The objects of each picture, best score first, on the CPU; boxes in pixels of what the network saw.

    - `groups`: for each picture, the tokens of each label of the text that it was read with. Label 0 is the first.
    - `sizes`: of each picture without its padding.
    - The score is the square root of the label's probability times the centerness. Only the probability has to exceed
      `config.threshold`.
    - Where the last of `config.max_objects` scores exactly as others do, they come too, as in the official code.

    ValueError: not groups and a size for each picture, or a token that the text does not have.
    """
    if not len(groups) == len(sizes) == len(output.logits_BNT):
        raise ValueError(
            f"groups, sizes: expected one of each for {len(output.logits_BNT)} pictures, got {len(groups)} and "
            f"{len(sizes)}"
        )
    anchors_N4 = anchors(output.sizes, device=output.deltas_BN4.device)
    found = []
    for picture, (labels, (height, width)) in enumerate(zip(groups, sizes, strict=True)):
        scores_KN = label_scores(output.logits_BNT[picture], labels, aggregation)
        centerness_N = output.centerness_BN[picture].float().sigmoid()
        scores_C, labels_C, regions_C = _candidates(scores_KN, centerness_N, output.sizes, config)
        boxes_C4 = decode(output.deltas_BN4[picture, regions_C].float(), anchors_N4[regions_C])
        candidates = Objects(clip(boxes_C4, height, width), scores_C.sqrt(), labels_C, regions_C)
        found.append(_chosen(Objects(*(one.cpu() for one in candidates)), config))
    return found


def _candidates(
    scores_KN: Tensor, centerness_N: Tensor, sizes: Sizes, config: PostprocessConfig
) -> tuple[Tensor, Tensor, Tensor]:
    """scores_C (before the root), labels_C, regions_C: the best of each level."""
    levels, first = [], 0
    for scores_Kn in scores_KN.split(lengths(sizes), dim=1):
        labels, places = (scores_Kn > config.threshold).nonzero(as_tuple=True)
        regions = places + first
        scores = scores_Kn[labels, places] * centerness_N[regions]
        scores, order = scores.topk(min(len(scores), config.pre_nms_top_n), sorted=False)
        levels.append((scores, labels[order], regions[order]))
        first += scores_Kn.shape[1]
    scores_C, labels_C, regions_C = (torch.cat(column) for column in zip(*levels, strict=True))
    return scores_C, labels_C, regions_C


def _chosen(candidates: Objects, config: PostprocessConfig) -> Objects:
    # Weights that diverged say boxes and scores that are no numbers.
    valid_N = candidates.boxes_N4.isfinite().all(dim=1) & candidates.scores_N.isfinite()
    finite = candidates.take(valid_N.nonzero().squeeze(1))
    objects = finite.take(nms_by_label(*finite[:3], config.nms))
    order = objects.scores_N.argsort(descending=True, stable=True)
    if 0 < config.max_objects < len(order):
        least = objects.scores_N[order[config.max_objects - 1]]
        order = order[: int((objects.scores_N >= least).sum())]
    return objects.take(order)
