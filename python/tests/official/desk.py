"""What the tests of recipes share: a folder with data, a model's yaml and a checkpoint, and parameters for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from known_keys import KNOWN

from glip_worker.device import Device
from glip_worker.engines.official.training.configuration import Flat, checked
from glip_worker.engines.official.training.recipe import Recipe, prepare_evaluate, prepare_finetune, prepare_pretrain
from glip_worker.errors import GlipError
from glip_worker.protocol.messages import (
    Dataset,
    Pieces,
    TrainingEvaluateParams,
    TrainingFinetuneParams,
    TrainingPretrainParams,
)

CPU = Device("cpu", None, "CPU", 0)
YAML = """\
MODEL: {SWINT: {VERSION: v1}, ROI_HEADS: {USE_FPN: False}}
SOLVER: {BASE_LR: 0.0001, MAX_EPOCH: 30, IMS_PER_BATCH: 64, STEPS: "(0.67, 0.89)", USE_AMP: True}
DATASETS: {TRAIN: '("object365_dt_train",)', TEST: '("coco_2017_val",)', SEPARATION_TOKENS: ". "}
"""


class Desk:
    """A folder with data, a model's yaml and a checkpoint, and parameters that name them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "images").mkdir()
        for number in range(1, 7):
            (folder / "images" / f"{number}.png").touch()
        (folder / "model.yaml").write_text(YAML)
        self.weights = folder / "start.pth"
        self.weights.touch()
        self.output = folder / "out"
        self.data = self.dataset("ann", ("cat", "dog"))

    def dataset(self, name: str, categories: tuple[str, ...], form: Any = "coco", copies: int = 1) -> Dataset:
        images = [
            {"id": i, "file_name": f"{i}.png", "width": 160, "height": 128, "caption": "a cat"} for i in range(1, 7)
        ]
        boxes = [
            {"id": i, "image_id": i, "category_id": 1 + i % len(categories), "bbox": [1, 1, 30, 30], "iscrowd": 0,
             "area": 900, "tokens_positive": [[2, 5]], "segmentation": [[1, 1, 20, 1, 20, 20]]}
            for i in range(1, 7)
        ]  # fmt: skip
        kinds = [{"id": i, "name": one} for i, one in enumerate(categories, 1)]
        file = self.folder / f"{name}.json"
        file.write_text(json.dumps({"images": images, "annotations": boxes, "categories": kinds}))
        return Dataset(format=form, annotations=str(file), images=str(self.folder / "images"), copies=copies)

    def run(self) -> dict[str, Any]:
        return {
            "output": str(self.output), "config": "model.yaml", "text_encoder": None, "settings": {}, "accelerate": [],
            "processes": 1, "seed": None, "wordings": None, "short_sides": None, "long_side": None, "readers": None,
        }  # fmt: skip

    def training(self) -> dict[str, Any]:
        nothing = (
            "epochs batch_size learning_rate language_learning_rate weight_decay warmup_steps milestones "
            "clip_gradients ema mixed_precision gradient_checkpointing checkpoint_steps frozen_stages validation"
        )
        pieces = Pieces(masked_language=False, contrast="none", mask_head="none")
        start = {"train": [self.data], "weights": str(self.weights), "resume": False, "pieces": pieces}
        return {**self.run(), **start, **dict.fromkeys(nothing.split())}

    def pretrain(self, **options: Any) -> TrainingPretrainParams:
        return TrainingPretrainParams(**{**self.training(), "batch_size": 2, **options})

    def finetune(self, **options: Any) -> TrainingFinetuneParams:
        more = {"method": "full", "shots": None, "shot_seed": 0, "patience": None}
        return TrainingFinetuneParams(**{**self.training(), **more, **options})

    def evaluate(self, **options: Any) -> TrainingEvaluateParams:
        more = {"data": self.data, "weights": str(self.weights), "batch_size": 1, "knowledge": None}
        return TrainingEvaluateParams(**{**self.run(), **more, **options})

    def prepare(self, params: Any) -> Recipe:
        kinds = {
            TrainingPretrainParams: prepare_pretrain,
            TrainingFinetuneParams: prepare_finetune,
            TrainingEvaluateParams: prepare_evaluate,
        }
        prepare: Callable[[Any, Path, Device], Recipe] = kinds[type(params)]
        return prepare(params, self.folder, CPU)

    def written(self, params: Any) -> Flat:
        file = self.prepare(params).config
        return checked(yaml.safe_load(file.read_text()), KNOWN, str(file))

    def refused(self, params: Any, code: str = "invalid_argument") -> dict[str, Any]:
        with pytest.raises(GlipError) as caught:
            self.prepare(params)
        assert caught.value.code == code, caught.value
        assert not self.output.exists() or not list(self.output.glob("*.yaml")), "a refused run writes nothing"
        return {**caught.value.details, "message": caught.value.message}
