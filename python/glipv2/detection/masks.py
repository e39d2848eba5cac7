"""The pixels of objects in their picture, from what the mask head says.

Legend: N objects of a picture and a text, M some of them, C channels of a region, E of a pixel, K weights of a region's
network; H W rows and columns of pixel features. Sizes are (height, width). A box is `[x1, y1, x2, y2]` in pixels of
what the network saw; its last column and row are at x2 and y2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from glipv2.detection.anchors import anchors
from glipv2.detection.objects import Objects
from glipv2.detection.rle import encoded
from glipv2.head.masks import STRIDE, MaskHead, mask_logits
from glipv2.pyramid import Sizes

#: Objects whose masks are worked out at once: each takes a map of every channel.
TOGETHER = 16


class MaskParts(NamedTuple):
    """What the masks of one picture's and one text's objects are made of, kept until it is known which are wanted."""

    pixels_EHW: Tensor

    weights_NK: Tensor

    anchors_N4: Tensor

    boxes_N4: Tensor
    """On the CPU."""

    @staticmethod
    def of(head: MaskHead, pixels_EHW: Tensor, regions_NC: Tensor, sizes: Sizes, objects: Objects) -> MaskParts:
        """`regions_NC`: all regions of the picture and the text, fused; `sizes`: of their levels."""
        index = objects.regions_N.to(regions_NC.device)
        anchors_N4 = anchors(sizes, device=regions_NC.device)[index]
        return MaskParts(pixels_EHW, head.weights(regions_NC[index]), anchors_N4, objects.boxes_N4)


def masks_of(parts: MaskParts, index_M: Tensor, seen: tuple[int, int], picture: tuple[int, int]) -> list[str]:
    """COCO's run lengths of the picture's pixels, of the objects at the index.

    `seen`: the picture's size as the network saw it, without padding; `picture`: as it is.
    """
    masks = []
    for some in index_M.split(TOGETHER):
        there = some.to(parts.weights_NK.device)
        logits_MHW = mask_logits(parts.pixels_EHW, parts.weights_NK[there], parts.anchors_N4[there])
        for logits_HW, box in zip(logits_MHW, parts.boxes_N4[some].tolist(), strict=True):
            masks.append(_mask(logits_HW, box, seen, picture))
    return masks


def _mask(logits_HW: Tensor, box: Sequence[float], seen: tuple[int, int], picture: tuple[int, int]) -> str:
    """Within the box, bilinear between the places; what is as likely as not is not the object's."""
    (x1, y1, x2, y2), (scale_y, scale_x) = box, (picture[0] / seen[0], picture[1] / seen[1])
    top, bottom = _edges(y1, y2, scale_y, picture[0])
    left, right = _edges(x1, x2, scale_x, picture[1])
    rows = _between(logits_HW, top, bottom, scale_y)
    pixels = _between(rows.T, left, right, scale_x).T
    return encoded((pixels > 0).cpu().numpy(), (top, left), picture)


def _edges(first: float, last: float, scale: float, length: int) -> tuple[int, int]:
    """The picture's pixels that a side of the box touches, at least one."""
    start = min(max(math.floor(first * scale), 0), length - 1)
    return start, min(max(math.ceil((last + 1) * scale), start + 1), length)


def _between(values_HW: Tensor, start: int, end: int, scale: float) -> Tensor:
    """The rows as the picture's rows `start` to `end` have them."""
    centres = torch.arange(start, end, device=values_HW.device) + 0.5
    places = (centres / (scale * STRIDE) - 0.5).clamp(0, len(values_HW) - 1)
    low = places.long()
    high = (low + 1).clamp(max=len(values_HW) - 1)
    return torch.lerp(values_HW[low], values_HW[high], (places - low)[:, None])
