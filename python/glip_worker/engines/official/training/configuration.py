"""The official configuration: what keys it has, and how a file or an option is checked against them.

A configuration is handled flat, {"SOLVER.BASE_LR": 0.0001}; nested only on disk. Sections that take any key
(DATASETS.REGISTER) stay one value, a mapping.
"""

from __future__ import annotations

import ast
import contextlib
import difflib
import os
import runpy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from glip_worker.engines.official.training.refusals import config_invalid, not_read, not_written

Flat = dict[str, Any]


@dataclass(frozen=True)
class KnownKeys:
    """The keys that there are."""

    defaults: Mapping[str, Any]
    """"SOLVER.BASE_LR" to its default, whose type the value must have; None takes any."""
    open: frozenset[str] = frozenset()
    """Sections that take any key."""
    sections: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        names = [*self.defaults, *self.open]
        parts = {name.rsplit(".", depth)[0] for name in names for depth in range(1, name.count(".") + 1)}
        object.__setattr__(self, "sections", frozenset(parts))


def official_keys(checkout: Path) -> KnownKeys:
    """The keys of the checkout's defaults. Its file is run on its own: the package's object may have been changed."""
    file = checkout / "maskrcnn_benchmark" / "config" / "defaults.py"
    root = runpy.run_path(str(file))["_C"]
    defaults: Flat = {}
    open_sections: set[str] = set()
    _collect(root, "", defaults, open_sections)
    return KnownKeys(defaults, frozenset(open_sections))


def read_configuration(config: str, checkout: Path, known: KnownKeys) -> Flat:
    """The yaml `config`, absolute or relative to the checkout, checked. GlipError `config_invalid`, `file_error`."""
    path = Path(config).expanduser()
    if not path.is_absolute():
        path = checkout / path
    try:
        # Safe: no tag of a yaml makes a Python object.
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise not_read(path, error) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise config_invalid(str(path), [], f"it is no plain yaml: {reason}") from error
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        reason = f"expected sections with keys, got {type(tree).__name__}"
        raise config_invalid(str(path), [], reason)
    return checked(tree, known, str(path))


def checked(tree: Mapping[Any, Any], known: KnownKeys, path: str) -> Flat:
    """`tree`, nested or with dotted names, flat and with the types of the defaults.

    GlipError `config_invalid` names every key that there is not, and every value of another type.
    """
    found: Flat = {}
    unknown: list[str] = []
    wrong: dict[str, str] = {}
    for name, value in _leaves(tree, "", known):
        if name in known.open or name in known.defaults:
            try:
                found[name] = _fitted(value, known.defaults.get(name, {}))
            except TypeError as error:
                wrong[name] = str(error)
        elif name in known.sections:
            wrong[name] = f"expected a section, got {type(value).__name__}"
        else:
            unknown.append(name)
    if unknown or wrong:
        raise config_invalid(path, [*unknown, *wrong], _reason(unknown, wrong, known))
    return found


def write_configuration(path: Path, flat: Mapping[str, Any]) -> None:
    """Writes `flat` as yaml, whole or not at all. GlipError `file_error`, `disk_full`."""
    text = yaml.safe_dump(nested(flat), sort_keys=True, allow_unicode=True, width=120)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise not_written(path, error) from error


def nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Sections in sections, as a yaml has them; tuples as lists, which the official code turns back."""
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        *sections, last = name.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = list(value) if isinstance(value, tuple) else value
    return tree


def _collect(node: Any, prefix: str, defaults: Flat, open_sections: set[str]) -> None:
    for key, value in node.items():
        name = f"{prefix}{key}"
        if not isinstance(value, dict):
            defaults[name] = value
        elif value.is_new_allowed():  # type: ignore[attr-defined]  # yacs' CfgNode, a dict
            open_sections.add(name)
        else:
            _collect(value, f"{name}.", defaults, open_sections)


def _leaves(tree: Mapping[Any, Any], prefix: str, known: KnownKeys) -> list[tuple[str, Any]]:
    leaves: list[tuple[str, Any]] = []
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and name not in known.open and name not in known.defaults:
            leaves += _leaves(value, f"{name}.", known)
        else:
            leaves.append((name, value))
    return leaves


def _fitted(value: Any, default: Any) -> Any:
    """`value` with the type of `default`, by the rules of yacs, and an integer where a float belongs.

    TypeError says what was expected. The wire and yaml have no tuples, and JavaScript no floats without a fraction.
    """
    if isinstance(value, str):
        # As yacs: "(480, 800)" is a tuple.
        with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            value = ast.literal_eval(value)
    if value is None or default is None or type(value) is type(default):
        return value
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if isinstance(default, list | tuple) and isinstance(value, list | tuple):
        return type(default)(value)
    raise TypeError(f"expected {_kind(default)}, got {_kind(value)}")


def _kind(value: Any) -> str:
    names = {bool: "a boolean", int: "an integer", float: "a number", str: "a text", dict: "a section"}
    return names.get(type(value), "a list")


def _reason(unknown: list[str], wrong: Mapping[str, str], known: KnownKeys) -> str:
    parts = []
    if unknown:
        parts.append(f"the official configuration has no {', '.join(_with_guess(name, known) for name in unknown)}")
    parts += [f"{name}: {reason}" for name, reason in wrong.items()]
    return "; ".join(parts)


def _with_guess(name: str, known: KnownKeys) -> str:
    close = difflib.get_close_matches(name, known.defaults, n=1, cutoff=0.8)
    return f"{name} (is {close[0]} meant?)" if close else name
