"""What a model finds in pictures, as an evaluation asks: one picture, one list of prompts at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL.Image as pil
import torch

from glipv2.detection.detect import detect
from glipv2.detection.objects import Objects
from glipv2.model import GLIP, TextFeatures
from glipv2.pictures import batch, prepare
from glipv2.text.prompts import Prompt


class Finder:
    """Keeps the texts' features: categories are asked for in every picture."""

    def __init__(self, model: GLIP) -> None:
        self._model = model.eval()
        self._device = next(model.parameters()).device
        self._texts: dict[str, TextFeatures] = {}

    @torch.inference_mode()
    def find(self, file: Path, prompts: Sequence[Prompt]) -> Objects:
        """All prompts' objects, labels counted over all of them; boxes in the picture's pixels, clipped to it."""
        with pil.open(file) as opened:
            pixels = np.asarray(opened.convert("RGB"))
        config = self._model.config
        pictures, sizes = batch([prepare(pixels, config.input)], config.input.divisor)
        pyramid = self._model.look(pictures.to(self._device))
        passes = []
        for prompt in prompts:
            output = self._model.read(pyramid, self._features(prompt))
            [found] = detect(output, [prompt.groups], sizes, config.postprocess)
            passes.append(found.shifted(prompt.first))
        height, width = pixels.shape[:2]
        return Objects.cat(passes).resized(sizes[0], (height, width))

    def _features(self, prompt: Prompt) -> TextFeatures:
        if prompt.text not in self._texts:
            ids_1T = torch.tensor([prompt.ids], device=self._device)
            self._texts[prompt.text] = self._model.encode_text(ids_1T, torch.ones_like(ids_1T, dtype=torch.bool))
        return self._texts[prompt.text]
