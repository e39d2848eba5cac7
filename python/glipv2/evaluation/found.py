"""What a model finds in pictures, as an evaluation asks: one picture, one list of prompts at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from glipv2.data.pixels import open_picture
from glipv2.data.records import Picture
from glipv2.detection.detect import detect
from glipv2.detection.masks import MaskParts, masks_of
from glipv2.detection.objects import Objects
from glipv2.model import GLIP, Output, TextFeatures
from glipv2.pictures import Batch, batch, prepare
from glipv2.pyramid import Pyramid
from glipv2.text.prompts import Prompt


class Finder:
    """Keeps the texts' features: categories are asked for in every picture."""

    def __init__(self, model: GLIP) -> None:
        self._model = model.eval()
        self._device = next(model.parameters()).device
        self._texts: dict[str, TextFeatures] = {}

    @torch.inference_mode()
    def find(self, picture: Picture, prompts: Sequence[Prompt]) -> Objects:
        """All prompts' objects, labels counted over all of them; boxes in the picture's pixels, clipped to
        it. None of no prompt."""
        seen = self._open(picture)
        pyramid = self._model.look(seen.pictures_B3HW.to(self._device))
        passes = [found for _, found in self._passes(pyramid, seen, prompts)]
        return Objects.cat([Objects.none(), *passes]).resized(seen.sizes[0], picture.size)

    @torch.inference_mode()
    def segment(self, picture: Picture, prompts: Sequence[Prompt]) -> tuple[Objects, list[str]]:
        """The same, and the objects' masks: COCO's run lengths. For a model that finds masks."""
        head = self._model.masks
        assert head is not None
        seen = self._open(picture)
        pyramid = self._model.look(seen.pictures_B3HW.to(self._device))
        passes: list[Objects] = []
        masks: list[str] = []
        for output, found in self._passes(pyramid, seen, prompts):
            [pixels_EHW] = head(pyramid.replaced(output.regions_BNC))
            parts = MaskParts.of(head, pixels_EHW, output.regions_BNC[0], output.sizes, found)
            masks += masks_of(parts, torch.arange(len(found.scores_N)), seen.sizes[0], picture.size)
            passes.append(found)
        return Objects.cat(passes).resized(seen.sizes[0], picture.size), masks

    def _open(self, picture: Picture) -> Batch:
        """As the network takes it."""
        inputs = self._model.config.input
        return batch([prepare(np.asarray(open_picture(picture)), inputs)], inputs.divisor)

    def _passes(self, pyramid: Pyramid, picture: Batch, prompts: Sequence[Prompt]) -> Iterator[tuple[Output, Objects]]:
        """What the network says with each prompt, and the objects in its pixels."""
        for prompt in prompts:
            output = self._model.read(pyramid, self._features(prompt))
            [found] = detect(output, [prompt.groups], picture.sizes, self._model.config.postprocess)
            yield output, found.shifted(prompt.first)

    def _features(self, prompt: Prompt) -> TextFeatures:
        if prompt.text not in self._texts:
            ids_1T = torch.tensor([prompt.ids], device=self._device)
            self._texts[prompt.text] = self._model.encode_text(ids_1T, torch.ones_like(ids_1T, dtype=torch.bool))
        return self._texts[prompt.text]
