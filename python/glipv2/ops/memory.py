"""How the process keeps memory that was freed."""

from __future__ import annotations

import ctypes

# <malloc.h> of the GNU C library
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3

#: Larger blocks still come from the system and go back to it: the library takes no more.
_LARGEST = 1 << 25


def keep_freed() -> bool:
    """Lets the GNU C library keep blocks up to 32 MB for the next allocation; True if it does.

    By default it gives them back, and the system has to hand out and clear pages again in every layer of a network:
    about a tenth of the time of a small one. For a process that runs one model on a CPU; it then holds what it used at
    its peak. Elsewhere than with the GNU C library nothing happens.
    """
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018  # it is another library's without
        settings = ((_MMAP_THRESHOLD, _LARGEST), (_TRIM_THRESHOLD, 1 << 30), (_TOP_PAD, 1 << 26))
        return all(library.mallopt(name, value) == 1 for name, value in settings)
    except (OSError, AttributeError, TypeError):
        return False
