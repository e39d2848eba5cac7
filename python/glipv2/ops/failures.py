"""What an exception says of the machine: whether its memory or its disk was at an end."""

from __future__ import annotations

import errno
from collections.abc import Iterator

#: How torch words an allocation that failed. Its own allocator on CUDA has an exception class of its own; CUDA and the
#: libraries below it have not.
OUT_OF_MEMORY_TEXTS = (
    "DefaultCPUAllocator: can't allocate",
    "DefaultCPUAllocator: not enough memory",
    "std::bad_alloc",
    "could not create a memory object",  # oneDNN
    "could not create a primitive",
    "MPS backend out of memory",
    "CUDA out of memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)

#: How C++ code of torch, and the writer of safetensors, word a write that did not fit.
DISK_TEXTS = ("No space left on device", "Disk quota exceeded", "File too large")

_DISK_NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def is_out_of_memory(error: BaseException) -> bool:
    """Of the host or of a device."""
    if isinstance(error, MemoryError):
        return True
    # By class name too: torch.OutOfMemoryError is a RuntimeError, and this module does not import torch for it.
    names = {base.__name__ for base in type(error).__mro__}
    return "OutOfMemoryError" in names or any(text in str(error) for text in OUT_OF_MEMORY_TEXTS)


def is_disk_full(error: BaseException) -> bool:
    """Of the disk or of the user's share of it, at the root of the exception or of what led to it."""
    return any(
        (isinstance(one, OSError) and one.errno in _DISK_NUMBERS) or any(text in str(one) for text in DISK_TEXTS)
        for one in _chain(error)
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
