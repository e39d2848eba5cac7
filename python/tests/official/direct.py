"""The official Python called as its evaluation and its demo call it, without anything of the engine; and the engine."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import PIL.Image as pil
import torch
from small import MODEL, TEXT_WIDTH
from torch import Tensor

from glip_worker.device import Device
from glip_worker.engines.official.engine import OfficialEngine, load
from glip_worker.protocol.messages import (
    Image,
    ModelLoadParams,
    ModelLoadResult,
    VisionDetectParams,
    VisionGroundParams,
)
from glip_worker.tensors import Tensor as WireTensor

YAML = "configs/pretrain/glip_Swin_T_O365_GoldG.yaml"
CPU = Device("cpu", None, "test", 0)

#: The small model with small pictures, as `settings`.
SMALL = {**dict(zip(MODEL[::2], MODEL[1::2], strict=True)), "INPUT.MIN_SIZE_TEST": 96, "INPUT.MAX_SIZE_TEST": 160}
del SMALL["MODEL.WEIGHT"]


class Found(NamedTuple):
    """Best score first; labels count from 0."""

    boxes: Tensor
    scores: Tensor
    labels: Tensor


def best(boxes: Tensor, scores: Tensor, labels: Tensor) -> Found:
    order = scores.argsort(descending=True, stable=True)
    return Found(boxes[order], scores[order], labels[order])


def write_bert(folder: Path) -> Path:
    """The real vocabulary and a text encoder of the small model's width."""
    from glip_worker.engines.official.compat.patches.transformers_bert import PACKAGED

    folder.mkdir()
    for name in ("vocab.txt", "tokenizer_config.json"):
        shutil.copy(PACKAGED / name, folder / name)
    sizes = {"num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96, "hidden_size": TEXT_WIDTH}
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "vocab_size": 30522, **sizes}))
    return folder


class Direct:
    """A model made by the official code alone, which must be patched by then; the global configuration is its own."""

    def __init__(self, checkout: Path, settings: dict[str, Any]) -> None:
        self.cfg = importlib.import_module("maskrcnn_benchmark.config").cfg
        self.cfg.merge_from_file(str(checkout / YAML))
        self.cfg.merge_from_list([part for pair in settings.items() for part in pair])
        self.cfg.merge_from_list(["MODEL.DEVICE", "cpu", "MODEL.WEIGHT", ""])
        self.model = importlib.import_module("maskrcnn_benchmark.modeling.detector").build_detection_model(self.cfg)
        self.model.eval()
        self._inference = importlib.import_module("maskrcnn_benchmark.engine.inference")
        self._predictor = importlib.import_module("maskrcnn_benchmark.engine.predictor_glip")

    def load(self, path: Path) -> None:
        checkpoint = importlib.import_module("maskrcnn_benchmark.utils.checkpoint")
        checkpoint.DetectronCheckpointer(self.cfg, self.model, save_dir="").load(str(path))

    def detect(self, pixels: Any, names: Sequence[str], first: int = 0) -> Found:
        """As tools/test_grounding_net.py does it, one prompt."""
        transforms = importlib.import_module("maskrcnn_benchmark.data.transforms").build_transforms(self.cfg, False)
        collate = importlib.import_module("maskrcnn_benchmark.data.collate_batch").BatchCollator
        picture = transforms(pil.fromarray(pixels))
        images, *_ = collate(self.cfg.DATALOADER.SIZE_DIVISIBILITY)([(picture, {}, 0)])
        labels = list(range(1, len(names) + 1))
        query, tokens = self._inference.create_queries_and_maps(labels, list(names), cfg=self.cfg)
        with torch.no_grad():
            found = self.model(images, captions=[query], positive_map=tokens)[0]
        height, width = pixels.shape[:2]
        found = found.resize((width, height))
        return best(found.bbox, found.get_field("scores"), found.get_field("labels") - 1 + first)

    def ground(self, pixels: Any, caption: str, spans: list[dict[str, Any]] | None = None) -> Found:
        """As the demo does it, which does not resize: `pixels` are what the network sees."""
        demo = self._predictor.GLIPDemo(self.cfg, load_model=False)
        demo.model, demo.device = self.model, torch.device("cpu")
        found = demo.compute_prediction(numpy.ascontiguousarray(pixels[:, :, ::-1]), caption, spans)
        return best(found.bbox, found.get_field("scores"), found.get_field("labels") - 1)


class Stand:
    """What a call is to the engine."""

    def __init__(self, check: Callable[[], None] = lambda: None) -> None:
        self.check = check


class Served:
    """The engine, called as the worker calls it."""

    def __init__(self, checkout: Path, bert: Path | None) -> None:
        self.engine: OfficialEngine = load({"checkout": str(checkout)}, CPU)
        self.bert = bert

    def load(self, **changes: Any) -> ModelLoadResult:
        params = {"config": YAML, "weights": None, "accelerate": [], "settings": SMALL, **changes}
        text = changes.get("text_encoder", None if self.bert is None else str(self.bert))
        return self.engine.load_model(Stand(), ModelLoadParams(**{**params, "text_encoder": text}))  # type: ignore[arg-type]

    def detect(self, pixels: Any, names: Sequence[str], call: Any = None, **changes: Any) -> Found:
        params = VisionDetectParams(categories=list(names), thresholds=None, prompt=None, **_look(pixels, changes))
        seen = self.engine.detect(call or Stand(), params)
        assert (seen.height, seen.width) == numpy.shape(pixels)[:2]
        return Found(seen.boxes.torch(), seen.scores.torch(), seen.categories.torch())

    def ground(self, pixels: Any, caption: str, **changes: Any) -> tuple[Found, list[str]]:
        """And the phrases' texts."""
        params = VisionGroundParams(caption=caption, phrases=changes.pop("phrases", None), **_look(pixels, changes))
        seen = self.engine.ground(Stand(), params)  # type: ignore[arg-type]
        texts = [caption[span.start : span.end] for span in seen.phrases]
        return Found(seen.boxes.torch(), seen.scores.torch(), seen.phrase_indices.torch()), texts


def _look(pixels: Any, changes: dict[str, Any]) -> dict[str, Any]:
    image = Image(path=None, encoded=None, pixels=WireTensor.of(numpy.ascontiguousarray(pixels)), view=None)
    sizes = {"max_objects": None, "short_side": None, "long_side": None}
    return {"image": image, "threshold": 0.0, "features": False, "masks": False, **sizes, **changes}


def assert_equal(got: Found, expected: Found) -> None:
    """Bit for bit, and something was found."""
    assert len(expected.scores) > 10
    assert torch.equal(got.boxes, expected.boxes)
    assert torch.equal(got.scores, expected.scores)
    assert torch.equal(got.labels, expected.labels.int())
