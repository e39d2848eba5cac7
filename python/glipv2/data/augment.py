"""How a picture is seen in training: moved, turned over, resized, in other light, and its boxes and masks with it.

Words stay true: what speaks of left and right is not turned over, what speaks of places and sizes is not moved, and no
colour becomes another.

Legend: M boxes of a picture. Sizes are (height, width).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glipv2.data.records import Boxes, inclusive
from glipv2.pictures import LEAST_SIDE as LEAST_PIXELS
from glipv2.pictures import network_size

#: Of a box that was cut, the least part of its area that must be left for it to be asked for ...
LEAST_PART = 0.4
#: ... and its least side, in pixels.
LEAST_SIDE = 6.0

_SIDES = re.compile(r"\b(?:left|right)(?:most|ward|wards|-?hand)?\b|clockwise\b", re.IGNORECASE)
_PLACES = re.compile(
    r"\b(?:left|right|top|bottom|upper|lower|middle|cent(?:er|re)|corner|edge|above|below|behind|between|"
    r"foreground|background|near|far)(?:most|est|er)?\b|"
    r"\b(?:big|bigg|large|larg|small|tiny|huge|tall|short)(?:er|est)?\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Augmentation:
    flip: float = 0.5
    """How often left and right change places, 0 to 1."""

    move: float = 0.5
    """How often a picture is moved and scaled, 0 to 1."""

    zoom: float = 1.25
    """Most that it is scaled by then, larger or smaller; at least 1."""

    jitter: float = 0.0
    """Most that brightness, contrast and saturation are changed by, 0 to below 1. Never the hue: words name colours."""

    def __post_init__(self) -> None:
        for name, least, most in (("flip", 0, 1), ("move", 0, 1), ("zoom", 1, 10), ("jitter", 0, 0.99)):
            value = getattr(self, name)
            if not least <= value <= most:
                raise ValueError(f"{name}: expected a number from {least} to {most}, got {value}")


@dataclass(frozen=True)
class Viewing:
    """How pictures become what the network sees."""

    short_sides: tuple[int, ...] = (800,)
    """One of them is drawn for each step, so that its pictures are of like size ..."""

    long_side: int = 1333
    """... unless a picture's long side would exceed this: it is made as large as that allows then."""

    divisor: int = 32
    """It divides the sides of a batch."""

    augmentation: Augmentation | None = Augmentation()
    """None: pictures are resized alone."""


class View(NamedTuple):
    """One way to see one picture."""

    picture: tuple[int, int]
    """Its size."""

    seen: tuple[int, int]
    """Its size as the network sees it."""

    window: tuple[float, float, float, float]
    """Left, top, right and bottom edge of what is seen, in pixels of the picture; it may reach beyond the picture."""

    flipped: bool = False
    """Left and right change places, after all else."""

    light: tuple[float, float, float] | None = None
    """Factors of brightness, contrast and saturation."""

    def boxes(self, boxes_M4: Boxes) -> tuple[Boxes, NDArray[np.bool_]]:
        """The boxes as they are seen, cut where the view ends, and kept_M: those of which enough is left.

        The window's pixels are moved as they are. To the network's size, corners are only multiplied, as inference
        divides them again.
        """
        (height, width), (left, top, right, bottom) = self.picture, self.window
        zoom = _row(width / (right - left), height / (bottom - top))
        whole_M4 = (boxes_M4 + _row(0, 0, 1, 1) - _row(left, top, left, top)) * np.tile(zoom, 2)
        cut_M4 = np.clip(whole_M4, 0, _row(width, height, width, height))
        sides_M2 = cut_M4[:, 2:] - cut_M4[:, :2]
        whole_M = (whole_M4[:, 2:] - whole_M4[:, :2]).prod(axis=1)
        part_M = sides_M2.prod(axis=1) / np.maximum(whole_M, np.float32(1e-6))
        kept_M = (part_M > 0.999) | ((part_M >= LEAST_PART) & (sides_M2.min(axis=1) >= LEAST_SIDE))
        cut_M4 = inclusive(cut_M4, self.picture)
        if self.flipped:
            cut_M4 = cut_M4[:, [2, 1, 0, 3]] * _row(-1, 1, -1, 1) + _row(width - 1, 0, width - 1, 0)
        scale = _row(self.seen[1] / width, self.seen[0] / height)
        return cut_M4 * np.tile(scale, 2), kept_M


def whole(picture: tuple[int, int], short_side: int, long_side: int) -> View:
    """All of the picture, in the size that the network sees; of extreme shapes the short side is widened to what it
    needs."""
    height, width = picture
    seen = network_size(height, width, short_side, long_side)
    if min(seen) < LEAST_PIXELS:
        seen = (long_side, LEAST_PIXELS) if width < height else (LEAST_PIXELS, long_side)
    return View(picture, seen, (0.0, 0.0, float(width), float(height)))


def drawn(view: View, text: str, caption: bool, augmentation: Augmentation, rng: np.random.Generator) -> View:
    """The view changed at random, as far as the text stays true: a caption may speak of places, categories do not.

    As many numbers are drawn whatever the text."""
    height, width = view.picture
    flip, move, size, across, down, brightness, contrast, saturation = rng.random(8).tolist()
    window = view.window
    if move < augmentation.move and not (caption and _PLACES.search(text)):
        zoom = augmentation.zoom ** (2 * size - 1)
        left, top = (1 - 1 / zoom) * across * width, (1 - 1 / zoom) * down * height
        window = (left, top, left + width / zoom, top + height / zoom)
    flipped = flip < augmentation.flip and not _SIDES.search(text)
    light = None
    if augmentation.jitter:
        low, extent = 1 - augmentation.jitter, 2 * augmentation.jitter
        light = (low + extent * brightness, low + extent * contrast, low + extent * saturation)
    return View(view.picture, view.seen, window, flipped, light)


def _row(*values: float) -> Boxes:
    return np.asarray(values, np.float32)
