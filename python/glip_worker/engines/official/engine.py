"""The engine `official`: its methods, and what a start needs. Nothing of the official code is imported before a model
is asked for."""

from __future__ import annotations

import importlib.util
import json
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from glip_worker.call import Call
from glip_worker.device import Device
from glip_worker.engines.official.compat.checkout import find_checkout, use_checkout
from glip_worker.engines.official.training import methods as training
from glip_worker.errors import GlipError
from glip_worker.protocol.messages import (
    EvaluateBenchmarkParams,
    EvaluateBenchmarkResult,
    ModelLoadParams,
    ModelLoadResult,
    VisionDetectParams,
    VisionDetectResult,
    VisionGroundParams,
    VisionGroundResult,
)
from glip_worker.registry import Registry

if TYPE_CHECKING:
    from glip_worker.engines.official.model import Model

#: What requirements/official.in installs and the official code imports, by import name.
PACKAGES = {
    "cv2": "opencv-python-headless",
    "einops": "einops",
    "ftfy": "ftfy",
    "inflect": "inflect",
    "matplotlib": "matplotlib",
    "nltk": "nltk",
    "prettytable": "prettytable",
    "pycocotools": "pycocotools",
    "requests": "requests",
    "scipy": "scipy",
    "shapely": "shapely",
    "tensorboardX": "tensorboardX",
    "timm": "timm",
    "torchvision": "torchvision",
    "tqdm": "tqdm",
    "transformers": "transformers",
    "yacs": "yacs",
    "yaml": "pyyaml",
}

#: Of these, READY tells the version.
TOLD = ("transformers", "torchvision", "timm")


def load(options: dict[str, Any], device: Device) -> OfficialEngine:
    """`options`: `{"checkout": an absolute folder}` and nothing else.

    ValueError: other options, a device that the official code does not know, a folder that is no checkout, packages
    that are missing.
    """
    if set(options) != {"checkout"} or not isinstance(options.get("checkout"), str):
        got = ", ".join(options) or "none"
        raise ValueError(f"the engine official has the one option checkout, an absolute folder; got {got}")
    if not Path(options["checkout"]).is_absolute():
        raise ValueError(f"the option checkout is an absolute folder, got {options['checkout']!r}")
    if device.type == "mps":
        raise ValueError("the engine official computes on cpu and cuda alone: the official code does not know mps")
    missing = [package for name, package in PACKAGES.items() if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(
            f"the engine official needs packages that are not here: {', '.join(missing)}. "
            "`npx glip setup --official` installs them"
        )
    try:
        checkout = find_checkout(options["checkout"])
    except GlipError as error:
        raise ValueError(error.message) from error
    use_checkout(checkout)
    return OfficialEngine(checkout, device)


class OfficialEngine:
    """Starts without a model; `model.load` gives it one, and another later."""

    name = "official"
    versions: dict[str, str]

    def __init__(self, checkout: Path, device: Device) -> None:
        self.checkout = checkout
        self.device = device
        self.model: Model | None = None
        self.versions = {name: metadata.version(name) for name in TOLD}
        self.versions["official"] = pinned_commit()

    def register(self, registry: Registry) -> None:
        registry.add("model.load", self.load_model)
        registry.add("vision.detect", self.detect)
        registry.add("vision.ground", self.ground)
        registry.add("evaluate.benchmark", self.evaluate_benchmark)
        training.register(registry, self.checkout, self.device)

    def load_model(self, call: Call, params: ModelLoadParams) -> ModelLoadResult:
        """The former model serves until the new one is complete, so a failure changes nothing."""
        start = time.perf_counter()
        # The first time it imports the official code and all that it stands on, which takes seconds.
        from glip_worker.engines.official import model

        loaded, result = model.load_model(self.checkout, self.device, params, call.check)
        self.model = loaded
        model.free_memory()
        return msgspec.structs.replace(result, seconds=time.perf_counter() - start)

    def detect(self, call: Call, params: VisionDetectParams) -> VisionDetectResult:
        from glip_worker.engines.official import predict

        return predict.detect(self.loaded("vision.detect"), params, call.check)

    def ground(self, call: Call, params: VisionGroundParams) -> VisionGroundResult:
        from glip_worker.engines.official import predict

        return predict.ground(self.loaded("vision.ground"), params, call.check)

    def evaluate_benchmark(self, call: Call, params: EvaluateBenchmarkParams) -> EvaluateBenchmarkResult:
        """As `evaluate_benchmark`."""
        from glip_worker.engines.common.benchmark import evaluate_benchmark
        from glip_worker.engines.official.predict import without_tuned
        from glip_worker.engines.official.predictor import OfficialPredictor

        if params.prompt is not None:
            raise without_tuned(params.prompt)
        return evaluate_benchmark(call, OfficialPredictor(self.loaded("evaluate.benchmark")), params)

    def loaded(self, feature: str) -> Model:
        """The model in use. GlipError `unsupported` before the first `model.load`."""
        if self.model is None:
            reason = "no model has been loaded: launch({ model }) names one, or call model.load"
            raise GlipError("unsupported", f"{feature}: {reason}", {"feature": feature, "reason": reason})
        return self.model


def pinned_commit() -> str:
    """The commit that this package was made for; the SDK compares the checkout's files with its sums at each launch."""
    manifest = json.loads(Path(__file__).with_name("manifest.json").read_text(encoding="utf-8"))
    return str(manifest["commit"])
