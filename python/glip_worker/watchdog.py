"""Nothing of the worker outlives its parent: a small forked process that kills, whatever the worker is doing."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable

from glip_worker.shared_directory import REGISTER, remove_directory

#: How often the worker's death is looked for where there is no descriptor that tells.
POLL_SECONDS = 0.25


def start_watchdog(run_dir: str) -> None:
    """Call once, while the process has one thread. Takes stdin over: from now on the worker's own is empty.

    When stdin ends (the parent is gone) or the worker ends, whatever is left of the worker's process group is
    killed and `run_dir` is removed, with the shared memory directories that are registered in it. POSIX: it is a
    process of its own, so it works while native code in the worker holds the GIL. Windows: a thread, which does
    not; there the SDK's job object has to do it.
    """
    if sys.platform == "win32":
        _start_thread(run_dir)
        return
    if os.getpid() != os.getsid(0):
        # PermissionError: already the leader of a group, which is all that the kill needs.
        with contextlib.suppress(PermissionError):
            os.setsid()
    worker, group = os.getpid(), os.getpgrp()
    if os.fork() != 0:
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, 0)
        os.close(empty)
        return
    try:
        _watch(worker, group, run_dir)
    finally:
        os._exit(0)


def _watch(worker: int, group: int, run_dir: str) -> None:
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    # A group of its own: it survives a SIGKILL of the worker's group, and can still clean up after that.
    os.setpgid(0, 0)
    os.closerange(1, 256)
    _wait_for_end(worker)
    # Only while the worker is still our parent: its number may belong to somebody else otherwise.
    if os.getppid() == worker:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    clean(run_dir)


def _wait_for_end(worker: int) -> None:
    """Returns when stdin has ended or the worker is dead."""
    poller = select.poll()
    poller.register(0, select.POLLIN | select.POLLHUP | select.POLLERR)
    descriptor = -1
    with contextlib.suppress(AttributeError, OSError):  # Linux 5.3 and later
        descriptor = os.pidfd_open(worker)
        poller.register(descriptor, select.POLLIN)
    while os.getppid() == worker:
        for ready, _ in poller.poll(None if descriptor >= 0 else POLL_SECONDS * 1000):
            if ready == descriptor:
                return
            try:
                if not os.read(0, 4096):
                    return
            except OSError:
                return


def clean(run_dir: str) -> None:
    """Removes `run_dir` and the shared memory directories that are registered in it."""
    with contextlib.suppress(OSError), open(os.path.join(run_dir, REGISTER), encoding="utf-8") as register:
        for line in register:
            remove_directory(line.rstrip("\n"))
    _remove_tree(run_dir)


def _remove_tree(path: str) -> None:
    """shutil.rmtree would do, but its import costs the start of every worker ten milliseconds."""
    with contextlib.suppress(OSError):
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    _remove_tree(entry.path)
                else:
                    with contextlib.suppress(OSError):
                        os.unlink(entry.path)
        os.rmdir(path)


def _start_thread(run_dir: str, end: Callable[[int], None] = os._exit) -> None:
    def watch() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        clean(run_dir)
        end(1)

    threading.Thread(target=watch, name="watchdog", daemon=True).start()
