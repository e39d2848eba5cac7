"""Nothing that a run started outlives the worker, SIGKILL included.

torch's launcher puts each rank into a session of its own, which a kill of the worker's process group does not reach.
So each process ties itself to its parent: the launcher to the worker, the ranks to the launcher, what a rank forks
(the data loader's readers) to the rank. Linux does it in the kernel; elsewhere a thread looks.

Standard library only: as a program (`python -I tie.py PARENT COMMAND …`) it becomes COMMAND, tied to PARENT.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

#: Process id of torch's launcher, for the ranks.
LAUNCHER = "GLIP_LAUNCHER"

#: How often a parent is looked for where the kernel does not tell.
POLL_SECONDS = 0.5

#: From <linux/prctl.h>.
PR_SET_PDEATHSIG = 1


def tie_to(parent: int) -> None:
    """This process is killed when the thread that started it ends; at once when `parent` is gone already."""
    if sys.platform == "linux":
        _set_death_signal()
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
    elif sys.platform != "win32":
        threading.Thread(target=_watch, args=(parent,), name="tie", daemon=True).start()


def tie_rank() -> None:
    """Ties a rank to the launcher that the environment names, and what it forks to itself."""
    launcher = os.environ.get(LAUNCHER)
    if launcher is None:
        return
    tie_to(int(launcher))
    if sys.platform == "linux":
        os.register_at_fork(before=_remember, after_in_child=_tie_fork)


_forked_by_main = False


def _remember() -> None:
    global _forked_by_main
    _forked_by_main = threading.current_thread() is threading.main_thread()


def _tie_fork() -> None:
    # What another thread forks would be killed when that thread ends, not the process.
    if _forked_by_main:
        _set_death_signal()


def _set_death_signal() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), 9)


def _main() -> None:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        # Survives exec; the thread of other systems would not, and there the worker's watchdog kills the group.
        tie_to(parent)
    os.environ[LAUNCHER] = str(os.getpid())
    os.execv(command[0], command)


if __name__ == "__main__":
    _main()
