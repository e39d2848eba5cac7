"""What stays of a category's detections: their scores and flags, a few bytes each.

Legend: D detections; A ranges of areas; T IoU thresholds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from glipv2.scoring.matching import AREAS_A2, THRESHOLDS_T, Flags

_ROW = np.dtype(
    [
        ("score", np.float64),
        ("picture", np.int64),
        ("took", np.uint16, len(AREAS_A2)),
        ("ignored", np.uint16, len(AREAS_A2)),
    ]
)

#: Of a threshold, in the flags of a range of areas.
_BITS_T = (1 << np.arange(len(THRESHOLDS_T))).astype(np.uint16)


class Kept:
    """Of one category. `most`: so many of the best detections stay; None: all."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._parts: list[NDArray[np.void]] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, picture: int, scores_D: NDArray[np.float64], took_ATD: Flags, ignored_ATD: Flags) -> None:
        rows = np.zeros(len(scores_D), _ROW)
        rows["score"], rows["picture"] = scores_D, picture
        rows["took"], rows["ignored"] = _packed(took_ATD), _packed(ignored_ATD)
        self._append(rows)

    def add_uncounted(self, picture: int, scores_D: NDArray[np.float64]) -> None:
        """Detections that take a place and are neither right nor wrong."""
        rows = np.zeros(len(scores_D), _ROW)
        rows["score"], rows["picture"], rows["ignored"] = scores_D, picture, _BITS_T.sum()
        self._append(rows)

    def flags(self) -> tuple[Flags, Flags]:
        """[A, T, D] twice: those that took an object, those that are ignored. The best detection first; of several as
        good, those of the picture of the lower id."""
        self._cut()
        rows = self._parts[0] if self._parts else np.zeros(0, _ROW)
        return _unpacked(rows["took"]), _unpacked(rows["ignored"])

    def _append(self, rows: NDArray[np.void]) -> None:
        self._parts.append(rows)
        self._count += len(rows)
        if self._most is not None and self._count > 2 * self._most:
            self._cut()

    def _cut(self) -> None:
        if not self._parts:
            return
        rows = np.concatenate(self._parts)
        # A picture's own detections are sorted already, and lexsort is stable.
        best = np.lexsort((rows["picture"], -rows["score"]))[: self._most]
        self._parts = [rows[best]]
        self._count = len(best)


def _packed(flags_ATD: Flags) -> NDArray[np.uint16]:
    """[D, A]"""
    packed: NDArray[np.uint16] = (flags_ATD * _BITS_T[:, None]).sum(1, dtype=np.uint16).T
    return packed


def _unpacked(bits_DA: NDArray[np.uint16]) -> Flags:
    flags: Flags = (bits_DA.T[:, None] & _BITS_T[:, None]) != 0
    return flags
