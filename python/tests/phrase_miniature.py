"""Phrases with boxes, and boxes found for them: the same each time. A few have no box, and a few find none."""

from __future__ import annotations

import random
from typing import NamedTuple

TYPES = ("people", "clothing", "scene", "other")

Boxes = list[list[float]]


class DrawnPhrase(NamedTuple):
    types: tuple[str, ...]
    found: Boxes
    wanted: list[list[int]]


def phrase_miniature() -> list[DrawnPhrase]:
    draw = random.Random(3)
    phrases = []
    for _ in range(60):
        types = tuple(draw.sample(TYPES, draw.choice((1, 1, 1, 2))))
        wanted = [_box(draw) for _ in range(draw.choice((0, 1, 1, 2, 3)))]
        near = [[side + draw.gauss(0, 6) for side in box] for box in wanted for _ in range(2)]
        found = near + [[float(side) for side in _box(draw)] for _ in range(draw.randint(6, 12))]
        draw.shuffle(found)
        phrases.append(DrawnPhrase(types, found, wanted))
    return phrases


def _box(draw: random.Random) -> list[int]:
    x, y = draw.randint(0, 300), draw.randint(0, 200)
    return [x, y, x + draw.randint(20, 120), y + draw.randint(20, 120)]
