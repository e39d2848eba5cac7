"""The official checkpoints: their names in ours, and which configuration they are of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from glipv2.checkpoints import names_fusion, names_head, names_text, names_vision
from glipv2.checkpoints.empty import Shapes, shapes
from glipv2.config import CONFIGS, GlipConfig
from glipv2.errors import WeightsError

#: Names that an error lists at most, of each kind.
LISTED = 4

_ALL = (names_vision, names_text, names_fusion, names_head)
_RULES = [(re.compile(pattern), name) for names in _ALL for pattern, name in names.RULES]
_DERIVED = [re.compile(pattern) for names in _ALL for pattern in names.DERIVED]

#: How an official key begins.
_OFFICIAL = re.compile(r"^(backbone|language_backbone|rpn)\.")


def is_official(names: Iterable[str]) -> bool:
    """Whether these are the official code's names, rather than ours."""
    return any(_OFFICIAL.match(name) for name in names)


def our_name(official: str) -> str | None:
    """None for what the model computes instead of holding it. A name that no rule takes stays as it is."""
    if any(pattern.search(official) for pattern in _DERIVED):
        return None
    name = official
    for pattern, replacement in _RULES:
        name = pattern.sub(replacement, name)
    return name


class Renamed(NamedTuple):
    tensors: dict[str, Tensor]
    """By our names."""

    left: list[str]
    """What the checkpoint has and no model of ours holds, because it is computed."""


def renamed(state: Mapping[str, Tensor]) -> Renamed:
    tensors, left = {}, []
    for official, tensor in state.items():
        name = our_name(official)
        if name is None:
            left.append(official)
        else:
            # Two of one name: the second is left with its own, which no model has.
            tensors[official if name in tensors else name] = tensor
    return Renamed(tensors, sorted(left))


def recognised(tensors: Mapping[str, Tensor]) -> str | None:
    """The first of CONFIGS whose model has exactly these tensors; GLIP-T (B), (C) and GLIP-T are one shape."""
    found = _shapes_of(tensors)
    return next((name for name, config in CONFIGS.items() if shapes(config) == found), None)


def check(path: Path, config: GlipConfig, tensors: Mapping[str, Tensor], without: Sequence[str] = ()) -> None:
    """WeightsError with the field `keys` unless the tensors are the model's, name by name and shape by shape.

    `without`: parts of it that they have nothing of.
    """
    lacking = tuple(f"{part}." for part in without)
    model = {name: shape for name, shape in shapes(config).items() if not name.startswith(lacking)}
    found = _shapes_of(tensors)
    parts = [
        _part(sorted(set(model) - set(found)), "missing"),
        _part(sorted(set(found) - set(model)), "unexpected"),
        _part(
            [_other(name, found, model) for name in model if found.get(name, model[name]) != model[name]],
            "of another shape",
        ),
    ]
    wrong = [part for part in parts if part]
    if not wrong:
        return
    fitting = recognised(tensors)
    remedy = f"they are those of {fitting}" if fitting else _advice(found)
    received = f"{len(found)} tensors, of which {'; '.join(wrong)}"
    raise WeightsError(path, "keys", f"the {len(model)} tensors of the configured model", received, remedy)


def listed(names: list[str]) -> str:
    """The first ones, and how many more there are."""
    more = len(names) - LISTED
    return ", ".join(names[:LISTED]) + (f" and {more} more" if more > 0 else "")


def _shapes_of(tensors: Mapping[str, Tensor]) -> Shapes:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _part(names: list[str], what: str) -> str:
    return f"{len(names)} {what} ({listed(names)})" if names else ""


def _other(name: str, found: Shapes, model: Shapes) -> str:
    return f"{name} {list(found[name])} instead of {list(model[name])}"


def _advice(found: Shapes) -> str:
    if "rpn.tunable_linear.weight" in found:
        return "prompt tuning added to them (tunable_linear), which the official engine alone reads: engine official"
    if not any(name.startswith("swin.") for name in found):
        return "they are no GLIP's, or of another backbone than Swin: the official engine may read them"
    return f"none of {', '.join(CONFIGS)} fits: give the configuration that they were trained with"
