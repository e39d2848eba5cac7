"""Where the official checkout is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from glip_worker.engines.official.compat.errors import checkout_missing

ENVIRONMENT = "GLIP_OFFICIAL_REPO"

#: Present in every version of the official tree.
LANDMARK = Path("maskrcnn_benchmark", "config", "defaults.py")


def find_checkout(directory: str | None = None) -> Path:
    """`directory`, else the folder that GLIP_OFFICIAL_REPO names. GlipError `official_missing`."""
    named = directory or os.environ.get(ENVIRONMENT, "")
    if not named:
        raise checkout_missing("", f"neither --official nor {ENVIRONMENT} says where it is")
    path = Path(named).expanduser().resolve()
    if not path.is_dir():
        raise checkout_missing(str(path), f"there is no folder {path}")
    if not (path / LANDMARK).is_file():
        raise checkout_missing(str(path), f"{path} is no checkout of it: it has no {LANDMARK}")
    return path


def use_checkout(path: Path) -> None:
    """Makes `import maskrcnn_benchmark` find the checkout, and keeps bytecode out of it."""
    # For the whole process, since there is no setting for one tree: what is imported from now on is compiled each time.
    sys.dont_write_bytecode = True
    if str(path) not in sys.path:
        sys.path.insert(0, str(path))
