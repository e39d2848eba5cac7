"""A detector as a process: for each list of pictures on stdin, what it found in them, as a line of JSON on stdout.

Legend: N objects.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TextIO

from torch import Tensor


class Found(NamedTuple):
    """Of one picture, best score first, on the CPU."""

    boxes_N4: Tensor
    """In its pixels."""

    scores_N: Tensor


class Detector(Protocol):
    def prepare(self, files: Sequence[str]) -> Any:
        """The pictures as one batch, as the network takes them."""

    def look(self, batch: Any) -> list[Found]:
        """What is in each of them."""


def serve(build: Callable[[], Detector]) -> None:
    """First says that it is ready, by an empty object. Whatever else prints does so to stderr."""
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        detector = build()
        _say(out, {})
        for line in sys.stdin:
            files = json.loads(line)
            start = time.perf_counter()
            batch = detector.prepare(files)
            prepared = time.perf_counter()
            found = detector.look(batch)
            end = time.perf_counter()
            pictures = [
                {"boxes": one.boxes_N4.tolist(), "scores": one.scores_N.tolist()}
                for one in found
            ]
            seconds = {"preparing": prepared - start, "looking": end - prepared}
            _say(out, {**seconds, "pictures": pictures})


def _say(out: TextIO, content: dict[str, Any]) -> None:
    out.write(f"{json.dumps(content)}\n")
    out.flush()
