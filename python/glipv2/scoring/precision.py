"""Average precision: the mean of precision at 101 recalls, each the best at that recall or a greater one (COCO's)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RECALLS = np.linspace(0, 1, 101)


def precision_and_recall(right: NDArray[np.bool_], wrong: NDArray[np.bool_], objects: int) -> tuple[float, float]:
    """Average precision and the recall of all. `right`, `wrong`: [D], the best detection first; one that is ignored is
    neither. `objects`: those that count, at least one."""
    if not right.any():
        return 0.0, 0.0
    return float(precision_at_recalls(right, wrong, objects).mean()), float(right.sum() / objects)


def precision_at_recalls(right: NDArray[np.bool_], wrong: NDArray[np.bool_], objects: int) -> NDArray[np.float64]:
    """[101]: of RECALLS; 0 where a recall is not reached. As `precision_and_recall`."""
    hits = right.cumsum(dtype=np.float64)
    precision = hits / (hits + wrong.cumsum() + np.spacing(1))
    best = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(hits / objects, RECALLS, side="left")
    curve: NDArray[np.float64] = np.append(best, 0.0)[at]
    return curve
