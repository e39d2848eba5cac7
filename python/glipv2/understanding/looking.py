"""A picture looked at once, for whatever is asked about it.

Sizes are (height, width).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from glipv2.data.pixels import open_picture
from glipv2.data.records import Picture
from glipv2.model import GLIP
from glipv2.pictures import batch, prepare
from glipv2.pyramid import Pyramid
from glipv2.text.bert import TextFeatures
from glipv2.understanding.scene import Scene, scene, searched


@dataclass(eq=False)
class Looked:
    pyramid: Pyramid
    """Of a single picture."""

    seen: tuple[int, int]
    """As the network sees it, without padding,"""

    size: tuple[int, int]
    """and as it is."""

    scene: Scene | None = None
    """What texts read of it: found when one first does, and small beside the pyramid."""


class Scenes:
    """Of pictures that a model looked at, whose weights stay as they are: it reads the names once."""

    def __init__(self, model: GLIP) -> None:
        self._model = model
        self._names: TextFeatures | None = None

    def of(self, picture: Looked) -> Scene:
        """Of each picture found once."""
        if picture.scene is None:
            if self._names is None:
                self._names = searched(self._model)
            picture.scene = scene(self._model, picture.pyramid, [picture.seen], self._names)
        return picture.scene


def looked(model: GLIP, picture_3HW: Tensor, size: tuple[int, int]) -> Looked:
    """`picture_3HW`: as `glipv2.pictures.prepare` makes it."""
    pictures, [seen] = batch([picture_3HW], model.config.input.divisor)
    return Looked(model.look(pictures.to(next(model.parameters()).device)), seen, size)


def opened(model: GLIP, picture: Picture) -> Looked:
    """OSError: it cannot be read. InputError: as `open_picture` and `prepare`."""
    return looked(model, prepare(np.asarray(open_picture(picture)), model.config.input), picture.size)


def only(ids: list[int], looked: Looked) -> tuple[Tensor, Tensor]:
    """ids_1T and mask_1T of a text without padding, where the picture is."""
    ids_1T = torch.tensor([ids], device=looked.pyramid.features_BNC.device)
    return ids_1T, torch.ones_like(ids_1T, dtype=torch.bool)
