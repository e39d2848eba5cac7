"""python -m glipv2.training.rank RUN_DIR: one process of a run, as `python -m glipv2.training` starts it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import torch

from glipv2.errors import InputError
from glipv2.ops.memory import keep_freed
from glipv2.training.failure import described
from glipv2.training.folder import RunFolder
from glipv2.training.loop import train
from glipv2.training.options import TrainOptions
from glipv2.training.supervise import COMMAND, FAILURES, FIRST
from glipv2.training.tie import LAUNCHER, tie_rank
from glipv2.training.world import world


def main() -> None:
    tie_rank()
    folder = RunFolder(Path(sys.argv[1]))
    rank = int(os.environ.get("RANK", "0"))
    failures = Path(os.environ[FAILURES])
    with described(failures, rank, folder.path):
        options = TrainOptions.from_json(json.loads(folder.config.read_text("utf-8")))
        device = _device(options.device)
        if device == "cpu":
            keep_freed()
        with world(device) as everyone:
            if everyone.first:
                (failures / FIRST).touch()
            train(options, folder, everyone, json.loads(os.environ[COMMAND]), int(os.environ[LAUNCHER]))


def _device(name: str) -> str:
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available.get(name.partition(":")[0], False):
        received = f"{name}, where there are {', '.join(one for one, there in available.items() if there)}"
        raise InputError("device", "a device of this machine", received)
    if name.startswith("cuda"):
        first, count = torch.device(name).index or 0, int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        if first + count > torch.cuda.device_count():
            expected = f"at most {torch.cuda.device_count() - first}, one for each device from {name} on"
            raise InputError("processes", expected, str(count))
    return name


if __name__ == "__main__":
    main()
