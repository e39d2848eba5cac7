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

import torch
from glip_worker.engines.official.compat.accelerate import ACCELERATIONS
from glip_worker.engines.official.compat.installation import install, uninstall
from model import Detector, load
from serving import Found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("weights")
    parser.add_argument("picture")
    parser.add_argument("--categories", nargs="+", required=True)
    parser.add_argument("--rounds", type=int, required=True)
    options = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):
        detector = Detector(*load([], options.weights), options.categories)
        result = measure(detector, options.picture, options.rounds)
    print(json.dumps(result))  # noqa: T201


def measure(detector: Detector, picture: str, rounds: int) -> dict[str, Any]:
    names = [one.name for one in ACCELERATIONS]
    subjects = {"plain": [], **{name: [name] for name in names}, "all": names}
    seconds: dict[str, list[float]] = {name: [] for name in subjects}
    found = {}
    # The first round pays for what is built on first use, and does not count.
    for number in range(-1, rounds):
        for name, accelerate in subjects.items():
            uninstall()
            install(device="cpu", accelerate=accelerate)
            start = time.perf_counter()
            [found[name]] = detector.look(detector.prepare([picture]))
            if number >= 0:
                seconds[name].append(time.perf_counter() - start)
    plain = found["plain"]
    return {
        "seconds": seconds,
        "difference": {name: difference(plain, one) for name, one in found.items()},
        "scores": [float(plain.scores_N.min()), float(plain.scores_N.max())],
        "objects": len(plain.scores_N),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def difference(one: Found, other: Found) -> float | None:
    """None when they found different numbers of objects."""
    if len(one.scores_N) != len(other.scores_N):
        return None
    return float((one.scores_N - other.scores_N).abs().max())


if __name__ == "__main__":
    main()
