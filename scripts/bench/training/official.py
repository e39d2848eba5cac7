"""The official training step on GLIP-T, as `stepping` describes: official.py WEIGHTS BATCH

By official parts, as its trainer has them: loader's transforms and collator, model, optimizer with its clipping. Needs
GLIP_OFFICIAL_REPO; nothing of the SDK but its compatibility layer is in here.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import torch
from glip_worker.engines.official.compat.checkout import use_checkout
from glip_worker.engines.official.compat.installation import install
from PIL import Image
from stepping import serve

CONFIG = "configs/pretrain/glip_Swin_T_O365_GoldG.yaml"

#: Ours of the official names of losses. Its classification loss has weight 0.
NAMES = {
    "loss_dot_product_token": "tokens",
    "loss_reg": "boxes",
    "loss_centerness": "centerness",
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("weights")
    parser.add_argument("batch")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument(
        "--amp", action="store_true", help="float16, as its recipe trains on a GPU"
    )
    options = parser.parse_args()
    serve(lambda: Trainer(options), options.device)


class Trainer:
    def __init__(self, options: argparse.Namespace) -> None:
        content = json.loads(Path(options.batch).read_text())
        first = Image.open(content["pictures"][0])
        self._device = options.device
        cfg = load(options.device, min(first.size), max(first.size))
        self._model = module("modeling.detector").build_detection_model(cfg)
        checkpoints = module("utils.checkpoint")
        checkpoints.DetectronCheckpointer(cfg, self._model).load(
            options.weights, force=True
        )
        # Its Swin's train() returns nothing.
        self._model.to(options.device).train()
        self._optimizer = module("solver").make_optimizer(cfg, self._model)
        self._amp = options.amp
        self._scaler = torch.amp.GradScaler(options.device, enabled=options.amp)
        self._batches = {
            name: batch_of(cfg, self._model.tokenizer, content["pictures"], text)
            for name, text in content["texts"].items()
        }

    @torch.no_grad()
    def losses(self, text: str) -> dict[str, float]:
        self._model.eval()
        # These two alone decide whether there are losses.
        self._model.training = self._model.rpn.training = True
        found = self._found(text)
        self._model.train()
        return {ours: found[official].item() for official, ours in NAMES.items()}

    def step(self, text: str, checkpointing: bool) -> None:
        # In its configuration, fusion alone has it.
        for one in self._model.rpn.modules():
            if hasattr(one, "use_checkpoint"):
                one.use_checkpoint = checkpointing
        losses = sum(self._found(text).values())
        self._optimizer.zero_grad()
        self._scaler.scale(losses).backward()
        self._scaler.step(self._optimizer)
        self._scaler.update()

    def _found(self, text: str) -> dict[str, Any]:
        images, targets, _, positive_map, *_ = self._batches[text]
        images = images.to(self._device)
        targets = [one.to(self._device) for one in targets]
        captions = [one.get_field("caption") for one in targets]
        with torch.autocast(self._device, torch.float16, enabled=self._amp):
            found: dict[str, Any] = self._model(
                images, targets, captions, positive_map.to(self._device)
            )
        return found


def load(device: str, short_side: int, long_side: int) -> Any:
    checkout = Path(os.environ["GLIP_OFFICIAL_REPO"])
    sys.dont_write_bytecode = True
    use_checkout(checkout)
    install(device=device)
    cfg = module("config").cfg.clone()
    cfg.merge_from_file(checkout / CONFIG)
    settings = {
        "MODEL.WEIGHT": "",
        "MODEL.DEVICE": device,
        "INPUT.MIN_SIZE_TEST": short_side,
        "INPUT.MAX_SIZE_TEST": long_side,
        "SOLVER.BASE_LR": 1e-6,
        "SOLVER.LANG_LR": 1e-6,
    }
    cfg.merge_from_list([part for pair in settings.items() for part in pair])
    return cfg


def batch_of(
    cfg: Any, tokenizer: Any, files: list[str], content: dict[str, Any]
) -> Any:
    # Those of evaluation, which do not flip.
    transform = module("data.transforms").build_transforms(cfg, False)
    collate = module("data.collate_batch").BatchCollator(
        cfg.DATALOADER.SIZE_DIVISIBILITY
    )
    box_list = module("structures.bounding_box").BoxList
    create_map = module("data.datasets.modulated_coco").create_positive_map
    samples = []
    for file, boxes, spans in zip(
        files, content["boxes"], content["spans"], strict=True
    ):
        picture = Image.open(file).convert("RGB")
        target = box_list(torch.tensor(boxes), picture.size, mode="xyxy")
        target.add_field("labels", torch.ones(len(boxes), dtype=torch.long))
        target.add_field("caption", content["text"])
        target.add_field("positive_map", create_map(tokenizer(content["text"]), spans))
        samples.append((transform(picture), target, file))
    return collate(samples)


def module(name: str) -> Any:
    return importlib.import_module(f"maskrcnn_benchmark.{name}")


if __name__ == "__main__":
    main()
