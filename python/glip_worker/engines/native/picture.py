"""The picture that a request is about: brought along, or held since an earlier look.

Legend: H W the sides of a picture. Sizes are (height, width).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from glip_worker.call import Call
from glip_worker.engines.native.model import Model
from glip_worker.engines.native.views import ViewKey
from glip_worker.errors import GlipError, invalid_argument
from glip_worker.pictures import name_of, read_picture
from glip_worker.protocol.messages import (
    Image,
    VisionAnswerParams,
    VisionCaptionParams,
    VisionDetectParams,
    VisionForgetParams,
    VisionForgetResult,
    VisionGroundParams,
    VisionLookParams,
    VisionLookResult,
)
from glipv2.config import GlipConfig, InputConfig
from glipv2.errors import InputError
from glipv2.pictures import batch, prepare
from glipv2.pyramid import Pyramid
from glipv2.understanding.looking import Looked, looked

Params = VisionDetectParams | VisionGroundParams | VisionAnswerParams | VisionCaptionParams | VisionLookParams

#: The longest side that a call may ask for: beyond, memory ends before the model does.
MAX_SIDE = 8192


class Prepared(NamedTuple):
    picture_3HW: Tensor
    """As the network takes it, without padding."""

    size: tuple[int, int]
    """Of the picture as it is."""

    @property
    def seen(self) -> tuple[int, int]:
        """As the network sees it."""
        return self.picture_3HW.shape[1], self.picture_3HW.shape[2]


#: Held ones are of one picture each, and the same object for the same view.
Picture = Prepared | Looked


def look(model: Model, call: Call, params: VisionLookParams) -> VisionLookResult:
    """GlipError as `picture_of`; `invalid_argument` without a name for the view."""
    if params.image.view is None:
        raise invalid_argument("image.view", "a name for the view", "none")
    height, width = picture_of(model, call, params).size
    return VisionLookResult(width=width, height=height)


def forget(model: Model, params: VisionForgetParams) -> VisionForgetResult:
    model.views.forget(params.view)
    return VisionForgetResult()


def picture_of(model: Model, call: Call, params: Params) -> Picture:
    """What is held of a view, if there is one; a picture with the name of one is held from now on.

    GlipError: `invalid_argument` for a view that is not held, of a picture that was not brought along; `image_invalid`,
    and as `read_picture`.
    """
    inputs, image = _inputs(model.config, params), params.image
    call.check()
    if image.view is None:
        return _prepared(inputs, image)
    key = ViewKey(image.view, inputs.short_side, inputs.long_side)
    held = model.views.get(key)
    if held is None:
        if image.path is None and image.encoded is None and image.pixels is None:
            raise invalid_argument("image.view", "a view that is held, or its picture with it", repr(image.view))
        held = looked_at(model, _prepared(inputs, image))
        model.views.keep(key, held)
    return held


def looked_at(model: Model, picture: Picture) -> Looked:
    if isinstance(picture, Looked):
        return picture
    # Not in inference mode: what is held may be read outside of it.
    with torch.no_grad(), model.computing():
        return looked(model.network, picture.picture_3HW, picture.size)


def pyramid_of(model: Model, pictures: Sequence[Picture]) -> tuple[Pyramid, list[int]]:
    """The pyramid of all, whose padded sizes are one, and the row of each in it. Each view is in it once."""
    new = [one.picture_3HW for one in pictures if isinstance(one, Prepared)]
    held = {id(one): one.pyramid for one in pictures if isinstance(one, Looked)}
    parts = list(held.values())
    if new:
        parts.append(model.network.look(batch(new, model.config.input.divisor).pictures_B3HW.to(model.device)))
    places = {view: row for row, view in enumerate(held)}
    rows_of_new = iter(range(len(held), len(held) + len(new)))
    rows = [places[id(one)] if isinstance(one, Looked) else next(rows_of_new) for one in pictures]
    return Pyramid.cat(parts), rows


def rows_of(pyramid: Pyramid, rows: list[int]) -> Pyramid:
    """A picture for each text; one for all of them as it is."""
    pictures = len(pyramid.features_BNC)
    if pictures == 1 or rows == list(range(pictures)):
        return pyramid
    if len(set(rows)) == 1:
        return pyramid.rows(rows[:1])
    return pyramid.rows(rows)


def _prepared(inputs: InputConfig, image: Image) -> Prepared:
    pixels = read_picture(image)
    try:
        return Prepared(prepare(pixels, inputs), (pixels.shape[0], pixels.shape[1]))
    except InputError as error:
        name, reason = name_of(image), f"expected {error.expected}, got {error.received}"
        advice = "cut it into pieces, or ask for larger sides (shortSide, longSide)"
        details = {"path": name, "reason": reason}
        raise GlipError("image_invalid", f"{name}: {reason}: {advice}", details) from error


def _inputs(config: GlipConfig, params: Params) -> InputConfig:
    for path, side in (("short_side", params.short_side), ("long_side", params.long_side)):
        if side is not None and side > MAX_SIDE:
            raise invalid_argument(path, f"at most {MAX_SIDE} pixels", str(side))
    inputs = config.input
    return replace(
        inputs, short_side=params.short_side or inputs.short_side, long_side=params.long_side or inputs.long_side
    )
