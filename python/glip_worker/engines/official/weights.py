"""Checkpoints: read as data, matched as the official loader matches, and verified before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from glip_worker.engines.common.failures import as_glip_errors, of_weights
from glip_worker.errors import GlipError
from glipv2.checkpoints.files import read_pth
from glipv2.checkpoints.official import listed
from glipv2.errors import WeightsError


@dataclass(frozen=True)
class Match:
    """Which tensor of a checkpoint fills which of the model."""

    state: dict[str, Tensor]
    """The checkpoint's tensors that are used, by the model's names."""

    ignored: list[str]
    """The checkpoint's names that the model has not."""


def read_checkpoint(path: Path) -> dict[str, Any]:
    """The state dict in `path`, read as data: see `read_pth`. GlipError: `weights_missing`, `weights_mismatch` with the
    field `content`, `file_error`."""
    with as_glip_errors():
        return read_pth(path)


def match(path: Path, model: Mapping[str, Tensor], state: dict[str, Any]) -> Match:
    """Fills each of the model's tensors by the longest name of the checkpoint that its own name ends with.

    That is the official rule; where the official loader goes on with what it has (a tensor missing, a shape that
    differs), this raises GlipError `weights_mismatch` with the field `keys`.
    """
    tensors = {key: value for key, value in state.items() if isinstance(value, Tensor)}
    sources = {name: _source(name, tensors) for name in model}
    missing = [name for name, source in sources.items() if source is None]
    found = {name: tensors[source] for name, source in sources.items() if source is not None}
    other = [
        f"{name} {list(tensor.shape)} instead of {list(model[name].shape)}"
        for name, tensor in found.items()
        if tensor.shape != model[name].shape
    ]
    if missing or other:
        raise _keys(path, model, tensors, missing, other)
    return Match(found, sorted(set(state) - set(sources.values())))


def _source(name: str, tensors: dict[str, Tensor]) -> str | None:
    return next((name[start:] for start in range(len(name)) if name[start:] in tensors), None)


def _keys(
    path: Path, model: Mapping[str, Tensor], tensors: dict[str, Tensor], missing: list[str], other: list[str]
) -> GlipError:
    parts = []
    if missing:
        parts.append(f"{len(missing)} are missing ({listed(missing)})")
    if other:
        parts.append(f"{len(other)} have another shape ({listed(other)})")
    expected = f"the {len(model)} tensors of the configured model"
    received = f"{len(tensors)} tensors; {' and '.join(parts)}"
    classes = next((tensors[key].shape[0] for key in tensors if key.endswith("head.cls_logits.bias")), None)
    if classes is not None and not missing and all(".cls_logits." in name for name in other):
        return _error(path, expected, received, f"set MODEL.DYHEAD.NUM_CLASSES to {classes + 1}")
    return _error(path, expected, received, _advice(tensors))


def _advice(tensors: dict[str, Tensor]) -> str:
    """The shipped configuration whose model has these tensors, where it can be told by Swin's width and the fusion."""
    width = next((t.shape[0] for name, t in tensors.items() if name.endswith("patch_embed.proj.weight")), None)
    towers = {int(name.split("dyhead_tower.")[1].split(".")[0]) for name in tensors if "dyhead_tower." in name}
    fused = any(".b_attn." in name for name in tensors)
    if width is None or not towers:
        return "name the configuration that they were trained with"
    shape = f"a Swin of width {width} and {(max(towers) + 1) // (3 if fused else 1)} head layers"
    fits = {
        (96, 18, True): "configs/pretrain/glip_Swin_T_O365_GoldG.yaml or glip_Swin_T_O365.yaml",
        (96, 6, False): "configs/pretrain/glip_A_Swin_T_O365.yaml",
        (192, 24, True): "configs/pretrain/glip_Swin_L.yaml",
    }.get((width, max(towers) + 1, fused))
    return f"they are those of {shape}{f', as in {fits}' if fits else ''}"


def _error(path: Path, expected: str, received: str, advice: str) -> GlipError:
    return of_weights(WeightsError(path, "keys", expected, received, advice))
