"""From files and masks to what the network sees of them.

Legend: M objects of a picture. Sizes are (height, width).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import PIL.Image as pil
from numpy.typing import NDArray
from PIL import ImageEnhance, ImageOps

from glipv2.data.augment import View
from glipv2.data.masks import bitmap
from glipv2.data.records import Mask, Picture
from glipv2.data.rgb import as_rgb
from glipv2.errors import InputError

Pixels = NDArray[np.uint8]

#: Where a view reaches beyond the picture, and a batch's padding: the mean colour, next to nothing to the network.
FILL = (124, 116, 104)


def open_picture(picture: Picture) -> pil.Image:
    """RGB, as its annotations have it: of the picture as it is stored, or upright.

    OSError: it cannot be read. InputError: it is of neither size.
    """
    size = picture.size
    with pil.open(picture.file) as opened:
        turned = opened if opened.size == size[::-1] and not picture.upright else ImageOps.exif_transpose(opened)
        if turned.size != size[::-1]:
            expected = f"{size[1]} x {size[0]} pixels, as its annotations say"
            raise InputError(str(picture.file), expected, f"{opened.width} x {opened.height}")
        return as_rgb(turned)


def pixels_of(view: View, picture: pil.Image) -> Pixels:
    """[H, W, 3], RGB, in the size that the network sees."""
    seen = _through(view, picture, FILL)
    if view.light is not None:
        changes = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)
        for change, factor in zip(changes, view.light, strict=True):
            seen = change(seen).enhance(factor)
    return np.asarray(seen)


def masks_of(view: View, masks_M: Sequence[Mask | None]) -> NDArray[np.bool_]:
    """[M, H, W]: the objects' pixels where the network sees them; none at all of an object without a mask."""
    bitmaps = np.zeros((len(masks_M), *view.seen), np.bool_)
    for row, mask in enumerate(masks_M):
        if mask is not None:
            seen = _through(view, pil.fromarray(bitmap(mask, view.picture)).convert("L"), 0)
            bitmaps[row] = np.asarray(seen) > 127
    return bitmaps


def _through(view: View, picture: pil.Image, fill: int | tuple[int, int, int]) -> pil.Image:
    """Resized once, straight from the pixels of the file."""
    (height, width), (left, top, right, bottom) = view.seen, view.window
    across, down = width / (right - left), height / (bottom - top)
    x1, x2 = _inside(left, right, picture.width, across, width)
    y1, y2 = _inside(top, bottom, picture.height, down, height)
    box = (left + x1 / across, top + y1 / down, left + x2 / across, top + y2 / down)
    box = (max(box[0], 0.0), max(box[1], 0.0), min(box[2], picture.width), min(box[3], picture.height))
    seen = picture.resize((x2 - x1, y2 - y1), pil.Resampling.BILINEAR, box)
    if seen.size != (width, height):
        canvas = pil.new(picture.mode, (width, height), fill)
        canvas.paste(seen, (x1, y1))
        seen = canvas
    return ImageOps.mirror(seen) if view.flipped else seen


def _inside(start: float, end: float, side: int, scale: float, length: int) -> tuple[int, int]:
    """First and last edge, in whole pixels of what is seen, between which there is picture."""
    first = math.ceil((max(start, 0.0) - start) * scale - 1e-6)
    last = math.floor((min(end, side) - start) * scale + 1e-6)
    return min(first, length - 1), max(min(last, length), first + 1)
