"""Names that left numpy."""

from __future__ import annotations

import warnings

import numpy as np

from glip_worker.engines.official.compat.patching import Changes, Settings

ALIASES: dict[str, type] = {"float": float, "int": int, "object": object, "str": str, "complex": complex}


def numpy_aliases(changes: Changes, settings: Settings) -> None:
    with warnings.catch_warnings():
        # To ask for a removed name warns about it.
        warnings.simplefilter("ignore")
        for name, kind in ALIASES.items():
            changes.add(np, name, kind)
        # box_aug.py calls it inside `try` with a bare `except` that drops the boxes gathered so far.
        changes.add(np, "row_stack", np.vstack)
