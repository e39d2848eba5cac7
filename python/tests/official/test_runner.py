"""The child process of a run: how it ends, whatever it does. Scripts of the test's own, without the official code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from runs import BARE, CPU, FakeCall, Recipe, left_of_runs

from glip_worker.engines.common import following
from glip_worker.engines.official.training import runner
from glip_worker.engines.official.training.failure import failure
from glip_worker.engines.official.training.runner import Options, Outcome, run
from glip_worker.errors import CallStopped, GlipError

pytestmark = [
    pytest.mark.timeout(90),
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

#: A record as the reporting writes it, for scripts that play a training.
BEGUN = """
import json, os, time
def tell(kind, **fields):
    with open(os.environ["GLIP_EVENTS"], "a") as file:
        file.write(json.dumps({"time": time.time(), "type": kind, **fields}) + "\\n")
tell("began", step=0, total_steps=9)
"""


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(runner, "PROGRAM", (str(BARE),))
    yield
    assert left_of_runs() == []


def recipe(folder: Path, script: str, processes: int = 1) -> Recipe:
    path = folder / "script.py"
    path.write_text(dedent(script))
    output = folder / "run"
    return Recipe(str(path), [], output, output, output / "config.yaml", processes=processes)


def ran(folder: Path, script: str, call: FakeCall | None = None, processes: int = 1) -> Outcome:
    options = Options(Path("/nowhere"), CPU, None, [], resume=False)
    return run(call or FakeCall(), recipe(folder, script, processes), options)  # type: ignore[arg-type]


def failed(folder: Path, script: str, processes: int = 1) -> GlipError:
    outcome = ran(folder, script, processes=processes)
    assert outcome.exit_code != 0
    return failure(outcome)


def test_what_is_printed_comes_in_order_and_stays_in_the_folder(tmp_path: Path) -> None:
    call = FakeCall()
    script = """
        import os, sys
        print("first", os.getcwd(), os.environ["OMP_NUM_THREADS"], repr(sys.stdin.read()))
        sys.stderr.write("  0%|   | 0/9\\r 50%|#  | 5/9\\r100%|###| 9/9\\n")
        os.write(1, b"bytes \\xff\\n")
        print("last", end="")
    """
    outcome = ran(tmp_path, script, call)
    assert outcome.exit_code == 0
    text = (tmp_path / "run" / "run.log").read_text(errors="replace")
    for place in (call.log, text):
        assert f"first {tmp_path / 'run'} 1 ''" in place
        assert "100%|###| 9/9" in place
        assert "50%" not in place, "redrawn progress is no line"
        assert place.index("first") < place.index("100%") < place.index("bytes \ufffd") < place.index("last")
    assert [type(one).__name__ for one in call.events[:1]] == ["StartEvent"]
    assert call.events[0].command[1:4] == ["-m", "torch.distributed.run", "--standalone"]
    records = [json.loads(line) for line in (tmp_path / "run" / "events.jsonl").read_text().splitlines()]
    assert records[0]["type"] == "start"
    assert records[0]["resumed"] is False
    assert call.longest_silence < 0.5


def test_an_exception_names_itself_its_rank_and_its_place(tmp_path: Path) -> None:
    script = """
        import os, time
        if os.environ["RANK"] == "1":
            raise KeyError("no such label\\nsecond line")
        time.sleep(60)
    """
    error = failed(tmp_path, script, processes=2)
    assert error.code == "training_failed"
    assert "KeyError: 'no such label" in error.message
    assert f"rank 1, {tmp_path}/script.py:4" in error.message
    assert error.details["exitCode"] == 1
    assert error.details["output"] == str(tmp_path / "run")
    assert error.details["logFile"] == str(tmp_path / "run" / "run.log")
    assert "KeyError" in "".join(error.details["lastLogLines"][-2:]), "the rank's last words, not the launcher's"
    assert not any("ChildFailedError" in line for line in error.details["lastLogLines"])


@pytest.mark.parametrize(
    ("script", "code", "texts", "exit_code"),
    [
        (
            "print('Cannot find x.json'); exit(1)",
            "training_failed",
            ["exit(1)", "Cannot find x.json", "script.py:1"],
            1,
        ),
        ("import sys; sys.exit(7)", "training_failed", ["exit(7)"], 7),
        ("import pdb\npdb.set_trace()\nprint(1)", "training_failed", ["debugger", "script.py:"], None),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "training_failed", ["SIGSEGV"], -11),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "training_failed", ["SIGKILL", "memory"], -9),
        ("import os; print('bye'); os._exit(3)", "training_failed", ["did not say why", "bye"], 3),
        (
            "import torch; raise torch.OutOfMemoryError('CUDA out of memory. Tried')",
            "out_of_memory",
            ["CUDA out"],
            None,
        ),
        ("open('/dev/full', 'wb', 0).write(b'x')", "disk_full", ["No space left"], None),
    ],
)
def test_how_a_process_ends_is_told(
    tmp_path: Path, script: str, code: str, texts: list[str], exit_code: int | None
) -> None:
    error = failed(tmp_path, script)
    assert error.code == code, error.message
    for text in texts:
        assert text in error.message
    if code == "training_failed" and exit_code is not None:
        assert error.details["exitCode"] == exit_code
    if code == "disk_full":
        assert error.details["path"] == str(tmp_path / "run")
        assert error.details["free"] > 0


def test_a_flood_is_kept_but_not_all_of_it_is_sent(tmp_path: Path) -> None:
    call = FakeCall()
    outcome = ran(tmp_path, "for i in range(300_000): print('line', i, 'x' * 40)\nprint('y' * 100_000)", call)
    lines = (tmp_path / "run" / "run.log").read_text().splitlines()
    assert len(lines) > 300_000
    assert max(len(event.text) for event in call.of("log")) <= 8192 + 200
    assert sum(len(event.text) for event in call.of("log")) < 2_000_000
    assert "lines left out here" in call.log
    assert len(outcome.lines) == 1000


def test_nothing_is_left_of_a_child_that_forks_and_leaves_its_session(tmp_path: Path) -> None:
    script = """
        import os, subprocess, sys, time
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
        if os.fork() == 0:
            os.setsid()
            time.sleep(600)
        print("done")
    """
    start = time.monotonic()
    assert ran(tmp_path, script).exit_code == 0
    assert left_of_runs() == []
    assert time.monotonic() - start < 40


def test_cancelled_before_it_begins_it_ends_at_once(tmp_path: Path) -> None:
    call = FakeCall(lambda call: "ready" in call.log)
    with pytest.raises(CallStopped) as stopped:
        ran(tmp_path, "import time; print('ready'); time.sleep(600)", call)
    assert stopped.value.error is not None
    assert stopped.value.error.code == "cancelled"
    assert call.stopped_at is not None
    assert time.monotonic() - call.stopped_at < 8
    assert not (tmp_path / "run" / ".stop").exists()


def test_cancelled_it_may_save_first(tmp_path: Path) -> None:
    script = BEGUN + (
        "print('ready', flush=True)\n"
        "while not os.path.exists(os.environ['GLIP_STOP']): time.sleep(0.05)\n"
        "time.sleep(1); open('saved', 'w').close(); tell('stopped', step=3)\n"
        "time.sleep(600)\n"
    )
    with pytest.raises(CallStopped):
        ran(tmp_path, script, FakeCall(lambda call: "ready" in call.log))
    assert (tmp_path / "run" / "saved").exists()


@pytest.mark.parametrize("gone", [False, True])
def test_what_ignores_the_wish_and_sigterm_is_killed(
    tmp_path: Path, gone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "STOP_SECONDS", 2.0)
    script = BEGUN + (
        "import signal, threading\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('ready', flush=True)\n"
        "while True: time.sleep(600)\n"
    )
    call = FakeCall(lambda call: "ready" in call.log, gone=gone)
    with pytest.raises(CallStopped):
        ran(tmp_path, script, call, processes=2)
    assert call.stopped_at is not None
    took = time.monotonic() - call.stopped_at
    assert took < (3 if gone else 15), took


def test_two_runs_in_one_folder_are_refused(tmp_path: Path) -> None:
    def second(call: FakeCall) -> bool:
        if "ready" in call.log:
            with pytest.raises(GlipError, match="a folder in which no run is under way") as refused:
                ran(tmp_path, "pass")
            assert refused.value.details["path"] == "output"
            return True
        return False

    with pytest.raises(CallStopped):
        ran(tmp_path, "import time; print('ready'); time.sleep(600)", FakeCall(second))


def test_a_killed_worker_takes_everything_along(tmp_path: Path) -> None:
    """The worker is killed with SIGKILL, without its group and without a watchdog."""
    script = """
        import os, time
        for _ in range(2):
            if os.fork() == 0:
                time.sleep(600)
        print("ready", flush=True)
        time.sleep(600)
    """
    (tmp_path / "script.py").write_text(dedent(script))
    here = Path(__file__).resolve().parent
    program = f"""
        import sys
        sys.path[:0] = [{str(here)!r}, {str(here.parents[1])!r}]
        from pathlib import Path
        from runs import BARE, CPU, FakeCall, Recipe
        from glip_worker.engines.official.training import runner
        runner.PROGRAM = (str(BARE),)
        class Call(FakeCall):
            def emit(self, event):
                print(event, flush=True)
        out = Path({str(tmp_path / "run")!r})
        runner.run(Call(), Recipe({str(tmp_path / "script.py")!r}, [], out, out, out, processes=2),
                   runner.Options(Path("/nowhere"), CPU, None, [], resume=False))
    """
    worker = subprocess.Popen([sys.executable, "-c", dedent(program)], stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    seen = ""
    while seen.count("ready") < 2:
        seen += worker.stdout.readline()
    assert len(left_of_runs()) >= 7, "the launcher, two ranks, two forks of each"
    os.kill(worker.pid, signal.SIGKILL)
    killed = time.monotonic()
    worker.wait()
    while left_of_runs():
        assert time.monotonic() - killed < 5, left_of_runs()
        time.sleep(0.05)
    worker.stdout.close()
