"""The official model plain and accelerated in turns, in one process: prints one JSON object.

`seconds[name]` has one number per round; `difference[name]` the largest one of the scores, best first.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from typing import Any

import numpy as np
import torch
from glip_worker.engines.official.compat.accelerate import ACCELERATIONS
from glip_worker.engines.official.compat.installation import install, uninstall
from model import Detector, load, save
from PIL import Image

SIDE = 800


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument(
        "--picture", required=True, help="is written: what is looked at"
    )
    parser.add_argument(
        "--weights", required=True, help="is written: the model that looks"
    )
    options = parser.parse_args()
    noise = np.random.default_rng(0).integers(
        0, 255, (SIDE // 16, SIDE // 16, 3), dtype=np.uint8
    )
    Image.fromarray(noise).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(
        options.picture
    )
    with contextlib.redirect_stdout(sys.stderr):
        cfg, model = load([])
        save(model, options.weights)
        result = measure(Detector(cfg, model), options)
    print(json.dumps(result))  # noqa: T201


def measure(detector: Detector, options: argparse.Namespace) -> dict[str, Any]:
    names = [one.name for one in ACCELERATIONS]
    subjects = {"plain": [], **{name: [name] for name in names}, "all": names}
    seconds: dict[str, list[float]] = {name: [] for name in subjects}
    found = {}
    # The first round pays for what is built on first use, and does not count.
    for number in range(-1, options.rounds):
        for name, accelerate in subjects.items():
            uninstall()
            install(device="cpu", accelerate=accelerate)
            start = time.perf_counter()
            found[name] = detector(options.picture)
            if number >= 0:
                seconds[name].append(time.perf_counter() - start)
    plain = found["plain"]
    return {
        "seconds": seconds,
        "difference": {name: difference(plain, one) for name, one in found.items()},
        "scores": [
            float(plain.get_field("scores").min()),
            float(plain.get_field("scores").max()),
        ],
        "objects": len(plain),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def difference(one: Any, other: Any) -> float | None:
    """None when they found different numbers of objects."""
    if len(one) != len(other):
        return None
    scores = (
        found.get_field("scores").sort(descending=True).values for found in (one, other)
    )
    first, second = scores
    return float((first - second).abs().max())


if __name__ == "__main__":
    main()
