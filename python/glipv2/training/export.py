"""python -m glipv2.training.export RUN FILE: what a training run keeps in the end, as safetensors.

RUN: the run's folder, whose best checkpoint counts, and where nothing was measured the last one; or one checkpoint's
folder. The weights are written in float16, with the configuration beside them: the file is all that
`glipv2.checkpoints.load` needs.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from glipv2.checkpoints.load import load, save
from glipv2.config import GlipConfig
from glipv2.model import GLIP
from glipv2.training.checkpoint import LAST
from glipv2.training.folder import RunFolder

#: The one checkpoint of a run that `python -m glipv2.training --data SPLIT` started.
SINGLE = "last.pt"


def export(run: Path, file: Path) -> None:
    """OSError, WeightsError: there is no checkpoint, or the file cannot be written."""
    save(kept(run), file, torch.float16)


def kept(run: Path) -> GLIP:
    """The model that a run keeps, on the CPU, in evaluation. Errors as `export`."""
    if (run / SINGLE).exists():
        return averaged(run / SINGLE)
    if (run / "model.safetensors").exists():
        return load(run / "model.safetensors")
    told = json.loads((RunFolder(run).checkpoints / LAST).read_text("utf-8"))
    return load((told["best"] or told)["path"])


def averaged(path: Path) -> GLIP:
    """Of a file `last.pt`."""
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    model = GLIP(GlipConfig.from_json(content["config"]))
    model.load_state_dict(content["average"])
    return model.eval()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m glipv2.training.export", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    export(options.run, options.file)


if __name__ == "__main__":
    main()
