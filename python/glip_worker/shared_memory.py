"""Tensors through shared memory (docs/protocol.md): what the client's segments hold, and segments of our own."""

from __future__ import annotations

import contextlib
import itertools
import mmap
import os
import secrets
import stat
import sys
import threading
from dataclasses import dataclass

from glip_worker.errors import invalid_message
from glip_worker.shared_directory import OWN_PREFIX, SEGMENT_NAME, open_directory

#: Results from this size on leave through a segment. Below it, the socket is as fast and needs no release.
THRESHOLD_BYTES = 2**20

#: What one client's pool may hold, read and unread segments together; results beyond it are sent as frames.
POOL_BYTES = 2**30

#: Segments are this much or a multiple, so that results of nearly the same size can share one.
SIZE_STEP = 2**20

#: Mappings kept per client.
MAX_MAPPINGS = 256

#: docs/protocol.md: a tensor in a segment starts at a multiple of this.
ALIGNMENT = 64


class SharedMemory:
    """Both directions of one client. ValueError when its directory cannot be trusted."""

    def __init__(self, path: str) -> None:
        self._directory = open_directory(path)
        self._lock = threading.Lock()
        self.incoming = IncomingSegments(self._directory, self._lock)
        self.outgoing = OutgoingSegments(self._directory, self._lock)

    def close(self) -> None:
        """The client is gone: unlinks our segments. Memory that is still in use stays mapped until it is not."""
        with self._lock:
            self.incoming.close()
            self.outgoing.close()
            os.close(self._directory)


class IncomingSegments:
    """The client's segments, each mapped once."""

    def __init__(self, directory: int, lock: threading.Lock) -> None:
        self._directory = directory
        self._lock = lock
        self._mappings: dict[str, tuple[tuple[int, int], mmap.mmap]] = {}
        self._closed = False

    def view(self, name: str, offset: int, size: int) -> memoryview:
        """`size` bytes of a segment, in the client's memory. GlipError `invalid_message` when it does not fit."""
        if SEGMENT_NAME.fullmatch(name) is None:
            raise invalid_message(f"{name!r} is not a segment name")
        if offset % ALIGNMENT != 0:
            raise invalid_message(f"the offset {offset} in segment {name} is not a multiple of {ALIGNMENT}")
        with self._lock:
            if self._closed:
                raise invalid_message("the client is gone")
            try:
                mapping = self._map(name)
            except (OSError, ValueError) as error:
                raise invalid_message(f"segment {name} cannot be mapped: {error}") from error
        if offset + size > len(mapping):
            raise invalid_message(f"segment {name} holds {len(mapping)} bytes, asked for {size} at {offset}")
        return memoryview(mapping)[offset : offset + size]

    def close(self) -> None:
        self._closed = True
        self._mappings.clear()

    def _map(self, name: str) -> mmap.mmap:
        # Looked at each time: the client may have replaced the file by another one of the same name.
        status = os.stat(name, dir_fd=self._directory, follow_symlinks=False)
        key = (status.st_ino, status.st_size)
        known = self._mappings.get(name)
        if known is not None and known[0] == key:
            return known[1]
        # O_NONBLOCK: a FIFO would hang the open.
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(name, flags, dir_fd=self._directory)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size == 0:
                raise ValueError("not a regular file with something in it")
            self._forget_unlinked()
            # Writable and shared although nobody here should write: a method that changes its argument in place
            # against the rules spoils the client's copy; on read-only pages it would kill the worker.
            mapping = mmap.mmap(descriptor, status.st_size)
        finally:
            os.close(descriptor)
        self._mappings[name] = ((status.st_ino, status.st_size), mapping)
        return mapping

    def _forget_unlinked(self) -> None:
        for name, (key, _) in list(self._mappings.items()):
            with contextlib.suppress(OSError):
                status = os.stat(name, dir_fd=self._directory, follow_symlinks=False)
                if (status.st_ino, status.st_size) == key:
                    continue
            del self._mappings[name]
        while len(self._mappings) >= MAX_MAPPINGS:
            del self._mappings[next(iter(self._mappings))]


@dataclass(eq=False)
class _Segment:
    name: str
    size: int
    descriptor: int
    #: Where it can be written at half the cost of `pwrite`; only with all of its memory allocated.
    mapping: mmap.mmap | None = None
    #: Not to be taken: being written, or in the client's hands.
    busy: bool = True
    writing: bool = True


class OutgoingSegments:
    """A pool of our segments in the client's directory, reused once the client has released them.

    Written through a mapping when the memory could be allocated before, otherwise with `pwrite`: a full file system
    is then an error instead of a SIGBUS.
    """

    def __init__(self, directory: int, lock: threading.Lock) -> None:
        self._directory = directory
        self._lock = lock
        self._segments: dict[str, _Segment] = {}
        self._numbers = itertools.count()
        self._closed = False

    def put(self, buffer: memoryview) -> str | None:
        """Copies `buffer` into a segment and names it; None when there is no room, which is no error."""
        with self._lock:
            segment = None if self._closed else self._take(buffer.nbytes)
        if segment is None:
            return None
        written = False
        with contextlib.suppress(OSError):  # ENOSPC
            _write(segment, buffer)
            written = True
        with self._lock:
            segment.writing = False
            if self._closed or not written:
                self._remove(segment)
                return None
        return segment.name

    def release(self, names: list[str]) -> None:
        """The client has read these; names that are not ours are ignored."""
        with self._lock:
            for name in names:
                segment = self._segments.get(name)
                if segment is not None:
                    segment.busy = False

    def close(self) -> None:
        """Unlinks all; one that is being written right now is closed by its writer."""
        self._closed = True
        for segment in list(self._segments.values()):
            with contextlib.suppress(OSError):
                os.unlink(segment.name, dir_fd=self._directory)
            if not segment.writing:
                self._remove(segment)

    def _take(self, size: int) -> _Segment | None:
        free = [segment for segment in self._segments.values() if not segment.busy]
        fitting = min((segment for segment in free if segment.size >= size), key=lambda s: s.size, default=None)
        if fitting is not None:
            fitting.busy = fitting.writing = True
            return fitting
        size = -(-size // SIZE_STEP) * SIZE_STEP
        for segment in free:
            if self._bytes() + size <= POOL_BYTES:
                break
            self._remove(segment)
        if self._bytes() + size > POOL_BYTES:
            return None
        with contextlib.suppress(OSError):
            return self._create(size)
        return None

    def _create(self, size: int) -> _Segment:
        name = f"{OWN_PREFIX}{next(self._numbers)}-{secrets.token_hex(8)}"
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(name, flags, 0o600, dir_fd=self._directory)
        segment = self._segments[name] = _Segment(name, size, descriptor)
        try:
            os.ftruncate(descriptor, size)
            if sys.platform == "linux":
                os.posix_fallocate(descriptor, 0, size)
                segment.mapping = mmap.mmap(descriptor, size)
        except OSError:
            self._remove(segment)
            raise
        return segment

    def _bytes(self) -> int:
        return sum(segment.size for segment in self._segments.values())

    def _remove(self, segment: _Segment) -> None:
        if self._segments.pop(segment.name, None) is None:
            return
        if segment.mapping is not None:
            segment.mapping.close()
        os.close(segment.descriptor)
        if not self._closed:
            with contextlib.suppress(OSError):
                os.unlink(segment.name, dir_fd=self._directory)


def _write(segment: _Segment, buffer: memoryview) -> None:
    if segment.mapping is not None:
        import numpy

        # Assigning to a slice of the mapping would hold the GIL meanwhile.
        numpy.copyto(numpy.frombuffer(segment.mapping, "u1", buffer.nbytes), numpy.frombuffer(buffer, "u1"))
        return
    written = 0
    while written < buffer.nbytes:
        written += os.pwrite(segment.descriptor, buffer[written:], written)
