"""The official configuration: a yaml and single keys, merged with every wrong key named."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from yacs.config import CfgNode

from glip_worker.errors import GlipError

#: What errors call the keys that are given one by one.
SETTINGS = "settings"

#: What `settings` may not set, and what decides it instead.
DECIDED = {"MODEL.DEVICE": "the worker's device, launch({ device })", "MODEL.WEIGHT": "the model's weights"}


def read_configuration(checkout: Path, config: str, settings: dict[str, Any], device: str) -> CfgNode:
    """The official defaults, then the yaml `config` (absolute, or relative to the checkout), then `settings`.

    The yaml is read as plain data: its tags run nothing. GlipError: `file_error` (it cannot be read),
    `config_invalid` (no yaml, unknown keys, values of another type; all of them are named).
    """
    path = Path(config) if Path(config).is_absolute() else checkout / config
    result: CfgNode = importlib.import_module("maskrcnn_benchmark.config").cfg.clone()
    _merge(result, _leaves(read_yaml(path), result), str(path))
    _merge(result, _settings(settings, result), SETTINGS)
    result.MODEL.DEVICE = device
    # The weights are loaded by us, and a backbone's ImageNet weights are never fetched.
    result.MODEL.WEIGHT = ""
    return result


def read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        details = {"path": str(path), "reason": reason}
        raise GlipError("file_error", f"{path}: the configuration cannot be read: {reason}", details) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise config_invalid(str(path), {}, f"it is no plain yaml: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise config_invalid(str(path), {}, f"a map of keys was expected, got {type(content).__name__}")
    return content


def config_invalid(path: str, problems: dict[str, str], reason: str = "") -> GlipError:
    """`problems`: what is wrong with each key."""
    listed = "; ".join(f"{key}: {problem}" for key, problem in problems.items())
    text = "; ".join(part for part in (reason, listed) if part)
    details = {"path": path, "keys": list(problems), "reason": text}
    return GlipError("config_invalid", f"the configuration cannot be used ({path}): {text}", details)


@contextmanager
def as_global(config: CfgNode) -> Iterator[None]:
    """The official global configuration equals `config` for a while: make_layers.py builds group norms by it."""
    shared = importlib.import_module("maskrcnn_benchmark.config").cfg
    before = dict(shared)
    dict.update(shared, config.clone())
    try:
        yield
    finally:
        dict.clear(shared)
        dict.update(shared, before)


Leaf = tuple[tuple[str, ...], Any]


def _merge(config: CfgNode, leaves: Iterable[Leaf], path: str) -> None:
    problems: dict[str, str] = {}
    for keys, value in leaves:
        name = ".".join(keys)
        if not _known(config, keys):
            problems[name] = "there is no such key"
        elif path == SETTINGS and name in DECIDED:
            problems[name] = f"it follows from {DECIDED[name]}"
        else:
            try:
                config.merge_from_other_cfg(CfgNode(_at(keys, value)))
            except (AssertionError, KeyError, ValueError, TypeError) as error:
                problems[name] = str(error) or type(error).__name__
    if problems:
        raise config_invalid(path, problems)


def _leaves(values: dict[Any, Any], node: Any, above: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Each value with its keys. What an open node (DATASETS.REGISTER) takes is a value as a whole."""
    for key, value in values.items():
        keys = (*above, str(key))
        below = node.get(key) if isinstance(node, CfgNode) else None
        if isinstance(value, dict) and isinstance(below, CfgNode) and not below.is_new_allowed():
            yield from _leaves(value, below, keys)
        else:
            yield keys, value


def _settings(settings: dict[str, Any], config: CfgNode) -> Iterator[Leaf]:
    """`{"A.B": 1}` and `{"A": {"B": 1}}` alike. JavaScript's 1 comes as an integer where the key may be a float."""
    for name, given in settings.items():
        keys = tuple(name.split("."))
        node = _value(config, keys)
        whole = not isinstance(given, dict) or not isinstance(node, CfgNode) or node.is_new_allowed()
        for path, value in [(keys, given)] if whole else _leaves(given, node, keys):
            now = _value(config, path)
            yield path, float(value) if isinstance(now, float) and type(value) is int else value


def _value(config: CfgNode, keys: tuple[str, ...]) -> Any:
    node: Any = config
    for key in keys:
        node = node.get(key) if isinstance(node, CfgNode) else None
    return node


def _known(config: CfgNode, keys: tuple[str, ...]) -> bool:
    node: Any = config
    for key in keys:
        if not isinstance(node, CfgNode):
            return False
        if key not in node:
            return bool(node.is_new_allowed())
        node = node[key]
    return True


def _at(keys: tuple[str, ...], value: Any) -> dict[str, Any]:
    result = {keys[-1]: value}
    for key in reversed(keys[:-1]):
        result = {key: result}
    return result
