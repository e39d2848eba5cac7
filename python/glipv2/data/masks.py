"""COCO's masks as pixels: polygons, and run lengths as numbers or as text.

Run lengths go down the columns, one after the other; the first run is outside of the object.
"""

from __future__ import annotations

from itertools import cycle, islice
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from glipv2.data.records import Mask

Bitmap = NDArray[np.bool_]


class _RunLengths(msgspec.Struct):
    size: list[int]
    counts: str | list[int]


def bitmap(mask: Mask, size: tuple[int, int]) -> Bitmap:
    """[H, W], True where the object is; `size`: (height, width) of the picture. ValueError: it is no mask of it."""
    content = msgspec.json.decode(mask.json)
    runs = _of_polygons(content, size) if isinstance(content, list) else _of_counts(content, size)
    _check_runs(runs, size)
    pixels = np.repeat(np.fromiter(islice(cycle((False, True)), len(runs)), np.bool_), runs)
    rows: Bitmap = pixels.reshape(size[1], size[0]).T
    return rows


def check(mask: Mask, size: tuple[int, int]) -> None:
    """ValueError as `bitmap`, without drawing it."""
    content = msgspec.json.decode(mask.json)
    if isinstance(content, list):
        _check_polygons(content)
    else:
        _check_runs(_of_counts(content, size), size)


def _check_polygons(polygons: list[Any]) -> None:
    try:
        msgspec.convert(polygons, list[list[float]])
    except msgspec.ValidationError as error:
        raise ValueError(f"expected polygons [[x, y, x, y, ...], ...]: {error}") from error
    if not polygons or any(len(one) < 6 or len(one) % 2 for one in polygons):
        raise ValueError("expected polygons of at least three points [x, y, x, y, ...]")


def _check_runs(runs: list[int], size: tuple[int, int]) -> None:
    if min(runs, default=0) < 0 or sum(runs) != size[0] * size[1]:
        raise ValueError(f"its run lengths are not those of {size[1]} x {size[0]} pixels")


def _of_polygons(polygons: list[Any], size: tuple[int, int]) -> list[int]:
    # Its own way to draw them, so that a mask is what evaluation compares with.
    from pycocotools import mask as coco

    _check_polygons(polygons)
    return _runs(coco.merge(coco.frPyObjects(polygons, *size))["counts"])


def _of_counts(content: Any, size: tuple[int, int]) -> list[int]:
    try:
        rle = msgspec.convert(content, _RunLengths)
    except msgspec.ValidationError as error:
        raise ValueError(f"it has neither polygons nor run lengths: {error}") from error
    if rle.size != list(size):
        raise ValueError(f"it is of a picture of {rle.size} [height, width], not {list(size)}")
    return _runs(rle.counts.encode()) if isinstance(rle.counts, str) else rle.counts


def _runs(text: bytes) -> list[int]:
    """Numbers of five bits a character, the lowest first; from the fourth on, differences to the last but one."""
    runs: list[int] = []
    number = shift = 0
    for character in text:
        value = character - 48
        number |= (value & 31) << shift
        shift += 5
        if value & 32:
            continue
        if value & 16:
            number -= 1 << shift
        runs.append(number + (runs[-2] if len(runs) > 2 else 0))
        number = shift = 0
    return runs
