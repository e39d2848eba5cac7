"""The native model by itself, as `serving` describes.

Legend: B pictures. Sizes are (height, width).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from glipv2.checkpoints.load import load
from glipv2.detection.detect import detect
from glipv2.model import TextFeatures
from glipv2.ops.memory import keep_freed
from glipv2.pictures import batch, prepare
from glipv2.text.prompts import category_prompts
from glipv2.text.wordpiece import WordPiece
from PIL import Image
from serving import Found, serve
from torch import Tensor

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("weights")
    parser.add_argument("--categories", nargs="+", required=True)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--dtype", choices=[*DTYPES], default="float32")
    parser.add_argument(
        "--threshold", type=float, help="the least probability; the model's by default"
    )
    parser.add_argument(
        "--each-text",
        action="store_true",
        help="encode the text with every batch; the engine keeps what the encoder said",
    )
    parser.add_argument(
        "--give-freed",
        action="store_true",
        help="freed memory goes back to the system; the engine keeps it",
    )
    options = parser.parse_args()
    if options.device == "cpu" and not options.give_freed:
        keep_freed()
    serve(lambda: Detector(options))


class Batch(NamedTuple):
    pictures_B3HW: Tensor

    seen: list[tuple[int, int]]
    """Of each as the network sees it, without padding."""

    sizes: list[tuple[int, int]]
    """Of each as it is."""


class Detector:
    """Pictures' files to boxes in their pixels, all pictures in one pass."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._network = (
            load(options.weights).requires_grad_(False).to(options.device).eval()
        )
        self._device = torch.device(options.device)
        self._dtype = DTYPES[options.dtype]
        config = self._network.config
        self._input, self._postprocess = config.input, config.postprocess
        if options.threshold is not None:
            self._postprocess = replace(self._postprocess, threshold=options.threshold)
        [self._prompt] = category_prompts(WordPiece.default(), options.categories)
        self._text: TextFeatures | None = None
        self._each_text = options.each_text

    def prepare(self, files: Sequence[str]) -> Batch:
        pixels = [np.asarray(Image.open(file).convert("RGB")) for file in files]
        pictures = [prepare(one, self._input) for one in pixels]
        pictures_B3HW, seen = batch(pictures, self._input.divisor)
        return Batch(pictures_B3HW, seen, [one.shape[:2] for one in pixels])

    def look(self, batch: Batch) -> list[Found]:
        with (
            torch.inference_mode(),
            torch.autocast(
                self._device.type, self._dtype, self._dtype != torch.float32
            ),
        ):
            pictures_B3HW = batch.pictures_B3HW.to(self._device)
            output = self._network(pictures_B3HW, self._features())
            groups = [self._prompt.groups] * len(batch.sizes)
            pictures = detect(output, groups, batch.seen, self._postprocess)
        resized = (
            found.resized(*sizes)
            for found, *sizes in zip(pictures, batch.seen, batch.sizes, strict=True)
        )
        return [Found(one.boxes_N4, one.scores_N) for one in resized]

    def _features(self) -> TextFeatures:
        if self._text is None or self._each_text:
            ids_1T = torch.tensor([self._prompt.ids], device=self._device)
            mask_1T = torch.ones_like(ids_1T, dtype=torch.bool)
            self._text = self._network.encode_text(ids_1T, mask_1T)
        return self._text


if __name__ == "__main__":
    main()
