"""From pixels to what the network takes, as the official evaluation does it.

Legend: B pictures, H W the sides of one, or of the largest. Sizes are (height, width).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from PIL import Image
from torch import Tensor

from glipv2.config import InputConfig
from glipv2.errors import InputError

if TYPE_CHECKING:
    import numpy

    Pixels = numpy.ndarray[Any, numpy.dtype[numpy.uint8]]

#: The least pixels of a side that the network can find a box in.
LEAST_SIDE = 2


class Batch(NamedTuple):
    pictures_B3HW: Tensor
    """Smaller ones padded below and to the right, with what the mean colour becomes."""

    sizes: list[tuple[int, int]]
    """Of each picture without padding."""


def network_size(height: int, width: int, short_side: int, long_side: int) -> tuple[int, int]:
    """The size at which the network sees a picture: its short side is `short_side`, unless the long one would exceed
    `long_side`. It may be 0 for a picture of extreme shape."""
    least, most = min(height, width), max(height, width)
    if most / least * short_side > long_side:
        short_side = round(long_side * least / most)
    if least == short_side:
        return height, width
    # Rounded down, although what was just found for the short side was not.
    other = int(short_side * most / least)
    return (other, short_side) if width < height else (short_side, other)


def resized(pixels_HW3: Pixels, config: InputConfig) -> Tensor:
    """uint8 [H, W, 3] in the size that the network sees, the order of channels as before.

    `pixels_HW3`: uint8, RGB. InputError, with the path `picture`: no pixels, or so long a shape that next to nothing of
    the short side would be left.
    """
    shape = pixels_HW3.shape
    if len(shape) != 3 or shape[2] != 3 or 0 in shape or pixels_HW3.dtype != "uint8":
        expected = "uint8 pixels of the shape [height, width, 3] with no side of 0"
        raise InputError("picture", expected, f"{pixels_HW3.dtype} of the shape {list(shape)}")
    height, width = network_size(shape[0], shape[1], config.short_side, config.long_side)
    if min(height, width) < LEAST_SIDE:
        expected = (
            f"a shape that leaves at least {LEAST_SIDE} pixels of each side where the longer has {config.long_side}"
        )
        raise InputError("picture", expected, f"{shape[1]} x {shape[0]} pixels, which become {width} x {height}")
    image = Image.fromarray(pixels_HW3).resize((width, height), Image.Resampling.BILINEAR)
    # A copy of its bytes: one that may be written to, as tensors expect.
    return torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(height, width, 3)


def normalised(pixels_3HW: Tensor, config: InputConfig) -> Tensor:
    """float32 of the same shape, on the same device, the channels in the network's order.

    `pixels_3HW`: uint8, RGB; any dimensions before, as of a batch.
    """
    values_3HW = torch.empty(pixels_3HW.shape, device=pixels_3HW.device)
    # Plane by plane: to turn bytes around takes ten times as long.
    for place, channel in enumerate((2, 1, 0) if config.bgr else (0, 1, 2)):
        values_3HW.select(-3, place).copy_(pixels_3HW.select(-3, channel))
    # To 0 to 1 and back, as the official loader does it: equal to the last bit.
    values_3HW.div_(255).mul_(255)
    mean, std = (values_3HW.new_tensor(three)[:, None, None] for three in (config.mean, config.std))
    return values_3HW.sub_(mean).div_(std)


def prepare(pixels_HW3: Pixels, config: InputConfig) -> Tensor:
    """`resized`, then `normalised`."""
    return normalised(resized(pixels_HW3, config).permute(2, 0, 1), config)


def batch(pictures: Sequence[Tensor], divisor: int) -> Batch:
    """Pictures [3, H, W] of any sizes as one tensor whose sides `divisor` divides; at least one."""
    sizes = [(one.shape[1], one.shape[2]) for one in pictures]
    height, width = (-(-max(sides) // divisor) * divisor for sides in zip(*sizes, strict=True))
    pictures_B3HW = pictures[0].new_zeros(len(pictures), 3, height, width)
    for place_3HW, picture, (rows, columns) in zip(pictures_B3HW, pictures, sizes, strict=True):
        place_3HW[:, :rows, :columns] = picture
    return Batch(pictures_B3HW, sizes)
