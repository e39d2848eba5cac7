"""Writes what both sides train on: batch.py FILE SIDE PICTURE...

JSON: `pictures`, and under `texts` by name the text of all pictures, and for each picture its boxes, with the spans of
the text that speak of each. A box is [x1, y1, x2, y2] in pixels.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

BOXES = 8

#: As many names as COCO has categories, and as long a text: some 200 tokens.
NAMES = """person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant, stop
sign, parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe, backpack,
umbrella, handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball
glove, skateboard, surfboard, tennis racket, bottle, wine glass, cup, fork, knife, spoon, bowl, banana,
apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake, chair, couch, potted plant, bed,
dining table, toilet, television, laptop, mouse, remote, keyboard, cell phone, microwave, oven, toaster,
sink, refrigerator, book, clock, vase, scissors, teddy bear, hair drier, toothbrush""".replace(
    "\n", " "
).split(", ")

CAPTION = "a man in a red shirt holds an umbrella beside two dogs on the beach"
PHRASES = ("a man", "a red shirt", "an umbrella", "two dogs", "the beach")

Span = tuple[int, int]


def main() -> None:
    file, side, *pictures = sys.argv[1:]
    draw = np.random.default_rng(0)
    categories = ". ".join(NAMES)
    texts = {
        "categories": (categories, _spans_of_names()),
        "caption": (CAPTION, [_span(CAPTION, phrase) for phrase in PHRASES]),
    }
    content = {
        "pictures": pictures,
        "texts": {
            name: _asked(text, spans, len(pictures), int(side), draw)
            for name, (text, spans) in texts.items()
        },
    }
    Path(file).write_text(json.dumps(content))


def _asked(
    text: str, spans: list[Span], pictures: int, side: int, draw: np.random.Generator
) -> dict[str, Any]:
    corners = draw.uniform(0, 0.6, (pictures, BOXES, 2)) * side
    sides = draw.uniform(0.05, 0.4, (pictures, BOXES, 2)) * side
    boxes = np.concatenate([corners, corners + sides - 1], axis=2).round(1)
    chosen = draw.integers(len(spans), size=(pictures, BOXES)).tolist()
    return {
        "text": text,
        "boxes": boxes.tolist(),
        "spans": [[[spans[one]] for one in row] for row in chosen],
    }


def _spans_of_names() -> list[Span]:
    ends = np.cumsum([len(name) + len(". ") for name in NAMES]).tolist()
    starts = [0, *ends[:-1]]
    return [
        (start, start + len(name)) for start, name in zip(starts, NAMES, strict=True)
    ]


def _span(text: str, phrase: str) -> Span:
    start = text.index(phrase)
    return start, start + len(phrase)


if __name__ == "__main__":
    main()
