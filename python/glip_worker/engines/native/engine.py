"""The engine `native`: its methods, and what a start needs. torchvision and transformers are not imported."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import torch

import glipv2
from glip_worker.call import Call
from glip_worker.device import Device
from glip_worker.engines.common.benchmark import evaluate_benchmark
from glip_worker.engines.native import picture, predict, understanding
from glip_worker.engines.native.evaluate import evaluate_scenes
from glip_worker.engines.native.model import Model, load_model
from glip_worker.engines.native.prompts import load_prompts, tuned_prompt
from glip_worker.engines.native.request import Params
from glip_worker.errors import GlipError
from glip_worker.protocol.messages import (
    DataCheckParams,
    DataCheckResult,
    EvaluateBenchmarkParams,
    EvaluateBenchmarkResult,
    EvaluateScenesParams,
    EvaluateScenesResult,
    ModelLoadParams,
    ModelLoadResult,
    ModelPromptsParams,
    ModelPromptsResult,
    RunResult,
    TrainingRunParams,
    VisionAnswerParams,
    VisionCaptionParams,
    VisionCaptionResult,
    VisionForgetParams,
    VisionForgetResult,
    VisionLookParams,
    VisionLookResult,
)
from glip_worker.registry import Registry
from glipv2.benchmarks.native import NativePredictor
from glipv2.ops.memory import keep_freed

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

#: Requests that are computed at once at most; their pixels may allow fewer.
TOGETHER = 16


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the settings may say of this engine."""

    dtype: str = "float32"
    """What the network computes in: one of DTYPES."""

    cache: str | None = None
    """The folder of weights that were pulled: those are converted to safetensors once, beside themselves."""


def load(options: dict[str, Any], device: Device) -> NativeEngine:
    """ValueError: an option that does not exist, or a value that it does not have."""
    try:
        checked = msgspec.convert(options, Options)
    except msgspec.ValidationError as error:
        raise ValueError(f"the options of the engine native do not fit: {error}") from error
    if checked.dtype not in DTYPES:
        raise ValueError(f"the engine native computes in {' or '.join(DTYPES)}, not in {checked.dtype!r}")
    if device.type == "cpu":
        keep_freed()
    return NativeEngine(checked, device)


class NativeEngine:
    """Starts without a model; `model.load` gives it one, and another later."""

    name = "native"
    versions: dict[str, str]

    def __init__(self, options: Options, device: Device) -> None:
        self.device = device
        self.model: Model | None = None
        self.versions = {"glipv2": glipv2.__version__}
        self._dtype = DTYPES[options.dtype]
        self._cache = None if options.cache is None else Path(options.cache)

    def register(self, registry: Registry) -> None:
        registry.add("model.load", self.load_model)
        registry.add("model.prompts", self.load_prompts)
        registry.add("evaluate.scenes", self.evaluate)
        registry.add("evaluate.benchmark", self.evaluate_benchmark)
        registry.add("data.check", self.check_data)
        registry.add("training.run", self.train)
        registry.add("vision.look", self.look)
        registry.add("vision.forget", self.forget)
        registry.add("vision.caption", self.caption)
        registry.add_together("vision.answer", self.answer, TOGETHER)
        for name in ("vision.detect", "vision.ground"):
            registry.add_together(name, self.find, TOGETHER)

    def load_model(self, call: Call, params: ModelLoadParams) -> ModelLoadResult:
        """The former model serves until the new one is complete, so a failure changes nothing."""
        start = time.perf_counter()
        self.model, result = load_model(self.device, self._dtype, self._cache, params, call.check)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        return msgspec.structs.replace(result, seconds=time.perf_counter() - start)

    def load_prompts(self, call: Call, params: ModelPromptsParams) -> ModelPromptsResult:
        """As `prompts.load_prompts`; a model that is loaded later has none. GlipError `unsupported` before the first
        `model.load`."""
        return load_prompts(call, self.loaded(call.method), params)

    def train(self, call: Call, params: TrainingRunParams) -> RunResult:
        """As `training.run.run`. The worker does nothing else meanwhile; its model stays loaded."""
        from glip_worker.engines.native.training.run import run  # a worker that only looks does not wait for it

        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        return run(call, self.device, params)

    def check_data(self, call: Call, params: DataCheckParams) -> DataCheckResult:
        from glip_worker.engines.native.data import check_data

        return check_data(call, params)

    def look(self, call: Call, params: VisionLookParams) -> VisionLookResult:
        """GlipError `unsupported` before the first `model.load`; so are the others."""
        return picture.look(self.loaded(call.method), call, params)

    def forget(self, call: Call, params: VisionForgetParams) -> VisionForgetResult:
        return picture.forget(self.loaded(call.method), params)

    def find(self, calls: Sequence[tuple[Call, Params]]) -> list[Any]:
        return predict.find(self.loaded(calls[0][0].method), calls)

    def answer(self, calls: Sequence[tuple[Call, VisionAnswerParams]]) -> list[Any]:
        return understanding.answer(self.loaded(calls[0][0].method), calls)

    def caption(self, call: Call, params: VisionCaptionParams) -> VisionCaptionResult:
        return understanding.caption(self.loaded(call.method), call, params)

    def evaluate(self, call: Call, params: EvaluateScenesParams) -> EvaluateScenesResult:
        """As `evaluate_scenes`; GlipError `unsupported` before the first `model.load`."""
        return evaluate_scenes(call, self.loaded(call.method), params)

    def evaluate_benchmark(self, call: Call, params: EvaluateBenchmarkParams) -> EvaluateBenchmarkResult:
        """As `evaluate_benchmark`; GlipError `unsupported` before the first `model.load`."""
        model = self.loaded(call.method)
        tuned = None if params.prompt is None else tuned_prompt(model, params.prompt)
        with model.computing():
            return evaluate_benchmark(call, NativePredictor(model.network, str(model.dtype), tuned), params)

    def loaded(self, feature: str) -> Model:
        """The model in use. GlipError `unsupported` before the first `model.load`."""
        if self.model is None:
            reason = "no model has been loaded: launch({ model }) names one, or call model.load"
            raise GlipError("unsupported", f"{feature}: {reason}", {"feature": feature, "reason": reason})
        return self.model
