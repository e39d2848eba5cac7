"""Pictures of any mode as the network takes them: RGB, eight bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import PIL.Image


def as_rgb(picture: PIL.Image.Image) -> PIL.Image.Image:
    """- Transparency is dropped, as the official loaders and OpenCV do: the stored colours show, without a background.
    - 16 bits a channel become 8 by their upper byte, 32-bit integers too where any of them needs more than 8 bits.
      Floating point counts as 0 to 1 where nothing lies outside of it, else as 0 to 255; what is outside is clipped.
      Pillow's own conversion would cut them all at 255.
    """
    import numpy
    from PIL import Image

    if picture.mode.startswith("I;16"):
        gray = numpy.asarray(picture).astype(numpy.uint16) >> 8
    elif picture.mode == "I":
        wide = numpy.clip(numpy.asarray(picture), 0, 65535)
        gray = wide >> 8 if wide.max() > 255 else wide
    elif picture.mode == "F":
        values = numpy.nan_to_num(numpy.asarray(picture), posinf=255.0, neginf=0.0)
        unit = values.min() >= 0 and values.max() <= 1
        gray = numpy.rint(numpy.clip(values * 255 if unit else values, 0, 255))
    else:
        return picture.convert("RGB")
    return Image.fromarray(gray.astype(numpy.uint8)).convert("RGB")
