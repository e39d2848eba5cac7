"""From a file of weights to a model, and back."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from glipv2.checkpoints.empty import empty
from glipv2.checkpoints.files import content_error, read_state, write_safetensors
from glipv2.checkpoints.official import check, is_official, recognised, renamed
from glipv2.config import CONFIGS, GlipConfig
from glipv2.errors import WeightsError
from glipv2.model import GLIP

#: What the metadata of our files says: the configuration as JSON, and of a converted file, what it was made from.
CONFIG, SOURCE = "glipv2.config", "glipv2.source"


class Weights(NamedTuple):
    config: GlipConfig

    tensors: dict[str, Tensor]
    """Each tensor of the configuration's model, by name, floating point ones in float32. They may be mapped files."""

    left: list[str]
    """Names in the file of what the model computes by itself."""


def load(path: str | Path, config: GlipConfig | None = None) -> GLIP:
    """The model with the weights of a file, on the CPU, in evaluation. Arguments and errors as `read`."""
    return build(read(path, config))


def build(weights: Weights) -> GLIP:
    """A model with these very tensors, not copies of them."""
    model = empty(weights.config)
    model.load_state_dict(weights.tensors, assign=True)
    return model


def read(path: str | Path, config: GlipConfig | None = None) -> Weights:
    """An official `.pth`, or safetensors with our names or the official ones.

    `config`: None for what the file says, or what fits its tensors. Every name of the file is the model's or known to
    be computed, and every one of the model is in the file. WeightsError: anything else, and what cannot be read.
    """
    path = Path(path)
    state, metadata = read_state(path)
    values = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    tensors, left = renamed(values) if is_official(values) else (values, [])
    if config is None:
        config = _config_of(path, metadata, tensors)
    check(path, config, tensors)
    others = sorted(set(state) - set(values))
    return Weights(config, {name: _full(tensor) for name, tensor in tensors.items()}, sorted([*left, *others]))


def save(
    model: GLIP, path: str | Path, dtype: torch.dtype | None = None, metadata: dict[str, str] | None = None
) -> None:
    """As safetensors with the configuration; `dtype`: of the floating point tensors (float16 halves the file)."""
    tensors = {name: tensor.detach().cpu() for name, tensor in model.state_dict().items()}
    if dtype is not None:
        tensors = {name: one.to(dtype) if one.is_floating_point() else one for name, one in tensors.items()}
    write_safetensors(Path(path), tensors, {**(metadata or {}), CONFIG: json.dumps(model.config.to_json())})


def convert(source: str | Path, target: str | Path, config: GlipConfig | None = None) -> Weights:
    """Writes `source`, of which `read` says what it may be, as safetensors; returns what was read.

    OSError: it cannot be written; WeightsError as `read`.
    """
    weights = read(source, config)
    _write(Path(source), Path(target), weights)
    return weights


def read_converted(source: str | Path, target: str | Path, config: GlipConfig | None = None) -> Weights:
    """As `read(source, config)`, by way of `target`: made when it is missing or of another state of the source.

    A target that cannot be written or read (a full disk, a folder of somebody else's) costs time alone.
    """
    source, target = Path(source), Path(target)
    converted = _converted(source, target, config) if source.is_file() else None
    if converted is not None:
        return converted
    weights = read(source, config)
    with contextlib.suppress(OSError):
        _write(source, target, weights)
    return weights


def _converted(source: Path, target: Path, config: GlipConfig | None) -> Weights | None:
    try:
        state, metadata = read_state(target)
    except WeightsError:
        return None
    made_from = json.loads(metadata.get(SOURCE, "{}"))
    if any(made_from.get(key) != value for key, value in _identity(source).items()):
        return None
    config = config or _config_of(target, metadata, state)
    # The names and shapes are the source's, and so is what is wrong with them.
    check(source, config, state)
    return Weights(config, state, made_from["left"])


def _write(source: Path, target: Path, weights: Weights) -> None:
    made_from = {**_identity(source), "left": weights.left}
    metadata = {CONFIG: json.dumps(weights.config.to_json()), SOURCE: json.dumps(made_from)}
    write_safetensors(target, weights.tensors, metadata)


def _identity(path: Path) -> dict[str, int]:
    """Of a file's content, without reading it."""
    status = path.stat()
    return {"size": status.st_size, "modified": status.st_mtime_ns}


def _config_of(path: Path, metadata: dict[str, str], tensors: dict[str, Tensor]) -> GlipConfig:
    if CONFIG in metadata:
        try:
            return GlipConfig.from_json(json.loads(metadata[CONFIG]))
        except ValueError as error:  # JSON's too
            raise content_error(path, f"a configuration that is none: {error}") from error
    name = recognised(tensors)
    # When nothing fits, the error of the nearest thing says how far off they are.
    return CONFIGS["glip-t" if name is None else name]


def _full(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
