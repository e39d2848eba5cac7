"""A native model in use: built, filled with weights, and on the device."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import torch

from glip_worker.device import Device
from glip_worker.engines.common.failures import as_glip_errors
from glip_worker.engines.native.configuration import AUTO, changed, named
from glip_worker.engines.native.texts import Texts
from glip_worker.engines.native.views import Views
from glip_worker.errors import invalid_argument
from glip_worker.protocol.messages import ModelLoadParams, ModelLoadResult
from glipv2.checkpoints.load import Weights, build, read, read_converted
from glipv2.checkpoints.official import check
from glipv2.config import GlipConfig
from glipv2.detection import nms
from glipv2.model import GLIP
from glipv2.text.tuned import TunedPrompt
from glipv2.text.wordpiece import WordPiece
from glipv2.understanding.candidates import CandidateVectors

#: Random weights are those of this seed, the same each time.
SEED = 0


@dataclass(frozen=True)
class Model:
    network: GLIP
    """In evaluation mode, on the device."""

    device: torch.device

    dtype: torch.dtype
    """What it computes in; weights stay in float32."""

    tokenizer: WordPiece

    texts: Texts

    candidates: CandidateVectors
    """Of answers, kept from call to call."""

    prompts: dict[str, TunedPrompt] = field(default_factory=dict)
    """By the names that requests choose them by; on the device."""

    views: Views = field(default_factory=Views)
    """Pictures that it looked at, by the names that clients gave them."""

    @property
    def config(self) -> GlipConfig:
        return self.network.config

    def computing(self) -> AbstractContextManager[object]:
        """Around whatever the network computes."""
        return torch.autocast(self.device.type, dtype=self.dtype, enabled=self.dtype != torch.float32)


def load_model(
    device: Device, dtype: torch.dtype, cache: Path | None, params: ModelLoadParams, check_call: Callable[[], None]
) -> tuple[Model, ModelLoadResult]:
    """What `model.load` describes. `cache`: weights that lie in this folder are converted once.

    The caller fills in the result's seconds. GlipError: `config_invalid`, `weights_missing`, `weights_mismatch`,
    `invalid_argument`, `file_error`.
    """
    for name, value in (("text_encoder", params.text_encoder), ("accelerate", params.accelerate)):
        if value:
            raise invalid_argument(name, "nothing: it is for the engine official", repr(value))
    base = named(params.config)
    if params.weights is None:
        network, tensors, left = _random(params, base), 0, []
    else:
        with as_glip_errors():
            weights = _weights(Path(params.weights), base, cache, params)
        check_call()
        network, tensors, left = build(weights), len(weights.tensors), weights.left
    nms.operator()
    place = torch.device(str(device))
    network.to(place).eval().requires_grad_(False)
    check_call()
    model = Model(network, place, dtype, WordPiece.default(), Texts(network, place), CandidateVectors(network))
    parameters = sum(one.numel() for one in network.parameters())
    return model, ModelLoadResult(parameters=parameters, tensors=tensors, ignored=left, seconds=0.0)


def _random(params: ModelLoadParams, base: GlipConfig | None) -> GLIP:
    if base is None:
        raise invalid_argument("config", "a configuration by name or file, for random weights", repr(params.config))
    config = changed(base, params.settings, params.config)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(SEED)
        return GLIP(config)


def _weights(path: Path, base: GlipConfig | None, cache: Path | None, params: ModelLoadParams) -> Weights:
    if cache is not None and path.parent == cache and path.suffix != ".safetensors":
        weights = read_converted(path, path.with_suffix(".safetensors"), base)
    else:
        weights = read(path, base)
    config = changed(weights.config, params.settings, path.name if params.config == AUTO else params.config)
    if config != weights.config:
        check(path, config, weights.tensors)
    return weights._replace(config=config)
