"""A split like those of `glip scenes`, of coloured squares, for tests that need pictures and what is said of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image as pil

COLOURS = {"red": (220, 30, 30), "green": (30, 200, 30), "blue": (40, 40, 230)}
SIDE = 128

ANSWERS = ["yes", "no", "left", "right", "top"]


def write_split(folder: Path, count: int = 6) -> Path:
    """Each picture has a square of every colour but one; ids of categories are 4, 5 and 6."""
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(3)
    images: list[dict[str, Any]] = []
    sentences: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    questions: list[dict[str, Any]] = []
    captions: list[dict[str, Any]] = []
    for picture in range(1, count + 1):
        pixels = rng.integers(100, 150, (SIDE, SIDE, 3), dtype=np.uint8)
        names = [name for index, name in enumerate(COLOURS) if index != picture % 3]
        phrases = []
        text = ""
        for place, name in enumerate(names):
            x, y, side = 8 + 60 * place, int(rng.integers(8, 70)), int(rng.integers(24, 40))
            pixels[y : y + side, x : x + side] = COLOURS[name]
            number = len(annotations) + 1
            category = 4 + list(COLOURS).index(name)
            box = {"bbox": [x, y, side, side], "area": side * side, "iscrowd": 0}
            edges = [[x, y, x + side, y, x + side, y + side, x, y + side]]
            row = {"id": number, "image_id": picture, "category_id": category, **box, "segmentation": edges}
            annotations.append(row)
            text += " and a " if text else "a "
            phrases.append({"start": len(text), "end": len(text) + len(name), "text": name, "annotations": [number]})
            text += name
        name = f"{picture:06}.png"
        pil.fromarray(pixels).save(folder / "images" / name)
        images.append({"id": picture, "file_name": name, "width": SIDE, "height": SIDE})
        sentences.append({"caption": text, "original_img_id": picture, "phrases": phrases})
        captions.append({"id": picture, "image_id": picture, "caption": f"{text}.", "phrases": phrases})
        questions += _questions(picture, names, [phrase["annotations"] for phrase in phrases])
    categories = [{"id": 4 + index, "name": name} for index, name in enumerate(COLOURS)]
    instances = {"info": {}, "images": images, "annotations": annotations, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(instances))
    (folder / "grounding.json").write_text(json.dumps({"images": sentences}))
    (folder / "questions.json").write_text(json.dumps({"questions": questions, "answers": ANSWERS}))
    (folder / "captions.json").write_text(json.dumps({"annotations": captions}))
    return folder


def write_scenes(folder: Path) -> None:
    """What captions of the split are judged by, where that is asked for: `scenes.jsonl`."""
    instances = json.loads((folder / "instances.json").read_text())
    names = {one["id"]: one["name"] for one in instances["categories"]}
    objects: dict[int, list[dict[str, str]]] = {}
    for one in instances["annotations"]:
        objects.setdefault(one["image_id"], []).append({"category": names[one["category_id"]], "size": "medium"})
    lines = [json.dumps({"file_name": one["file_name"], "objects": objects[one["id"]]}) for one in instances["images"]]
    (folder / "scenes.jsonl").write_text("\n".join(lines))


def _questions(picture: int, names: list[str], annotations: list[list[int]]) -> list[dict[str, Any]]:
    """Where each colour is, whether it is there."""
    asked: list[dict[str, Any]] = []
    for name in COLOURS:
        there = annotations[names.index(name)] if name in names else []
        phrase = {"start": 9, "end": 9 + len(name), "text": name, "annotations": there}
        whether = {"type": "existence", "question": f"is there {name}?", "answer": "yes" if there else "no"}
        asked.append({**whether, "phrases": [phrase]})
        if there:
            where = {"type": "place", "question": f"where is {name}?", "answer": ["left", "right"][names.index(name)]}
            asked.append({**where, "phrases": [phrase]})
    return [{"id": 10 * picture + place, "image_id": picture, **one} for place, one in enumerate(asked)]
