"""Kills a training run with SIGKILL at random moments, again and again, and looks at what is left:

    python scripts/kill-runs.py [--kills 50] [--seed 0] [--json FILE]

After each kill every checkpoint must be readable and none be lost. When the run has been completed in spite of it, each
of its tensors must be equal to those of a run that was never killed. The run writes a checkpoint after every step, so
that a good part of the kills falls into the writing of one. Needs Linux and the development environment.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "python" / "tests" / "glipv2")]

import torch
from test_training_faults import check_every_checkpoint, ended, ranks_of, wait_for
from tiny_runs import assert_equal, configure, events, start

from glipv2.training.folder import RunFolder

#: Steps that a start is given at most, before it is killed at a random moment of the next one.
MOST_STEPS = 4


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="glip-kills-") as folder:
        record = killed(Path(folder), options.kills, options.seed)
    text = json.dumps(record, indent=2)
    print(text)
    if options.json is not None:
        options.json.write_text(text + "\n", "utf-8")
    return 0


def killed(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """AssertionError: something was lost, damaged or other than it should be."""
    rng = random.Random(seed)
    while_writing = lost = 0
    run = configure(folder, steps=1_000_000, schedule="constant", checkpoint_steps=1, keep_checkpoints=2)
    began = time.monotonic()
    for kill in range(1, kills + 1):
        before, process = len(events(run, "step")), start(run)
        wait_for(run, process, "start", kill)
        given = rng.randint(0, MOST_STEPS)
        times = [one["time"] for one in wait_for(run, process, "step", before + given)[-2:]] if given else []
        time.sleep(rng.uniform(0, times[-1] - times[0] if len(times) == 2 else 0.5))
        told = events(run, "checkpoint")
        for pid in [process.pid, *ranks_of(process)]:
            os.kill(pid, signal.SIGKILL)
        ended(process)
        steps = check_every_checkpoint(run)
        assert steps or not told, "a checkpoint that was told of is gone"
        assert not told or steps[-1] >= told[-1]["step"], f"{told[-1]['step']} was told of, {steps} are there"
        while_writing += any(one.name.startswith(".step") for one in run.checkpoints.glob(".*"))
        done = events(run, "step")
        lost += max(0, done[-1]["step"] - steps[-1]) if done and steps else 0
        print(f"kill {kill}: checkpoints of steps {steps}", file=sys.stderr)
    total = completed(run)
    return {
        "kills": kills,
        "seed": seed,
        "steps": total,
        "kills_while_writing": while_writing,
        "steps_computed_again": lost,
        "corrupt_checkpoints": 0,
        "equal_to_an_uninterrupted_run": equal(folder, run, total),
        "seconds": round(time.monotonic() - began),
        "machine": {"cores": os.cpu_count(), "platform": platform.platform(), "torch": torch.__version__},
    }


def completed(run: RunFolder) -> int:
    """Lets it end a few steps later; how many it has then."""
    total = check_every_checkpoint(run)[-1] + 3
    config = json.loads(run.config.read_text())
    run.config.write_text(json.dumps({**config, "steps": total}))
    process = start(run)
    said = ended(process)
    assert process.returncode == 0, said
    return total


def equal(folder: Path, run: RunFolder, total: int) -> bool:
    whole = configure(folder, "whole", steps=total, schedule="constant", checkpoint_steps=total)
    process = start(whole)
    said = ended(process)
    assert process.returncode == 0, said
    assert_equal(whole, run, total)
    return True


if __name__ == "__main__":
    sys.exit(main())
