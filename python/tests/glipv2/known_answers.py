"""Benchmarks in miniature, in their true file layout, and predictors that know the answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from drawn_scenes import write_split

from glipv2.benchmarks.predictor import Ability, Asking, Found, Pixels

Row = tuple[list[float], int]

Changed = Callable[[list[Row]], list[Row]]


def write_coco_layout(root: Path, count: int = 4) -> dict[str, Any]:
    """Squares of three colours as COCO val2017; what instances_val2017.json says."""
    split = write_split(root / "drawn", count)
    (root / "coco" / "annotations").mkdir(parents=True)
    content = json.loads((split / "instances.json").read_text())
    (split / "images").rename(root / "coco" / "val2017")
    write_annotations(root, content)
    return content  # type: ignore[no-any-return]


def write_lvis_layout(root: Path, count: int = 6) -> dict[str, Any]:
    """The same as LVIS minival: red is rare, green common, blue frequent; nothing is known of what is not there."""
    content = write_coco_layout(root, count)
    annotations_of(root).unlink()
    for one in content["images"]:
        one["coco_url"] = f"http://images.cocodataset.org/val2017/{one['file_name']}"
        one |= {"file_name": f"val2017/{one['file_name']}", "neg_category_ids": [], "not_exhaustive_category_ids": []}
    for one, frequency in zip(content["categories"], "rcf", strict=True):
        one["frequency"] = frequency
    write_json(root / "coco" / "annotations" / "lvis_v1_minival_inserted_image_name.json", content)
    return content


def annotations_of(root: Path) -> Path:
    return root / "coco" / "annotations" / "instances_val2017.json"


def write_annotations(root: Path, content: dict[str, Any]) -> None:
    write_json(annotations_of(root), content)


def write_json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content))


class Knowing:
    """Knows the objects of each picture by its pixels, and says them as `changed` has them; `asked` counts."""

    identity = "who knows"
    answers: Sequence[str] = ()

    def __init__(
        self,
        folder: Path,
        content: dict[str, Any],
        changed: Changed = lambda rows: rows,
        abilities: frozenset[Ability] = frozenset(("detect", "masks")),
    ) -> None:
        import PIL.Image as pil

        self.abilities = abilities
        self.asked = 0
        self._changed = changed
        self._names = {one["id"]: one["name"] for one in content["categories"]}
        self._rows: dict[bytes, list[Row]] = {}
        for image in content["images"]:
            rows = [
                ([x, y, x + w - 1, y + h - 1], one["category_id"])
                for one in content["annotations"]
                if one["image_id"] == image["id"]
                for x, y, w, h in [one["bbox"]]
            ]
            with pil.open(folder / image["file_name"]) as opened:
                self._rows[np.asarray(opened.convert("RGB")).tobytes()] = rows

    def detect(self, pixels: Pixels, categories: Sequence[str], asking: Asking) -> Found:
        self.asked += 1
        rows = self._changed(self._rows[pixels.tobytes()])
        masks = [filled_mask(box, pixels.shape[:2]) for box, _ in rows]
        return Found(
            np.asarray([box for box, _ in rows], np.float32).reshape(-1, 4),
            np.linspace(0.9, 0.5, len(rows), dtype=np.float32),
            np.asarray([categories.index(self._names[category]) for _, category in rows], np.int64),
            masks if asking.masks else None,
        )

    def ground(self, pixels: Pixels, caption: str, spans: Sequence[tuple[int, int]], asking: Asking) -> Found:
        raise NotImplementedError

    def answer(self, pixels: Pixels, questions: Sequence[str], candidates: Sequence[str]) -> list[str]:
        raise NotImplementedError

    def caption(self, pixels: Pixels) -> str:
        raise NotImplementedError


def filled_mask(box: list[float], size: tuple[int, ...]) -> str:
    from pycocotools import mask

    bitmap = np.zeros(size, np.uint8, order="F")
    x1, y1, x2, y2 = (int(side) for side in box)
    bitmap[y1 : y2 + 1, x1 : x2 + 1] = 1
    return mask.encode(bitmap)["counts"].decode()  # type: ignore[no-any-return]


def shifted(pixels: float) -> Changed:
    """All boxes so far to the right."""
    return lambda rows: [([x1 + pixels, y1, x2 + pixels, y2], category) for (x1, y1, x2, y2), category in rows]
