"""From a picture to what the network takes, as the official evaluation does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from PIL import Image as pil
from torchvision.transforms import functional as F
from yacs.config import CfgNode

from glip_worker.errors import GlipError, invalid_argument

if TYPE_CHECKING:
    from glip_worker.pictures import Pixels

#: The longest side that a call may ask for: beyond, memory ends before the model does.
MAX_SIDE = 8192


def network_size(width: int, height: int, short: int, long: int) -> tuple[int, int]:
    """`(height, width)` of a picture whose short side becomes `short`, if the long side then has at most `long`."""
    least, most = min(width, height), max(width, height)
    if most / least * short > long:
        short = round(long * least / most)
    if least == short:
        return height, width
    if width < height:
        return int(short * height / width), short
    return short, int(short * width / height)


def prepare(pixels: Pixels, config: CfgNode, short_side: int | None, long_side: int | None, name: str) -> torch.Tensor:
    """`[3, height, width]` as configured below INPUT: resized (PIL, bilinear), channels in order, normalised.

    `name` is what an error calls the picture. GlipError: `invalid_argument` for a side beyond MAX_SIDE,
    `image_invalid` for a picture so long that next to nothing of its short side would be left.
    """
    for path, side in (("short_side", short_side), ("long_side", long_side)):
        if side is not None and side > MAX_SIDE:
            raise invalid_argument(path, f"at most {MAX_SIDE} pixels", str(side))
    inputs = config.INPUT
    short, long = short_side or inputs.MIN_SIZE_TEST, long_side or inputs.MAX_SIZE_TEST
    height, width = pixels.shape[:2]
    size = (short, long) if inputs.FIX_RES else network_size(width, height, short, long)
    if min(size) < 2:
        reason = (
            f"its {width} x {height} pixels would be resized to {size[1]} x {size[0]}, in which no box has an area: "
            "cut it into pieces, or ask for larger sides (shortSide, longSide)"
        )
        raise GlipError("image_invalid", f"{name}: {reason}", {"path": name, "reason": reason})
    tensor: torch.Tensor = F.to_tensor(F.resize(pil.fromarray(pixels), size))
    layout = channel_layout(inputs)
    tensor = tensor[[2, 1, 0]] if "bgr" in layout else tensor
    tensor = tensor * 255 if "255" in layout else tensor
    normal: torch.Tensor = F.normalize(tensor, mean=inputs.PIXEL_MEAN, std=inputs.PIXEL_STD)
    return normal


def channel_layout(inputs: Any) -> str:
    """INPUT.FORMAT, else what TO_BGR255 means; the official loader has no answer when both are off, its demo has."""
    if inputs.FORMAT:
        return str(inputs.FORMAT).lower()
    return "bgr255" if inputs.TO_BGR255 else "rgb"
