"""What predictions are written as: plain numbers, in columns."""

from __future__ import annotations

import math
from typing import Any


def is_box(given: object) -> bool:
    return isinstance(given, list) and len(given) == 4 and all(is_number(one) for one in given)


def is_number(given: object) -> bool:
    return isinstance(given, int | float) and math.isfinite(given)


def short(value: Any) -> float:
    """A float32 in the digits that it takes to read the same one again."""
    return float(str(value))


def shorts(box_4: Any) -> list[float]:
    return [short(side) for side in box_4]
