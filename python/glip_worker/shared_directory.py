"""The directory that a client shares segments in: what it must be, and how it goes.

Imported before everything else (the watchdog needs it), so it stands on the standard library alone.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat

#: File in the run directory with one shared memory directory a line: what the watchdog removes in the end.
REGISTER = "shared-memory"

SEGMENT_NAME = re.compile(r"[a-z0-9-]{1,64}")

#: Our own segments, as opposed to the client's.
OWN_PREFIX = "w-"


def open_directory(path: str) -> int:
    """A descriptor of a directory that only our own user can reach; ValueError for anything else."""
    if not os.path.isabs(path) or "\n" in path or "\0" in path:
        raise ValueError(f"not an absolute path: {path!r}")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    status = os.fstat(descriptor)
    if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) != 0o700:
        os.close(descriptor)
        raise ValueError(f"{path}: expected a directory of our own user with mode 0700")
    return descriptor


def register_directory(run_dir: str, path: str) -> None:
    with open(os.path.join(run_dir, REGISTER), "a", encoding="utf-8") as register:
        register.write(f"{path}\n")


def remove_directory(path: str) -> None:
    """Removes a registered directory, if nothing but segments is in it: a mistaken path must not cost files."""
    try:
        descriptor = open_directory(path)
    except ValueError:
        return
    try:
        names = os.listdir(descriptor)
        if all(_is_segment(descriptor, name) for name in names):
            for name in names:
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=descriptor)
            with contextlib.suppress(OSError):
                os.rmdir(path)
    finally:
        os.close(descriptor)


def _is_segment(descriptor: int, name: str) -> bool:
    if SEGMENT_NAME.fullmatch(name) is None:
        return False
    with contextlib.suppress(OSError):
        return stat.S_ISREG(os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mode)
    return False
