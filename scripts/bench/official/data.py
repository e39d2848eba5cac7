"""Writes what a small training run needs to a folder: pictures, COCO annotations and a text encoder's vocabulary."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PICTURES, SIDE = 40, 128
SPECIAL = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]"}
CATEGORIES = ("person", "cup", "cat")


def main() -> None:
    folder = Path(sys.argv[1])
    write_data(folder)
    write_bert(folder / "bert")


def write_data(folder: Path) -> None:
    draw = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(1, PICTURES + 1):
        pixels = draw.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
        for category in (1, 2, 3):
            x, y, width, height = (
                int(v) for v in draw.integers((0, 0, 30, 30), (80, 80, 48, 48))
            )
            pixels[y : y + height, x : x + width] = 60 * category
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": category,
                    "iscrowd": 0,
                }
                | {"bbox": [x, y, width, height], "area": width * height}
                | {
                    "segmentation": [
                        [x, y, x + width, y, x + width, y + height, x, y + height]
                    ]
                }
            )
        Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
        images.append(
            {"id": number, "file_name": f"{number}.png", "height": SIDE, "width": SIDE}
        )
    categories = [
        {"id": number, "name": name} for number, name in enumerate(CATEGORIES, 1)
    ]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "instances.json").write_text(json.dumps(content))


def write_bert(folder: Path) -> None:
    """As wide as the small model's text side."""
    folder.mkdir()
    words = [SPECIAL.get(number, f"[unused{number}]") for number in range(104)] + [
        *CATEGORIES,
        ".",
        "##s",
    ]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "BertTokenizer", "do_lower_case": true}'
    )
    sizes = {
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 384,
        "hidden_size": 96,
    }
    (folder / "config.json").write_text(
        json.dumps({"model_type": "bert", "vocab_size": len(words), **sizes})
    )


if __name__ == "__main__":
    main()
