"""Work in as large pieces as memory allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from glip_worker.errors import from_exception

T = TypeVar("T")

#: Pixels that the network looks at in one pass. A CPU has nothing to gain from more than keeps it busy: there, those
#: who wait would wait longer for the first answer and as long for the last.
PIXELS = {"cpu": 1_100_000, "mps": 2_200_000, "cuda": 8_800_000}


def in_passes(items: Sequence[T], pixels: int, device: str, run: Callable[[Sequence[T]], None]) -> None:
    """Runs all items, as many at once as their pixels (each has as many) allow, and fewer where memory ends.

    GlipError `out_of_memory` when it ends with a single one.
    """
    step = max(1, PIXELS[device] // max(1, pixels))
    for at in range(0, len(items), step):
        _halved(items[at : at + step], run)


def _halved(items: Sequence[T], run: Callable[[Sequence[T]], None]) -> None:
    try:
        run(items)
        return
    except Exception as raised:
        error = from_exception(raised)  # frees what the failed pass held
        if error.code != "out_of_memory":
            raise
    if len(items) == 1:
        raise error
    middle = len(items) // 2
    _halved(items[:middle], run)
    _halved(items[middle:], run)
