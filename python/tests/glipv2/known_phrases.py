"""Benchmarks of phrases in miniature, in their true file layout, and who knows what the phrases speak of."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image as pil
from drawn_scenes import write_split
from known_answers import Row, filled_mask

from glipv2.benchmarks.predictor import Ability, Asking, Found, Pixels

#: Text, or a phrase with its entity and type.
Part = str | tuple[str, int, str]

Box = list[float]

Changed = Callable[[list[Row]], list[Row]]

#: By the pixels of a picture and a text of it: the boxes of each span.
Answers = dict[tuple[bytes, str], dict[tuple[int, int], list[Box]]]

WIDTH = 128


class KnowingPhrases:
    """Says what is known of each span, as `changed` has the boxes and their spans; `asked` counts."""

    identity = "who knows"

    def __init__(
        self,
        answers: Answers,
        changed: Changed = lambda rows: rows,
        abilities: frozenset[Ability] = frozenset(("ground", "masks")),
    ) -> None:
        self.abilities = abilities
        self.asked = 0
        self._answers = answers
        self._changed = changed

    def ground(self, pixels: Pixels, caption: str, spans: Sequence[tuple[int, int]], asking: Asking) -> Found:
        self.asked += 1
        assert len(set(spans)) == len(spans), "a predictor takes each span once"
        known = self._answers[pixels.tobytes(), caption]
        rows = self._changed([(box, label) for label, span in enumerate(spans) for box in known[span]])
        masks = [filled_mask(box, pixels.shape[:2]) for box, _ in rows]
        return Found(
            np.asarray([box for box, _ in rows], np.float32).reshape(-1, 4),
            np.linspace(0.9, 0.6, len(rows), dtype=np.float32),
            np.asarray([label for _, label in rows], np.int64),
            masks if asking.masks else None,
        )

    def detect(self, pixels: Pixels, categories: Sequence[str], asking: Asking) -> Found:
        raise NotImplementedError

    def answer(self, pixels: Pixels, questions: Sequence[str], candidates: Sequence[str]) -> list[str]:
        raise NotImplementedError

    def caption(self, pixels: Pixels) -> str:
        raise NotImplementedError


def nothing(rows: list[Row]) -> list[Row]:
    return []


class Squares:
    """Pictures of two squares of different colours, and where they are."""

    def __init__(self, drawn: Path, count: int) -> None:
        split = write_split(drawn, count)
        content = json.loads((split / "instances.json").read_text())
        names = {one["id"]: one["name"] for one in content["categories"]}
        self.images: list[dict[str, Any]] = content["images"]
        self.files = {one["id"]: split / "images" / one["file_name"] for one in self.images}
        self.of: dict[int, list[tuple[str, list[int]]]] = {
            image["id"]: [
                (names[one["category_id"]], one["bbox"])
                for one in content["annotations"]
                if one["image_id"] == image["id"]
            ]
            for image in self.images
        }

    def moved(self, number: int, to: Path) -> bytes:
        """The picture's pixels, now there."""
        to.parent.mkdir(parents=True, exist_ok=True)
        with pil.open(self.files[number]) as opened:
            pixels = opened.convert("RGB")
        pixels.save(to, "PNG")
        return np.asarray(pixels).tobytes()


def write_flickr_layout(root: Path, count: int = 4, split: str = "test") -> Answers:
    """Of each picture: each square by itself, both in one phrase, and phrases of what has no box."""
    squares = Squares(root / "squares", count)
    entities = root / "flickr30k" / "flickr30k"
    images: list[dict[str, Any]] = []
    answers: Answers = {}
    for number, of in squares.of.items():
        name = f"{number}.jpg"
        pixels = squares.moved(number, root / "flickr30k" / "flickr30k_images" / name)
        boxes = {str(10 + place): [_counted_from_1(box)] for place, (_, box) in enumerate(of)}
        boxes["50"] = [box for several in boxes.values() for box in several]
        write(entities / "Annotations" / f"{number}.xml", _xml(name, boxes))
        first, second = of[0][0], of[1][0]
        sentences: list[list[Part]] = [
            ["See", (f"a {first} square", 10, "other"), "and", (f"a {second} one", 11, "clothing/other"), "."],
            [("The day", 0, "notvisual"), "of", ("two squares", 50, "people"), "in", ("a picture", 60, "scene")],
            ["Nothing that has a box in", ("a picture", 60, "scene"), "."],
        ]
        write(entities / "Sentences" / f"{number}.txt", "\n".join(_annotated(one) for one in sentences) + "\n")
        for place, parts in enumerate(sentences):
            caption, spans = _said(parts)
            asked = {span: entity for span, entity in spans.items() if entity in boxes}
            images.append(
                {
                    "id": len(images),
                    "file_name": name,
                    "height": str(WIDTH),
                    "width": str(WIDTH),
                    "caption": caption,
                    "original_img_id": number,
                    "sentence_id": place,
                    "tokens_positive_eval": [[list(span)] for span in asked],
                }
            )
            answers[pixels, caption] = {span: boxes[entity] for span, entity in asked.items()}
    write(entities / f"{split}.txt", "".join(f"{number}\n" for number in squares.of))
    write_content(sentences_of(root, split), {"images": images, "annotations": []})
    return answers


def sentences_of(root: Path, split: str = "test") -> Path:
    return root / "mdetr_annotations" / f"final_flickr_separateGT_{split}.json"


def write_phrasecut_layout(root: Path, count: int = 4) -> Answers:
    """Of each picture: each square by its colour, and both in one phrase."""
    squares = Squares(root / "squares", count)
    folder = root / "VGPhraseCut_v0"
    tasks: list[dict[str, Any]] = []
    answers: Answers = {}
    for number, of in squares.of.items():
        pixels = squares.moved(number, folder / "images" / f"{number}.jpg")
        phrases = [(f"{name} square", [box], {"type": "attribute", "attributes": [name]}) for name, box in of]
        phrases.append(("squares", [box for _, box in of], {"type": "name", "attributes": []}))
        for phrase, boxes, structure in phrases:
            tasks.append(
                {
                    "task_id": f"{number}__{len(tasks)}",
                    "image_id": number,
                    "ann_ids": [],
                    "instance_boxes": boxes,
                    "Polygons": [[_corners(box)] for box in boxes],
                    "phrase": phrase,
                    "phrase_structure": {"name": "square", "relation_descriptions": [], **structure},
                }
            )
            answers[pixels, phrase] = {(0, len(phrase)): [_last_included(box) for box in boxes]}
    write_content(folder / "refer_test.json", tasks)
    sizes = [{"image_id": one, "width": WIDTH, "height": WIDTH, "split": "test"} for one in squares.of]
    write_content(folder / "image_data_split.json", sizes)
    return answers


def write_refcoco_layout(
    root: Path, name: str = "refcoco", splits: Sequence[str] = ("val", "testA", "testB")
) -> Answers:
    """A picture or two for each split, with an expression for each square."""
    squares = Squares(root / "squares", 2 * len(splits) - 1)
    answers: Answers = {}
    contents: dict[str, dict[str, list[Any]]] = {split: {"images": [], "annotations": []} for split in splits}
    expressions = 0
    for place, (number, of) in enumerate(squares.of.items()):
        file = f"COCO_train2014_{number:012}.jpg"
        pixels = squares.moved(number, root / "coco" / "train2014" / file)
        content = contents[splits[place % len(splits)]]
        for colour, box in of:
            expressions += 1
            caption = f"the {colour} one"
            size = {"height": WIDTH, "width": WIDTH}
            row = {"id": expressions, "file_name": file, "caption": caption, "original_id": number, **size}
            content["images"].append({**row, "dataset_name": name, "tokens_negative": []})
            content["annotations"].append({"image_id": expressions, "bbox": box, "tokens_positive": [[4, 7]]})
            answers[pixels, caption] = {(0, len(caption)): [_last_included(box)]}
    for split, content in contents.items():
        write_content(expressions_of(root, name, split), content)
    return answers


def expressions_of(root: Path, name: str, split: str) -> Path:
    return root / "mdetr_annotations" / f"finetune_{name}_{split}.json"


def write_content(file: Path, content: Any) -> None:
    write(file, json.dumps(content))


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def _said(parts: Sequence[Part]) -> tuple[str, dict[tuple[int, int], str]]:
    """The text, and the entity of each phrase."""
    text, spans = "", {}
    for part in parts:
        text += " " if text else ""
        if isinstance(part, tuple):
            spans[len(text), len(text) + len(part[0])] = str(part[1])
        text += part if isinstance(part, str) else part[0]
    return text, spans


def _annotated(parts: Sequence[Part]) -> str:
    return " ".join(one if isinstance(one, str) else f"[/EN#{one[1]}/{one[2]} {one[0]}]" for one in parts)


def _xml(name: str, boxes: dict[str, list[Box]]) -> str:
    size = f"<size><width>{WIDTH}</width><height>{WIDTH}</height><depth>3</depth></size>"
    objects = [
        f"<object><name>{entity}</name><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax>"
        "</bndbox></object>"
        for entity, several in boxes.items()
        for x1, y1, x2, y2 in several
    ]
    scene = "<object><name>60</name><scene>1</scene><nobndbox>1</nobndbox></object>"
    return f"<annotation><filename>{name}</filename>{size}{''.join(objects)}{scene}</annotation>"


def _counted_from_1(bbox: Sequence[int]) -> Box:
    x, y, width, height = bbox
    return [x + 1, y + 1, x + width, y + height]


def _last_included(bbox: Sequence[int]) -> Box:
    x, y, width, height = bbox
    return [x, y, x + width - 1, y + height - 1]


def _corners(bbox: Sequence[int]) -> list[list[float]]:
    x1, y1, x2, y2 = _last_included(bbox)
    return [[x1, y1], [x2, y1], [x2, y2], [x1, y2]]
