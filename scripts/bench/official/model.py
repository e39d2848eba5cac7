"""GLIP-T with random weights whose scores spread, and the official way from a picture to boxes: what is compared with.

Needs GLIP_OFFICIAL_REPO; nothing of the SDK but its compatibility layer is in here.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from drawing import SEED, TEXT_SCALE
from glip_worker.engines.official.compat.checkout import use_checkout
from glip_worker.engines.official.compat.installation import install
from PIL import Image
from serving import Found

CONFIG = "configs/pretrain/glip_Swin_T_O365_GoldG.yaml"


def load(
    accelerate: list[str], weights: str | None = None, device: str = "cpu"
) -> tuple[Any, Any]:
    """The configuration and the model in eval mode; random weights without `weights`."""
    checkout = Path(os.environ["GLIP_OFFICIAL_REPO"])
    sys.dont_write_bytecode = True
    use_checkout(checkout)
    install(device=device, accelerate=accelerate)
    cfg = importlib.import_module("maskrcnn_benchmark.config").cfg.clone()
    cfg.merge_from_file(checkout / CONFIG)
    keys = ["MODEL.WEIGHT", "", "MODEL.ATSS.INFERENCE_TH", 0.0, "MODEL.DEVICE", device]
    cfg.merge_from_list(keys)
    torch.manual_seed(SEED)
    model = importlib.import_module(
        "maskrcnn_benchmark.modeling.detector"
    ).build_detection_model(cfg)
    with torch.no_grad():
        model.rpn.head.dot_product_projection_text.weight.mul_(TEXT_SCALE)
    if weights is not None:
        checkpoints = importlib.import_module("maskrcnn_benchmark.utils.checkpoint")
        checkpoints.DetectronCheckpointer(cfg, model).load(weights, force=True)
    model.to(device).eval()
    return cfg, model


def save(model: Any, path: str) -> None:
    """As a released checkpoint is: the model's tensors under the key `model`."""
    torch.save({"model": model.state_dict()}, path)


class Batch(NamedTuple):
    images: Any
    """An ImageList."""

    sizes: list[tuple[int, int]]
    """Of each picture as it is: width, height."""


class Detector:
    """Pictures' files to boxes in their pixels, by official parts: transforms, prompt maps, model, BoxList."""

    def __init__(self, cfg: Any, model: Any, categories: Sequence[str]) -> None:
        self._model, self._cfg = model, cfg
        self._transform = importlib.import_module(
            "maskrcnn_benchmark.data.transforms"
        ).build_transforms(cfg, False)
        self._images = importlib.import_module(
            "maskrcnn_benchmark.structures.image_list"
        )
        # The evaluation's own prompt: names joined by ". ", a map from each label to its tokens.
        queries = importlib.import_module("maskrcnn_benchmark.engine.inference")
        labels = list(range(1, len(categories) + 1))
        self._caption, self._map = queries.create_queries_and_maps(
            labels, list(categories), cfg=cfg
        )

    def prepare(self, files: Sequence[str]) -> Batch:
        pictures = [Image.open(file).convert("RGB") for file in files]
        images = self._images.to_image_list(
            [self._transform(picture) for picture in pictures],
            self._cfg.DATALOADER.SIZE_DIVISIBILITY,
        )
        return Batch(images, [picture.size for picture in pictures])

    def look(self, batch: Batch) -> list[Found]:
        with torch.no_grad():
            pictures = self._model(
                batch.images.to(self._cfg.MODEL.DEVICE),
                captions=[self._caption] * len(batch.sizes),
                positive_map=self._map,
            )
        resized = [
            found.resize(size).to("cpu")
            for found, size in zip(pictures, batch.sizes, strict=True)
        ]
        return [_best_first(found) for found in resized]


def _best_first(found: Any) -> Found:
    scores = found.get_field("scores")
    order = scores.sort(descending=True, stable=True).indices
    return Found(found.bbox[order], scores[order])
