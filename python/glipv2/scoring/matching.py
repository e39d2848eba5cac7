"""Which detections of a category in a picture are right: COCO's rule, at all thresholds and sizes at once.

The detections take their turns, the best first. Each takes the object that it overlaps most, of those that are left and
that it overlaps enough; one that counts before one that is ignored.

Legend: D detections, the best first; G objects; A ranges of areas; T IoU thresholds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]

#: COCO's: 0.5 to 0.95.
THRESHOLDS_T = np.linspace(0.5, 0.95, 10)

#: In pixels, both ends belong to it: all, small, medium, large.
AREAS_A2 = np.array([[0, 1e5], [0, 32], [32, 96], [96, 1e5]]) ** 2


def outside(areas_N: NDArray[np.float64]) -> Flags:
    """[A, N]: not of the range."""
    return (areas_N < AREAS_A2[:, :1]) | (areas_N > AREAS_A2[:, 1:])


def matched(ious_DG: NDArray[np.float64], ignored_AG: Flags) -> tuple[Flags, Flags]:
    """[A, T, D] twice: it took an object; that object is ignored."""
    count_D, count_G = ious_DG.shape
    shape = (len(AREAS_A2), len(THRESHOLDS_T), count_D)
    took, ignored = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    if not count_G:
        return took, ignored
    free_ATG = np.ones((*shape[:2], count_G), np.bool_)
    counts_A1G = ~ignored_AG[:, None]
    # An overlap of 1 reaches every threshold, whatever its last digit.
    least_T1 = np.minimum(THRESHOLDS_T, 1 - 1e-10)[:, None]
    for row in np.flatnonzero((ious_DG >= least_T1[0]).any(1)):
        ious_G = ious_DG[row]
        can_ATG = free_ATG & (ious_G >= least_T1)
        first_ATG = can_ATG & counts_A1G
        wanted_ATG = np.where(first_ATG.any(2, keepdims=True), first_ATG, can_ATG)
        # Of several as good, the last, as the reference has it.
        best_AT = count_G - 1 - np.where(wanted_ATG, ious_G, -1.0)[..., ::-1].argmax(2)
        at_A, at_T = can_ATG.any(2).nonzero()
        best = best_AT[at_A, at_T]
        free_ATG[at_A, at_T, best] = False
        took[at_A, at_T, row] = True
        ignored[at_A, at_T, row] = ignored_AG[at_A, best]
    return took, ignored
