"""What a run prints: kept in a file, its end in memory, and handed on in pieces that a slow reader can bear."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from pathlib import Path

#: Lines that are kept: enough for the launcher's summary of many ranks, and what the ranks said before it.
TAIL_LINES = 1000

#: Largest text of one piece, in characters.
PIECE = 8192

#: Most text that waits to be handed on; older lines are left out first. All of them are in the file.
WAITING = 32 * PIECE

#: A line without an end is cut here.
LONGEST_LINE = PIECE


class Lines:
    """Takes bytes on one thread, gives text on another. Redrawn progress bars (`\\r`) are no lines."""

    def __init__(self, path: Path) -> None:
        """Appends to `path`. OSError when it cannot be opened."""
        self.path = path
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115
        self._lock = threading.Lock()
        self._rest = b""
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._waiting: deque[str] = deque()
        self._size = 0
        self._left_out = 0

    @property
    def tail(self) -> list[str]:
        """The last lines, oldest first."""
        with self._lock:
            return list(self._tail)

    def feed(self, data: bytes) -> None:
        *complete, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            last_drawn = self._rest.rpartition(b"\r")[2]
            if len(last_drawn) > LONGEST_LINE:
                complete.append(self._rest)
                last_drawn = b""
            self._rest = last_drawn
        if complete:
            self._add(complete)

    def close(self) -> None:
        """After the last `feed`."""
        if self._rest:
            self._add([self._rest])
            self._rest = b""
        self._file.close()

    def take(self) -> str | None:
        """The next piece, whole lines of at most PIECE characters; None when nothing waits."""
        with self._lock:
            if not self._waiting:
                return None
            piece = []
            if self._left_out:
                piece.append(f"… {self._left_out} lines left out here; {self.path} has them")
                self._left_out = 0
            size = sum(map(len, piece))
            while self._waiting and (not piece or size + len(self._waiting[0]) < PIECE):
                line = self._waiting.popleft()
                size += len(line) + 1
                self._size -= len(line)
                piece.append(line)
            return "\n".join(piece)

    def _add(self, complete: list[bytes]) -> None:
        # What stood in a line before it was drawn again was progress, and is gone from a terminal too.
        shown = [one.rstrip(b"\r").rpartition(b"\r")[2] for one in complete]
        # A full disk must not keep the run from being read: it would block on its own output.
        with contextlib.suppress(OSError):
            os.write(self._file.fileno(), b"".join(one + b"\n" for one in shown))
        lines = [one.decode("utf-8", "replace")[:LONGEST_LINE] for one in shown]
        with self._lock:
            self._tail.extend(line for line in lines if line.strip())
            self._waiting.extend(lines)
            self._size += sum(map(len, lines))
            while self._size > WAITING:
                self._size -= len(self._waiting.popleft())
                self._left_out += 1
