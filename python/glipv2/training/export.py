"""python -m glipv2.training.export RUN FILE: what a training run keeps in the end, as safetensors.

RUN: the run's folder. The averaged weights are written, in float16, with the configuration beside them: the file is all
that `glipv2.checkpoints.load` needs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from glipv2.checkpoints.load import save
from glipv2.training.state import CHECKPOINT, averaged


def export(run: Path, file: Path) -> None:
    """OSError: there is no checkpoint, or the file cannot be written."""
    save(averaged(run / CHECKPOINT), file, torch.float16)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m glipv2.training.export", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    export(options.run, options.file)


if __name__ == "__main__":
    main()
