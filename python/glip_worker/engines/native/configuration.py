"""Which configuration a model is built by."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glip_worker.errors import GlipError
from glipv2.config import CONFIGS, GlipConfig, SettingsError
from glipv2.config import changed as config_changed

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
    """As `glipv2.config.changed`. GlipError `config_invalid` names the keys."""
    try:
        return config_changed(config, settings)
    except SettingsError as error:
        raise invalid(name, list(error.problems), str(error)) from error


def invalid(path: str, keys: list[str], reason: str) -> GlipError:
    message = f"the configuration {path} cannot be used: {reason}"
    return GlipError("config_invalid", message, {"path": path, "keys": keys, "reason": reason})
