"""The regions of pictures as they are found at last, for texts that read them.

Legend: B pictures, N regions, C channels of a region, P numbers of its place. Sizes are (height, width).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from glipv2.detection.anchors import anchors
from glipv2.detection.boxes import decode
from glipv2.head.understanding import Understanding, places
from glipv2.model import GLIP, Output


class Seen(NamedTuple):
    """Places and centerness have no gradients: where things are, the other losses teach."""

    regions_BNC: Tensor

    boxes_BN4: Tensor
    """In pixels of what the network sees."""

    centerness_BN: Tensor
    """0 to 1."""

    place_BNP: Tensor


def seen(output: Output, sizes: Sequence[tuple[int, int]]) -> Seen:
    """`sizes`: of each picture without its padding."""
    anchors_N4 = anchors(output.sizes, device=output.deltas_BN4.device)
    boxes_BN4 = decode(output.deltas_BN4.detach().float(), anchors_N4)
    centerness_BN = output.centerness_BN.detach().float().sigmoid()
    place_BNP = places(boxes_BN4, centerness_BN, list(sizes))
    return Seen(output.regions_BNC, boxes_BN4, centerness_BN, place_BNP)


def head_of(model: GLIP) -> Understanding:
    """AssertionError: a model without; callers look before they ask."""
    assert model.understanding is not None, "a model with the part understanding"
    return model.understanding
