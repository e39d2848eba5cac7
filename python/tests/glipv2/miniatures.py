"""Data sets of two small pictures in each format's own layout, for tests of the readers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import PIL.Image as pil

#: (width, height)
SIZES = {"a.png": (40, 30), "b.png": (20, 60)}


def draw(folder: Path, name: str, size: tuple[int, int] | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pil.new("RGB", size or SIZES[name], (90, 120, 150)).save(folder / name)


def coco_content() -> dict[str, Any]:
    """A cat and a dog in the first picture, a dog and a crowd in the second."""

    def box(number: int, image: int, category: int, bbox: list[float], **more: Any) -> dict[str, Any]:
        return {"id": number, "image_id": image, "category_id": category, "bbox": bbox, "iscrowd": 0, **more}

    return {
        "images": [
            {"id": 10 * place, "file_name": name, "width": SIZES[name][0], "height": SIZES[name][1]}
            for place, name in enumerate(SIZES, 1)
        ],
        "annotations": [
            box(1, 10, 3, [2, 3, 10, 20], segmentation=[[2, 3, 12, 3, 12, 23, 2, 23]]),
            box(2, 10, 8, [20, 5, 15.5, 10]),
            box(3, 20, 8, [0, 0, 20, 60], segmentation={"size": [60, 20], "counts": [600, 600]}),
            box(4, 20, 8, [1, 1, 5, 5], iscrowd=1),
        ],
        "categories": [{"id": 3, "name": "cat"}, {"id": 8, "name": "dog"}],
    }


def write_coco(folder: Path, content: dict[str, Any] | None = None) -> Path:
    """The file of annotations; pictures lie in `images` beside it."""
    for name in SIZES:
        draw(folder / "images", name)
    return write_json(folder / "instances.json", content or coco_content())


def mdetr_content() -> dict[str, Any]:
    def image(number: int, name: str, caption: str) -> dict[str, Any]:
        width, height = SIZES[name]
        of_picture = {"original_img_id": 7, "dataset_name": "flickr", "tokens_negative": [[0, len(caption)]]}
        return {"id": number, "file_name": name, "width": width, "height": height, "caption": caption, **of_picture}

    def box(number: int, image: int, bbox: list[float], spans: Any) -> dict[str, Any]:
        shape = {"bbox": bbox, "area": bbox[2] * bbox[3], "iscrowd": 0, "category_id": 1}
        return {"id": number, "image_id": image, "tokens_positive": spans, **shape}

    return {
        "images": [image(1, "a.png", "a cat and its dog"), image(2, "a.png", "two animals"), image(3, "b.png", "none")],
        "annotations": [
            box(1, 1, [2, 3, 10, 20], [[0, 5]]),
            box(2, 1, [20, 5, 15, 10], [[10, 13], [14, 17]]),
            box(3, 2, [2, 3, 10, 20], [[0, 11]]),
            box(4, 2, [20, 5, 15, 10], [[0, 11]]),
        ],
        "categories": [{"id": 1, "name": "object"}],
    }


def odvg_lines() -> list[dict[str, Any]]:
    return [
        {
            "filename": "a.png",
            "height": 30,
            "width": 40,
            "detection": {
                "instances": [
                    {"bbox": [2, 3, 12, 23], "label": 1, "category": "cat"},
                    {"bbox": [20, 5, 35.5, 15], "label": 0, "category": "dog"},
                ]
            },
        },
        {
            "filename": "b.png",
            "height": 60,
            "width": 20,
            "grounding": {
                "caption": "A dog, two cats",
                "regions": [
                    {"bbox": [0, 0, 20, 60], "phrase": "A dog", "tokens_positive": [[0, 5]]},
                    {"bbox": [[1, 1, 5, 5], [6, 6, 9, 9]], "phrase": "two cats"},
                ],
            },
        },
    ]


def write_lines(file: Path, lines: list[Any]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return file


def write_json(file: Path, content: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))
    return file


def voc_xml(name: str, objects: str, size: tuple[int, int] | None = None) -> str:
    width, height = size or SIZES[name]
    return (
        f"<annotation><folder>VOC2012</folder><filename>{name}</filename>"
        f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
        f"<segmented>0</segmented>{objects}</annotation>"
    )


def voc_object(name: str, box: tuple[float, float, float, float] | None, more: str = "", key: str = "name") -> str:
    corners = zip(("xmin", "ymin", "xmax", "ymax"), box or (), strict=False)
    bndbox = "".join(f"<{corner}>{value}</{corner}>" for corner, value in corners)
    return f"<object><{key}>{name}</{key}>{f'<bndbox>{bndbox}</bndbox>' if box else ''}{more}</object>"
