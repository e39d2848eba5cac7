"""From what the network says of regions to objects, as the official ATSSPostProcessor does it.

Legend: B pictures, N regions, T tokens, G labels (groups of tokens), K objects of a picture. A box is
`[x1, y1, x2, y2]` in pixels of what the network sees; its last column and row of pixels are at x2 and y2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.ops import nms

from glipv2.config import PostprocessConfig
from glipv2.detection.anchors import anchors
from glipv2.detection.boxes import clip, decode
from glipv2.model import Output
from glipv2.pyramid import lengths


class Objects(NamedTuple):
    """Of one picture, best score first."""

    boxes_K4: Tensor
    scores_K: Tensor
    """0 to 1: the geometric mean of centerness and the label's mean probability."""
    labels_K: Tensor
    """int64, from 0."""
    regions_K: Tensor
    """int64: where in the network's output each came from."""


def select(
    output: Output,
    groups: Sequence[Sequence[Sequence[int]]],
    sides: Sequence[tuple[int, int]],
    config: PostprocessConfig,
) -> list[Objects]:
    """groups: for each picture, the places of each label's tokens; a label without tokens is never found. sides: height
    and width of each picture without padding."""
    anchors_N4 = anchors(output.sizes, device=output.deltas_BN4.device)
    centrality_BN = output.centerness_BN.float().sigmoid()
    return [
        _of_one(
            _means(logits_NT.float().sigmoid(), labels),
            centrality_N,
            decode(deltas_N4.float(), anchors_N4),
            lengths(output.sizes),
            size,
            config,
        )
        for logits_NT, deltas_N4, centrality_N, labels, size in zip(
            output.logits_BNT, output.deltas_BN4, centrality_BN, groups, sides, strict=True
        )
    ]


def merged(parts: Sequence[tuple[Objects, int]]) -> Objects:
    """What several texts found in one picture; with each, what its label 0 is.

    Labels of different texts are different ones, so there is nothing to suppress between them. Regions stay those of
    each text's own output.
    """
    labels_K = torch.cat([found.labels_K + first for found, first in parts])
    boxes_K4, scores_K, _, regions_K = (torch.cat(column) for column in zip(*(one for one, _ in parts), strict=True))
    order = scores_K.argsort(descending=True, stable=True)
    return Objects(boxes_K4[order], scores_K[order], labels_K[order], regions_K[order])


def _means(probabilities_NT: Tensor, groups: Sequence[Sequence[int]]) -> Tensor:
    """[N, G]"""
    weights = torch.zeros(probabilities_NT.shape[1], len(groups))
    for label, tokens in enumerate(groups):
        for token in tokens:
            weights[token, label] = 1 / len(tokens)
    return probabilities_NT @ weights.to(probabilities_NT.device)


def _of_one(
    probabilities_NG: Tensor,
    centrality_N: Tensor,
    boxes_N4: Tensor,
    levels: Sequence[int],
    size: tuple[int, int],
    config: PostprocessConfig,
) -> Objects:
    labels = probabilities_NG.shape[1]
    # What is at most the threshold is out whatever its centerness.
    ratings_NG = torch.where(probabilities_NG > config.threshold, probabilities_NG * centrality_N[:, None], -1.0)
    first, places = 0, []
    for level in ratings_NG.flatten().split([length * labels for length in levels]):
        best = level.topk(min(config.pre_nms_top_n, len(level)), sorted=False)
        places.append(best.indices[best.values >= 0] + first)
        first += len(level)
    place_K = torch.cat(places)
    region_K, label_K = place_K // labels, place_K % labels
    boxes_K4, score_K = clip(boxes_N4[region_K], *size), ratings_NG.flatten()[place_K].sqrt()

    kept = _suppressed(boxes_K4, score_K, label_K, config.nms)
    if len(kept) > config.max_objects:
        # Of equal scores at the end, all stay.
        kept = kept[score_K[kept] >= score_K[kept[config.max_objects - 1]]]
    return Objects(boxes_K4[kept], score_K[kept], label_K[kept], region_K[kept])


def _suppressed(boxes_K4: Tensor, scores_K: Tensor, labels_K: Tensor, overlap: float) -> Tensor:
    """Those that stay, best first, when each label is suppressed for itself: labels are moved apart for it."""
    if not len(boxes_K4):
        return labels_K
    # Double precision: what is moved far keeps its place to more than a thousandth of a pixel.
    ends_K4 = boxes_K4.double() + boxes_K4.new_tensor([0, 0, 1, 1], dtype=torch.double)
    apart = ends_K4.max() + 1
    kept: Tensor = nms(ends_K4 + (labels_K * apart)[:, None], scores_K.double(), overlap)
    return kept
