"""A small drawn set in LVIS's form, and detections on it: the same each time."""

from __future__ import annotations

import random
from typing import Any

from pycocotools import mask as coco

SIZE = (120, 160)
PICTURES = range(1, 13)
CATEGORIES = {1: "r", 2: "r", 3: "c", 4: "c", 5: "c", 6: "f", 7: "f", 8: "f", 9: "f"}


def lvis_miniature() -> tuple[dict[str, Any], dict[int, list[dict[str, Any]]]]:
    """The data set, and by picture its detections in COCO's result format, with box and mask."""
    draw = random.Random(7)
    annotations: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    found: dict[int, list[dict[str, Any]]] = {}
    for picture in PICTURES:
        # Of 9 no picture has an object; of 3 it happens that none has.
        has = draw.sample(range(1, 9), 3)
        others = [one for one in CATEGORIES if one not in has]
        unsure = [one for one in has if draw.random() < 0.3]
        images.append(
            {"id": picture, "height": SIZE[0], "width": SIZE[1], "not_exhaustive_category_ids": unsure}
            | {"neg_category_ids": draw.sample(others, 3)}
        )
        found[picture] = []
        for category in has:
            for _ in range(draw.randint(1, 4)):
                corners = _quadrangle(draw, [draw.uniform(0, 90), draw.uniform(0, 60)], draw.choice((12, 30, 60, 100)))
                id = len(annotations) + 1
                box, area = _box(corners), float(coco.area(coco.frPyObjects([corners], *SIZE))[0])
                annotations.append(
                    {"id": id, "image_id": picture, "category_id": category, "bbox": box, "area": area}
                    | {"segmentation": [corners]}
                )
                for _ in range(draw.randint(0, 2)):
                    moved = [one + draw.gauss(0, 3) for one in corners]
                    label = category if draw.random() < 0.85 else draw.choice(list(CATEGORIES))
                    found[picture].append(_detection(picture, label, moved, draw))
        for _ in range(8):
            corners = _quadrangle(draw, [draw.uniform(0, 90), draw.uniform(0, 60)], draw.choice((12, 30, 60)))
            found[picture].append(_detection(picture, draw.choice(list(CATEGORIES)), corners, draw))
    categories = [{"id": id, "name": f"thing {id}", "frequency": one} for id, one in CATEGORIES.items()]
    return {"images": images, "annotations": annotations, "categories": categories}, found


def _quadrangle(draw: random.Random, at: list[float], side: float) -> list[float]:
    x, y = at
    wide, high = side * draw.uniform(0.7, 1.3), side * draw.uniform(0.7, 1.3)
    cut = draw.uniform(0, 0.4)
    return [x + cut * wide, y, x + wide, y + cut * high, x + wide * (1 - cut), y + high, x, y + high * (1 - cut)]


def _box(corners: list[float]) -> list[float]:
    xs, ys = corners[::2], corners[1::2]
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def _detection(picture: int, category: int, corners: list[float], draw: random.Random) -> dict[str, Any]:
    mask = coco.merge(coco.frPyObjects([corners], *SIZE))
    # Two digits: some score as much as others.
    score = round(draw.random(), 2)
    row = {"image_id": picture, "category_id": category, "bbox": _box(corners), "score": score}
    return row | {"segmentation": {"size": list(SIZE), "counts": mask["counts"].decode()}}
