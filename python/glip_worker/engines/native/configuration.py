"""Which configuration a model is built by."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from glip_worker.errors import GlipError
from glipv2.config import CONFIGS, GlipConfig

#: Stands for what the weights say, or what fits them.
AUTO = "auto"


def named(config: str) -> GlipConfig | None:
    """A name of CONFIGS, or a JSON file of `GlipConfig.to_json`; None for AUTO. GlipError `config_invalid`."""
    if config == AUTO:
        return None
    if config in CONFIGS:
        return CONFIGS[config]
    path = Path(config)
    if not path.is_file():
        raise invalid(config, [], f"it is no file, and none of {', '.join(CONFIGS)}, {AUTO}")
    try:
        return GlipConfig.from_json(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:  # JSON's and UTF-8's too
        raise invalid(config, [], str(error)) from error


def changed(config: GlipConfig, settings: Mapping[str, Any], name: str) -> GlipConfig:
    """With other values, as `{"postprocess.threshold": 0.1}` or nested. GlipError `config_invalid` names the keys."""
    problems: dict[str, str] = {}
    for key, value in _leaves(settings):
        content = config.to_json()
        place: Any = content
        *above, last = key.split(".")
        for part in above:
            place = place.get(part) if isinstance(place, dict) else None
        if not isinstance(place, dict) or last not in place:
            problems[key] = "there is no such key"
            continue
        place[last] = value
        try:
            config = GlipConfig.from_json(content)
        except ValueError as error:
            problems[key] = str(error)
    if problems:
        raise invalid(name, list(problems), "; ".join(f"{key}: {problem}" for key, problem in problems.items()))
    return config


def _leaves(settings: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def invalid(path: str, keys: list[str], reason: str) -> GlipError:
    message = f"the configuration {path} cannot be used: {reason}"
    return GlipError("config_invalid", message, {"path": path, "keys": keys, "reason": reason})
