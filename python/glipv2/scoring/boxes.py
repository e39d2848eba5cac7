"""How much boxes overlap. A box is `[x1, y1, x2, y2]`, its area `(x2 - x1) * (y2 - y1)`.

Legend: N boxes found, M boxes wanted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glipv2.errors import InputError

Numbers = NDArray[np.float64]


def boxes_of(rows: ArrayLike, path: str) -> Numbers:
    """[N, 4]. InputError: it is no list of boxes."""
    boxes_N4 = np.asarray(rows, np.float64)
    if boxes_N4.size == 0:
        return np.zeros((0, 4))
    if boxes_N4.ndim != 2 or boxes_N4.shape[1] != 4:
        raise InputError(path, "boxes [x1, y1, x2, y2]", f"an array of shape {list(boxes_N4.shape)}")
    if not np.isfinite(boxes_N4).all():
        raise InputError(path, "finite numbers", "a box with others")
    return boxes_N4


def overlaps(found_N4: Numbers, wanted_M4: Numbers) -> Numbers:
    """[N, M], intersection over union; 0 for two without an area."""
    intersection_NM, union_NM, _ = _parts(found_N4, wanted_M4)
    return _ratio(intersection_NM, union_NM)


def generalized_overlaps(found_N4: Numbers, wanted_M4: Numbers) -> Numbers:
    """[N, M], GIoU (Rezatofighi et al., 2019): IoU less the part of the smallest box around both that neither fills."""
    intersection_NM, union_NM, hull_NM = _parts(found_N4, wanted_M4)
    return _ratio(intersection_NM, union_NM) - _ratio(hull_NM - union_NM, hull_NM)


def around(boxes_N4: Numbers) -> Numbers:
    """[1, 4], the smallest box that holds all; none of none."""
    if not len(boxes_N4):
        return boxes_N4
    return np.concatenate([boxes_N4[:, :2].min(0), boxes_N4[:, 2:].max(0)])[None]


def _parts(found_N4: Numbers, wanted_M4: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    found_N14 = found_N4[:, None]
    intersection_NM = _area(
        np.maximum(found_N14[..., :2], wanted_M4[:, :2]), np.minimum(found_N14[..., 2:], wanted_M4[:, 2:])
    )
    hull_NM = _area(np.minimum(found_N14[..., :2], wanted_M4[:, :2]), np.maximum(found_N14[..., 2:], wanted_M4[:, 2:]))
    areas_N1 = _area(found_N14[..., :2], found_N14[..., 2:])
    areas_M = _area(wanted_M4[:, :2], wanted_M4[:, 2:])
    return intersection_NM, areas_N1 + areas_M - intersection_NM, hull_NM


def _area(low: Numbers, high: Numbers) -> Numbers:
    sides: Numbers = (high - low).clip(min=0)
    return sides[..., 0] * sides[..., 1]


def _ratio(part: Numbers, whole: Numbers) -> Numbers:
    ratio: Numbers = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return ratio
