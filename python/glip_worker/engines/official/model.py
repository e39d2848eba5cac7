"""The official model: configured, built, filled with weights, and moved to the device."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from yacs.config import CfgNode

from glip_worker.device import Device
from glip_worker.engines.official.compat import installation
from glip_worker.engines.official.compat.patches.transformers_bert import PACKAGED
from glip_worker.engines.official.configuration import as_global, config_invalid, read_configuration
from glip_worker.engines.official.weights import match, read_checkpoint
from glip_worker.errors import GlipError, invalid_argument
from glip_worker.protocol.messages import ModelLoadParams, ModelLoadResult

#: Random weights are those of this seed, the same each time.
SEED = 0

#: Keys that single pictures cannot be served with, the values that they can be, and why.
REQUIRED: dict[str, tuple[Any, str]] = {
    "MODEL.META_ARCHITECTURE": ("GeneralizedVLRCNN", "only this one reads text"),
    "MODEL.RPN_ARCHITECTURE": ("VLDYHEAD", "only this head grounds"),
    "MODEL.LANGUAGE_BACKBONE.TOKENIZER_TYPE": ("bert-base-uncased", "the others are fetched over the network"),
    "DATASETS.ONE_HOT": (False, "its labels are columns, not words"),
    "TEST.USE_MULTISCALE": (False, "it is for evaluation: boxes come without suppression of doubles"),
    "GLIPKNOW.PARALLEL_LANGUAGE_INPUT": (False, "it is for evaluation: each category is a text of its own"),
}


@dataclass(frozen=True)
class Model:
    """A model in use."""

    network: Any
    """The official GeneralizedVLRCNN, in evaluation mode, on the device."""

    config: CfgNode

    device: torch.device

    @property
    def tokenizer(self) -> Any:
        return self.network.tokenizer


def load_model(
    checkout: Path, device: Device, params: ModelLoadParams, check: Callable[[], None]
) -> tuple[Model, ModelLoadResult]:
    """Builds what `model.load` describes. Accelerations change last: until then, what serves goes on as it is.

    The caller fills in the result's seconds. `check` is called between the steps and may raise. GlipError:
    `config_invalid`, `weights_missing`, `weights_mismatch`, `invalid_argument`, `file_error`.
    """
    installation.install(device="cuda" if device.type == "cuda" else "cpu")
    installation.check_accelerations(params.accelerate)
    config = read_configuration(checkout, params.config, params.settings, str(device))
    _check_required(config, params.config)
    check()
    weights = None if params.weights is None else Path(params.weights)
    state = None if weights is None else read_checkpoint(weights)
    check()
    with installation.text_encoder(params.text_encoder or PACKAGED):
        network = _build(config, params.config)
    _check_text(network, config, params)
    check()
    own = network.state_dict()
    tensors, ignored = 0, []
    if weights is not None and state is not None:
        found = match(weights, own, state)
        tensors, ignored = len(found.state), found.ignored
        network.load_state_dict(found.state)
    # Trained with MLM_LOSS, it would put masks and random words into captions at inference too.
    network.use_mlm_loss = False
    network.to(torch.device(str(device))).eval()
    check()
    installation.use_accelerations(params.accelerate)
    model = Model(network, config, torch.device(str(device)))
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return model, ModelLoadResult(parameters=parameters, tensors=tensors, ignored=ignored, seconds=0.0)


def free_memory() -> None:
    """Gives back what a model that was let go held."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _build(config: CfgNode, path: str) -> Any:
    """On the CPU, from SEED; the process's own random numbers stay as they were."""
    build = importlib.import_module("maskrcnn_benchmark.modeling.detector").build_detection_model
    with torch.random.fork_rng(devices=[]), as_global(config):
        torch.default_generator.manual_seed(SEED)
        try:
            return build(config)
        except (GlipError, MemoryError):
            raise
        except (Exception, SystemExit) as error:  # the official code exits when a file that it wants is absent
            reason = f"the official code cannot build this model: {type(error).__name__}: {error}"
            raise config_invalid(path, {}, reason) from error


def _check_required(config: CfgNode, path: str) -> None:
    problems = {}
    for key, (wanted, reason) in REQUIRED.items():
        value: Any = config
        for part in key.split("."):
            value = value[part]
        if value != wanted:
            problems[key] = f"expected {wanted!r}, got {value!r} ({reason})"
    if problems:
        raise config_invalid(path, problems)


def _check_text(network: Any, config: CfgNode, params: ModelLoadParams) -> None:
    """What would fail at the first caption otherwise."""
    sizes = network.language_backbone.body.model.config
    width = config.MODEL.LANGUAGE_BACKBONE.LANG_DIM
    if sizes.hidden_size != width:
        problem = f"expected {sizes.hidden_size}, the width of the text encoder, got {width}"
        raise config_invalid(params.config, {"MODEL.LANGUAGE_BACKBONE.LANG_DIM": problem})
    if len(network.tokenizer) > sizes.vocab_size:
        received = f"{len(network.tokenizer):,} tokens"
        raise invalid_argument("text_encoder", f"a vocabulary of at most {sizes.vocab_size:,} tokens", received)
    if not network.tokenizer.is_fast:
        raise invalid_argument("text_encoder", "a vocabulary of BERT", type(network.tokenizer).__name__)
