"""COCO's compressed run lengths of a mask, made from the part of it that is not empty.

Run lengths go down the columns, one after the other; the first run is outside of the object.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Runs = NDArray[np.int64]


def encoded(bitmap: NDArray[np.bool_], corner: tuple[int, int], size: tuple[int, int]) -> str:
    """The text. `bitmap`: [height, width] of the part; `corner`: the row and column of the picture where it begins;
    `size`: (height, width) of the picture."""
    return text(runs_of(bitmap, corner, size))


def runs_of(bitmap: NDArray[np.bool_], corner: tuple[int, int], size: tuple[int, int]) -> Runs:
    """Their lengths. Arguments as `encoded`."""
    height, width = size
    columns = np.zeros((bitmap.shape[1], bitmap.shape[0] + 2), np.int8)
    columns[:, 1:-1] = bitmap.T
    column, row = np.diff(columns, axis=1).nonzero()
    edges = (corner[1] + column) * height + corner[0] + row
    # A run that ends at the bottom of a column goes on where one begins at the top of the next.
    on = np.flatnonzero(np.diff(edges) == 0)
    edges = np.delete(edges, [on, on + 1])
    runs: Runs = np.diff(edges, prepend=0, append=height * width)
    # A mask to the last pixel has nothing behind it.
    return runs[:-1] if runs[-1] == 0 else runs


def text(runs: Runs) -> str:
    """Numbers of five bits a character, the lowest first; from the fourth on, differences to the last but one."""
    left = runs.copy()
    left[3:] -= runs[1:-2]
    going = np.ones(len(left), np.bool_)
    characters, written = [], []
    while going.any():
        low = left & 31
        left >>= 5
        # It is said when nothing but the sign is left, and the highest bit that was written says the same.
        more = going & np.where(low & 16, left != -1, left != 0)
        characters.append(low + 32 * more + 48)
        written.append(going)
        going = more
    return bytes(np.stack(characters, axis=1)[np.stack(written, axis=1)].astype(np.uint8)).decode("ascii")
