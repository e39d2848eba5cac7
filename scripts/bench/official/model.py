"""GLIP-T with random weights whose scores spread, and the official way from a picture to boxes: what is compared with.

Needs GLIP_OFFICIAL_REPO; nothing of the SDK but its compatibility layer is in here.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import torch
from glip_worker.engines.official.compat.checkout import use_checkout
from glip_worker.engines.official.compat.installation import install
from PIL import Image

CONFIG = "configs/pretrain/glip_Swin_T_O365_GoldG.yaml"
CATEGORIES = ["person", "cup", "dog", "red car", "traffic light"]

#: Random weights give every anchor the same score; text features this much longer give it one of its own.
TEXT_SCALE = 30.0


def load(accelerate: list[str], weights: str | None = None) -> tuple[Any, Any]:
    """The configuration and the model in eval mode; random weights without `weights`."""
    checkout = Path(os.environ["GLIP_OFFICIAL_REPO"])
    sys.dont_write_bytecode = True
    use_checkout(checkout)
    install(device="cpu", accelerate=accelerate)
    cfg = importlib.import_module("maskrcnn_benchmark.config").cfg.clone()
    cfg.merge_from_file(checkout / CONFIG)
    cfg.merge_from_list(["MODEL.WEIGHT", "", "MODEL.ATSS.INFERENCE_TH", 0.0])
    torch.manual_seed(0)
    model = importlib.import_module(
        "maskrcnn_benchmark.modeling.detector"
    ).build_detection_model(cfg)
    with torch.no_grad():
        model.rpn.head.dot_product_projection_text.weight.mul_(TEXT_SCALE)
    if weights is not None:
        checkpoints = importlib.import_module("maskrcnn_benchmark.utils.checkpoint")
        checkpoints.DetectronCheckpointer(cfg, model).load(weights, force=True)
    model.eval()
    return cfg, model


def save(model: Any, path: str) -> None:
    """As a released checkpoint is: the model's tensors under the key `model`."""
    torch.save({"model": model.state_dict()}, path)


class Detector:
    """A picture's file to boxes in its pixels, by official parts: transforms, prompt maps, model, BoxList."""

    def __init__(self, cfg: Any, model: Any) -> None:
        self._model, self._cfg = model, cfg
        self._transform = importlib.import_module(
            "maskrcnn_benchmark.data.transforms"
        ).build_transforms(cfg, False)
        self._images = importlib.import_module(
            "maskrcnn_benchmark.structures.image_list"
        )
        # The evaluation's own prompt: names joined by ". ", a map from each label to its tokens.
        queries = importlib.import_module("maskrcnn_benchmark.engine.inference")
        labels = list(range(1, len(CATEGORIES) + 1))
        self._caption, self._map = queries.create_queries_and_maps(
            labels, CATEGORIES, cfg=cfg
        )

    def __call__(self, path: str) -> Any:
        """A BoxList with `scores` and `labels` (from 1)."""
        picture = Image.open(path).convert("RGB")
        batch = self._images.to_image_list(
            self._transform(picture), self._cfg.DATALOADER.SIZE_DIVISIBILITY
        )
        with torch.no_grad():
            found = self._model(
                batch, captions=[self._caption], positive_map=self._map
            )[0]
        return found.resize(picture.size)
