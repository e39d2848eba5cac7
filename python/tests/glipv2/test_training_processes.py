"""Several processes: the gradients are those of one that has the whole batch, and what one does concerns all."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from test_training_faults import PATIENCE, check_every_checkpoint, ended, failed, ranks_of, wait_for
from tiny_runs import MASKED, PACKAGES, assert_equal, configure, end_started, events, start

from glipv2.training.supervise import STOPPED

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

#: Computes the gradients of one step as one of WORLD_SIZE processes.
GRADIENTS = """
import json, sys
from pathlib import Path
import torch
from glipv2.data.batches import training_batch
from glipv2.text.wordpiece import WordPiece
from glipv2.training.data import asking, read_data, viewing
from glipv2.training.options import TrainOptions
from glipv2.training.state import new_state
from glipv2.training.step import Stepper
from glipv2.training.world import world

config, output = sys.argv[1:]
options = TrainOptions.from_json(json.loads(Path(config).read_text()))
with world("cpu") as everyone:
    data = read_data(options, None)
    state = new_state(options, data.names, everyone.device, data.answers)
    model = state.trained.model.config
    batch = training_batch(
        data.mixture, 0, options.batch_size, 0, asking(options, model), WordPiece.default(), viewing(options, model),
        everyone.part(options.batch_size), options.losses.masks > 0,
    )
    done = Stepper(state, options, everyone).step([batch], 1.0, lambda: (everyone.rank == 1, False))
    named = {name: one.grad for name, one in state.trained.named_parameters() if one.grad is not None}
    torch.save({"gradients": named, "losses": done.losses, "stop": done.stop}, f"{output}-{everyone.rank}.pt")
"""


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    end_started()


def without_chance(config: dict[str, Any]) -> dict[str, Any]:
    """Nothing is dropped: each process would drop something else."""
    for part, name in (("swin", "drop_path"), ("fpn", "drop_block"), ("text", "dropout"), ("fusion", "dropout")):
        config[part][name] = 0.0
    return config


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def gradients(config: Path, output: Path, size: int) -> list[dict[str, Any]]:
    """What each process has in the end."""
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(size)} if size > 1 else {}
    environment = {**os.environ, "PYTHONPATH": str(PACKAGES), "OMP_NUM_THREADS": "1", **place}
    command = [sys.executable, "-c", GRADIENTS, str(config), str(output)]
    processes = [subprocess.Popen(command, env={**environment, "RANK": str(rank)}) for rank in range(size)]
    assert [one.wait(PATIENCE) for one in processes] == [0] * size
    return [torch.load(f"{output}-{rank}.pt", weights_only=True) for rank in range(size)]


@pytest.mark.parametrize(
    ("losses", "asking"),
    [
        ({"inter": 1.0, "mlm": 1.0, "masks": 1.0}, {}),
        ({"answers": 1.0}, {"questions": 1.0}),
        ({"captions": 1.0}, {"captions": 1.0}),
    ],
)
def test_gradients_are_those_of_the_whole_batch(
    tmp_path: Path, losses: dict[str, float], asking: dict[str, float]
) -> None:
    run = configure(
        tmp_path,
        batch_size=4,
        config=without_chance(MASKED.to_json()),
        settings={"understanding": {"layers": 1, "heads": 2}} if asking else {},
        losses={"grounding": 1.0, **losses},
        clip_gradients=0,
        # Padding that is not the same in all parts, and pictures without a box among them.
        asking={"full": 0.0, "names": 3, "sentences_every": 0, **asking},
    )
    [alone] = gradients(run.config, tmp_path / "alone", 1)
    first, second = gradients(run.config, tmp_path / "together", 2)
    assert not alone["stop"]
    assert first["stop"], "the other one's wish"
    assert second["stop"]
    for name, loss in alone["losses"].items():
        assert first["losses"][name] == pytest.approx(loss, rel=1e-4), name
    assert first["gradients"].keys() == second["gradients"].keys() >= alone["gradients"].keys()
    largest = max(float(one.abs().max()) for one in alone["gradients"].values())
    for name, gradient in first["gradients"].items():
        assert torch.equal(gradient, second["gradients"][name]), name
        expected = alone["gradients"].get(name, torch.zeros_like(gradient))
        torch.testing.assert_close(gradient, expected, rtol=1e-3, atol=1e-6 * largest, msg=name)


def test_a_run_of_two_is_gone_on_with_to_the_bit(tmp_path: Path) -> None:
    source = {"format": "scenes", "folder": str(tmp_path / "train")}
    options: dict[str, Any] = {"steps": 6, "batch_size": 4, "validation": source, "evaluate_steps": 3, "processes": 2}
    whole, run = configure(tmp_path, "whole", **options), configure(tmp_path, **options)
    ended(start(whole))
    process = start(run)
    wait_for(run, process, "step")
    process.send_signal(signal.SIGTERM)
    ended(process)
    assert process.returncode == STOPPED
    ended(start(run))
    assert events(run)[-1]["type"] == "done"
    assert 0 < events(run, "start")[-1]["step"] < 6
    assert_equal(whole, run, 6)
    evaluations = events(whole, "evaluation")
    assert [one["step"] for one in evaluations] == [3, 6]
    assert evaluations[-1]["metrics"] == events(run, "evaluation")[-1]["metrics"]


def test_one_dies_and_the_others_do_not_wait_for_it(tmp_path: Path) -> None:
    run = configure(tmp_path, steps=10_000, batch_size=4, checkpoint_steps=2, processes=2)
    process = start(run)
    wait_for(run, process, "checkpoint")
    ranks = sorted(ranks_of(process))
    assert len(ranks) == 2
    os.kill(ranks[1], signal.SIGKILL)
    killed = time.monotonic()
    ended(process)
    assert process.returncode == 1
    assert time.monotonic() - killed < 30
    event = failed(run)
    assert event["code"] == "rank_died"
    assert event["details"]["signal"] == "SIGKILL"
    assert event["details"]["rank"] in (0, 1)
    last = check_every_checkpoint(run)[-1]
    assert f"step-{last:08}" in event["checkpoint"]
    assert not any(Path("/proc", str(rank)).exists() for rank in ranks)


@pytest.mark.parametrize("rendezvous", ["static", "c10d"])
def test_two_hosts(tmp_path: Path, rendezvous: str) -> None:
    """Both of them this one, in one folder."""
    run = configure(tmp_path, steps=2, batch_size=4)
    shared = ["--nodes=2", f"--rendezvous={rendezvous}", f"--endpoint=127.0.0.1:{free_port()}"]
    hosts = [start(run, *shared, f"--node-rank={rank}") for rank in range(2)]
    for one in hosts:
        said = ended(one)
        assert one.returncode == 0, said
    assert [one["type"] for one in events(run)][-1] == "done"
    assert len(events(run, "done")) == 1
    assert check_every_checkpoint(run) == [1, 2]
