"""Who is told how far an evaluation is."""

from __future__ import annotations

from collections.abc import Callable

#: Takes how many pictures are done, and how many there are. What it raises ends the evaluation.
Progress = Callable[[int, int], None]


def unheard(done: int, total: int) -> None:
    """Nobody is told."""
