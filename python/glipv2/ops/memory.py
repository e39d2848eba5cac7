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
    library = _gnu_library()
    settings = ((_MMAP_THRESHOLD, _LARGEST), (_TRIM_THRESHOLD, 1 << 30), (_TOP_PAD, 1 << 26))
    return library is not None and all(library.mallopt(name, value) == 1 for name, value in settings)


def give_back() -> bool:
    """Hands freed blocks to the system, kept ones too; True if there were any.

    For when memory has ended: what a large picture left is not to be in the way of a small one.
    """
    library = _gnu_library()
    return library is not None and library.malloc_trim(0) == 1


def _gnu_library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(None)
        library.gnu_get_libc_version  # noqa: B018  # it is another library's without
    except (OSError, AttributeError, TypeError):
        return None
    return library
