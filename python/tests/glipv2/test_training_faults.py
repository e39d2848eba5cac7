"""What ends a run before its time, and what is left of it then: a good checkpoint, and an event that says why."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from drawn_scenes import write_split
from tiny_runs import assert_equal, configure, end_started, events, result, run_here, start

from glipv2.checkpoints.load import read
from glipv2.ops.failures import is_disk_full, is_out_of_memory
from glipv2.training.checkpoint import Checkpoints
from glipv2.training.failure import Failure, failure
from glipv2.training.folder import RunFolder
from glipv2.training.supervise import STOPPED

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="limits and processes as Linux has them"),
]


#: The start of a process, on a loaded machine.
PATIENCE = 300.0


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    end_started()


def wait_for(run: RunFolder, process: subprocess.Popen[str], kind: str, count: int = 1) -> list[dict[str, Any]]:
    """Until there are so many events of this kind."""
    deadline = time.monotonic() + PATIENCE
    while len(found := events(run, kind)) < count:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def ended(process: subprocess.Popen[str]) -> str:
    """What it said when it ended."""
    said: str = process.communicate(timeout=PATIENCE)[1]
    return said


def ranks_of(process: subprocess.Popen[str]) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        try:
            parent = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()[1] if name.isdigit() else ""
            if parent == str(process.pid):
                found.append(int(name))
        except (OSError, IndexError):
            continue
    return found


def check_every_checkpoint(run: RunFolder) -> list[int]:
    """Their steps; each of them can be read."""
    found = Checkpoints(run.checkpoints, 1).all()
    for one in found:
        read(one.kept)
        assert one.state()["step"] == one.step
    return [one.step for one in found]


def failed(run: RunFolder) -> dict[str, Any]:
    [event] = events(run, "failed")
    assert event is events(run)[-1] or event == events(run)[-1]
    return event


@pytest.mark.slow
def test_killed_at_any_moment_nothing_is_corrupt_and_the_end_is_the_same(tmp_path: Path) -> None:
    options: dict[str, Any] = {"steps": 30, "checkpoint_steps": 1, "keep_checkpoints": 2}
    whole, run = configure(tmp_path, "whole", **options), configure(tmp_path, **options)
    run_here(whole)
    rng = random.Random(0)
    for kill in range(4):
        process = start(run)
        wait_for(run, process, "start", kill + 1)
        time.sleep(rng.uniform(0, 0.5))
        for pid in [process.pid, *ranks_of(process)]:
            os.kill(pid, signal.SIGKILL)
        ended(process)
        check_every_checkpoint(run)
    assert run_here(run) == "completed"
    assert_equal(whole, run, 30)
    # Whatever was written stands in front of where the next one begins.
    for before, after in zip(events(run)[:-1], events(run)[1:], strict=True):
        if after["type"] == "start":
            assert after["step"] >= before.get("step", 0) - 1


def test_sigterm_ends_it_with_a_checkpoint(tmp_path: Path) -> None:
    run = configure(tmp_path, steps=10_000)
    process = start(run)
    wait_for(run, process, "step", 2)
    process.terminate()
    ended(process)
    assert process.returncode == STOPPED
    done = events(run)[-1]
    assert (done["type"], done["ended"]) == ("done", "stopped")
    assert check_every_checkpoint(run) == [done["steps"]]
    assert done == {**result(run), "time": done["time"]}
    assert not run.stop.exists()


def test_it_is_alone_in_its_folder_and_takes_its_ranks_along(tmp_path: Path) -> None:
    run = configure(tmp_path, steps=10_000)
    process = start(run)
    wait_for(run, process, "step")
    second = start(run)
    assert "a folder in which no run is under way" in ended(second)
    assert second.returncode == 2
    [rank] = ranks_of(process)
    os.kill(process.pid, signal.SIGKILL)
    ended(process)
    deadline = time.monotonic() + 5
    while Path("/proc", str(rank)).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_loss_that_is_no_number(tmp_path: Path) -> None:
    run = configure(tmp_path, steps=50, learning_rate=1e25, clip_gradients=0, warmup_steps=0, checkpoint_steps=1)
    process = start(run)
    ended(process)
    assert process.returncode == 1
    event = failed(run)
    assert event["code"] == "loss_not_finite"
    [last] = check_every_checkpoint(run)[-1:]
    assert event["details"]["step"] == last + 1
    assert None in event["details"]["losses"].values()
    assert event["checkpoint"] == event["details"]["checkpoint"] == str(Checkpoints(run.checkpoints, 1).all()[-1].kept)
    assert event["checkpoint"] in event["message"]


@pytest.mark.slow
def test_memory_at_its_end(tmp_path: Path) -> None:
    run = configure(tmp_path, checkpoint_steps=1)
    run.stop.touch()
    run_here(run)
    good = check_every_checkpoint(run)[-1]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (6 * 2**30, 6 * 2**30))

    # What the network makes of such pictures would need more.
    process = start(configure(tmp_path, steps=50, short_sides=[6000], long_side=6000), preexec_fn=limit)
    ended(process)
    event = failed(run)
    assert event["code"] == "out_of_memory", event["message"]
    assert "accumulation" in event["message"]
    assert f"step-{good:08}" in event["checkpoint"]


def test_a_full_disk(tmp_path: Path) -> None:
    run = configure(tmp_path, steps=2, checkpoint_steps=2)
    run_here(run)

    def limit() -> None:
        # A checkpoint has a file of 5 MB.
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**21, 2**21))

    process = start(configure(tmp_path, steps=4, checkpoint_steps=2), preexec_fn=limit)
    ended(process)
    event = failed(run)
    assert event["code"] == "disk_full", event["message"]
    assert "step-00000002" in event["checkpoint"]
    assert check_every_checkpoint(run) == [2]
    assert [one.name for one in run.checkpoints.iterdir() if one.name.startswith(".")] == []
    assert run_here(run) == "completed", "with room again it goes on"
    assert check_every_checkpoint(run) == [2, 4]


def failure_here(run: RunFolder) -> Failure:
    """Of a run in this process."""
    with pytest.raises(Exception) as raised:  # noqa: PT011 - which one it is, is told by the failure
        run_here(run)
    return failure(raised.value, 0, run.path)


def test_data_that_is_wrong(tmp_path: Path) -> None:
    run = configure(tmp_path)
    (tmp_path / "train" / "images" / "000001.png").unlink()
    told = failure_here(run)
    assert (told.code, told.details["count"]) == ("dataset_invalid", 1)
    assert told.details["problems"][0]["kind"] == "missing_picture"
    assert events(run) == [], "nothing has begun"
    assert run_here(configure(tmp_path, steps=1, problems="drop")) == "completed"
    assert "missing_picture" in events(run, "warning")[0]["text"]


def test_a_validation_that_cannot_be_read_loses_no_step(tmp_path: Path) -> None:
    """Found out where both are due: what was learnt is kept first."""
    source = {"format": "scenes", "folder": str(tmp_path / "val")}
    run = configure(tmp_path, steps=2, validation=source, evaluate_steps=2, checkpoint_steps=2)
    write_split(tmp_path / "val", 2)
    for picture in (tmp_path / "val" / "images").iterdir():
        picture.write_bytes(picture.read_bytes()[:1000])
    failure_here(run)
    assert check_every_checkpoint(run) == [2]


def test_a_damaged_checkpoint_is_gone_on_before(tmp_path: Path) -> None:
    run = configure(tmp_path, steps=4, checkpoint_steps=2)
    ended(start(run))
    damaged = run.checkpoints / "step-00000004" / "training.pt"
    damaged.write_bytes(damaged.read_bytes()[:100])
    run.result.unlink()
    process = start(run)
    ended(process)
    assert process.returncode == 0
    assert check_every_checkpoint(run) == [2, 4]
    assert (run.checkpoints / "unusable-step-00000004").is_dir()


def test_a_picture_that_is_damaged(tmp_path: Path) -> None:
    run = configure(tmp_path)
    for picture in (tmp_path / "train" / "images").iterdir():
        picture.write_bytes(picture.read_bytes()[:1000])
    told = failure_here(run)
    assert told.code == "dataset_invalid"
    assert told.details["problems"][0]["kind"] == "unreadable_picture"


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"weights": "/nowhere/model.safetensors"}, "weights_missing", "/nowhere/model.safetensors"),
        ({"batch_size": 3, "accumulation": 2}, "invalid_argument", "batch_size"),
        ({"frozen_stages": 9}, "invalid_argument", "frozen_stages"),
        (
            {"shots": 1, "train": [{"format": "coco", "annotations": "/no.json", "images": "/"}]},
            "dataset_invalid",
            "no",
        ),
    ],
)
def test_options_that_cannot_be(tmp_path: Path, changes: dict[str, Any], code: str, text: str) -> None:
    told = failure_here(configure(tmp_path, **changes))
    assert told.code == code
    assert text in told.message


def test_what_an_exception_says_of_the_machine() -> None:
    with pytest.raises(OSError, match="No space") as full, open("/dev/full", "wb", 0) as file:
        file.write(b"x")
    assert is_disk_full(full.value)
    wrapped = RuntimeError("unexpected pos 64 vs 0")
    wrapped.__cause__ = full.value
    assert is_disk_full(wrapped)
    assert not is_disk_full(OSError("of another kind"))
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"))
    assert not is_out_of_memory(RuntimeError("of another kind"))
