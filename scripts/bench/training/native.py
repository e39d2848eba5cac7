"""A training run's own step on GLIP-T, as `stepping` describes: native.py WEIGHTS BATCH

Legend: B pictures, T tokens, K phrases.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from glipv2.data.batches import Asked, Batch, of_boxes
from glipv2.losses.grounding import Targets
from glipv2.losses.total import total_loss
from glipv2.ops.memory import keep_freed
from glipv2.text.prompts import tokens_of
from glipv2.text.wordpiece import WordPiece
from glipv2.training.options import TrainOptions
from glipv2.training.state import new_state
from glipv2.training.step import Stepper
from glipv2.training.world import World
from PIL import Image
from stepping import serve


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("weights")
    parser.add_argument("batch")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument(
        "--precision", choices=["float32", "bfloat16"], default="float32"
    )
    parser.add_argument("--checkpointing", action="store_true")
    options = parser.parse_args()
    if options.device == "cpu":
        keep_freed()
    serve(lambda: Trainer(options), options.device)


class Trainer:
    def __init__(self, options: argparse.Namespace) -> None:
        content = json.loads(Path(options.batch).read_text())
        pixels = np.stack([np.asarray(Image.open(one)) for one in content["pictures"]])
        pictures_B3HW = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        self._batches = {
            name: batch_of(pictures_B3HW, text)
            for name, text in content["texts"].items()
        }
        self._options = TrainOptions.from_json(
            {
                # No file of them is read: batches are made here.
                "train": [{"format": "coco", "annotations": "none", "images": "none"}],
                "output": "none",
                "weights": options.weights,
                "config": "glip-t",
                "batch_size": len(pixels),
                "learning_rate": 1e-6,
                "ema": 0,
                "precision": options.precision,
                "gradient_checkpointing": options.checkpointing,
            }
        )
        world = World(0, 1, torch.device(options.device))
        self._state = new_state(self._options, (), world.device)
        self._stepper = Stepper(self._state, self._options, world)

    @torch.no_grad()
    def losses(self, text: str) -> dict[str, float]:
        trained = self._state.trained.eval()
        found = total_loss(
            trained.model,
            None,
            self._batches[text],
            self._options.losses,
            torch.Generator(),
        )
        trained.train()
        return {name: one.item() for name, one in found.items()}

    def step(self, text: str, checkpointing: bool) -> None:
        """Whether activations are computed again, is said at the start."""
        self._stepper.step([self._batches[text]], 1.0, lambda: (False, False))


def batch_of(pictures_B3HW: torch.Tensor, content: dict[str, Any]) -> Batch:
    count, height, width = len(pictures_B3HW), *pictures_B3HW.shape[2:]
    tokens = WordPiece.default().encode(content["text"])
    asked = [asked_of(spans, tokens.spans) for spans in content["spans"]]
    boxes = [torch.tensor(one) for one in content["boxes"]]
    return Batch(
        pictures_B3HW,
        [(height, width)] * count,
        torch.tensor([tokens.ids] * count),
        torch.ones(count, len(tokens.ids), dtype=torch.bool),
        Targets(boxes, [of_boxes(one) for one in asked]),
        asked,
    )


def asked_of(spans: list[list[list[int]]], places: list[tuple[int, int]]) -> Asked:
    """Each box has phrases of its own."""
    flat = [(start, end) for each in spans for start, end in each]
    tokens_KT = torch.zeros(len(flat), len(places), dtype=torch.bool)
    for row, span in enumerate(flat):
        tokens_KT[row, tokens_of(span, places)] = True
    ends = np.cumsum([len(each) for each in spans]).tolist()
    phrases = [
        tuple(range(end - len(each), end))
        for each, end in zip(spans, ends, strict=True)
    ]
    return Asked((None,) * len(flat), tokens_KT, tuple(phrases))


if __name__ == "__main__":
    main()
