"""Benchmarks that ask for a list of categories in each picture, with annotations in COCO's form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from glipv2.benchmarks.benchmark import REMEDY, Example, Record, Task
from glipv2.benchmarks.details import Details
from glipv2.benchmarks.detection_details import detection_details
from glipv2.benchmarks.predictor import Asking, Pixels, Predictor
from glipv2.benchmarks.rows import is_box, is_number, short, shorts
from glipv2.data.problems import Kind, Problems
from glipv2.data.readers.building import shown
from glipv2.data.readers.coco import picture_name
from glipv2.data.readers.coco_file import Category, Image, categories_of
from glipv2.errors import DataError
from glipv2.scoring.judging import Objects


class ImageRow(Image, gc=False):
    not_exhaustive_category_ids: Any = None


class CategoryRow(Category, gc=False):
    frequency: Any = None


class _Object(msgspec.Struct, gc=False):
    image_id: Any = None
    category_id: Any = None
    bbox: Any = None
    iscrowd: Any = None


class _File(msgspec.Struct, gc=False):
    images: list[ImageRow]
    annotations: list[_Object]
    categories: list[CategoryRow]


@dataclass(frozen=True)
class Annotations:
    """What a file in COCO's form says without its objects, which are the scorer's to read."""

    path: Path
    names: tuple[str, ...]
    ids: tuple[int, ...]
    """Of the names."""
    images: tuple[ImageRow, ...]
    """With numbers of their own, and names."""
    categories: tuple[CategoryRow, ...]


def read_annotations(path: Path, check: Callable[[Annotations, Wrong], None] | None = None) -> Annotations:
    """`check`: adds what is wrong for one benchmark alone.

    DataError: all that is wrong with it, objects of pictures or categories that it does not list, too. OSError.
    """
    wrong = Wrong(path)
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        wrong.add("unreadable_annotations", "", f"expected images, annotations and categories: {error}")
        raise wrong.error() from error
    problems = Problems(str(path))
    categories = categories_of(file.categories, problems)
    for one in problems:
        wrong.rows.append((one.kind, one.where, one.reason))
    images = {}
    for place, image in enumerate(file.images):
        where = f"images[{place}]"
        if type(image.id) is not int or image.id in images:
            kind: Kind = "duplicate_picture" if type(image.id) is int else "invalid_picture"
            wrong.add(kind, f"{where}.id", f"expected an integer of its own, got {shown(image.id)}")
        elif picture_name(image) is None:
            wrong.add("invalid_picture", f"{where}.file_name", f"expected a path, got {shown(image.file_name)}")
        else:
            images[image.id] = image
    _check_objects(file.annotations, {one.id for one in file.images if type(one.id) is int}, file.categories, wrong)
    if not images and not wrong.rows:
        wrong.add("no_pictures", "images", "there is none")
    if not categories.names and not wrong.rows:
        wrong.add("invalid_category", "categories", "there is none")
    names, ids = tuple(categories.names), tuple(categories.ids)
    found = Annotations(path, names, ids, tuple(images.values()), tuple(file.categories))
    if check is not None:
        check(found, wrong)
    if wrong.rows:
        raise wrong.error()
    return found


def _check_objects(objects: Sequence[_Object], images: set[int], categories: Sequence[Category], wrong: Wrong) -> None:
    """Each number that nothing has is told once."""
    for place, one in enumerate(objects):
        if not is_box(one.bbox):
            where = f"annotations[{place}].bbox"
            wrong.add("invalid_box", where, f"expected [x, y, width, height], got {shown(one.bbox)}")
    ids = {one.id for one in categories if type(one.id) is int}
    for kind, known, numbers in (
        ("unknown_picture", images, Counter(_number(one.image_id) for one in objects)),
        ("unknown_category", ids, Counter(_number(one.category_id) for one in objects)),
    ):
        noun = kind.removeprefix("unknown_")
        for number, count in numbers.items():
            if number not in known:
                reason = f"{count} of them are of the {noun} {shown(number)}, which the file does not list"
                wrong.add(kind, "annotations", reason)  # type: ignore[arg-type]


def _number(given: Any) -> Any:
    return given if type(given) is int else repr(given)


class Wrong:
    def __init__(self, path: Path) -> None:
        self._path = path
        self.rows: list[tuple[str, str, str]] = []

    def add(self, kind: Kind, where: str, reason: str) -> None:
        self.rows.append((kind, f"{self._path}: {where}" if where else str(self._path), reason))

    def error(self) -> DataError:
        kinds = dict.fromkeys(kind for kind, _, _ in self.rows)
        problems = []
        for kind in kinds:
            examples = [{"where": where, "reason": reason} for one, where, reason in self.rows if one == kind]
            problems.append({"kind": kind, "count": len(examples), "examples": examples})
        return DataError(problems, REMEDY)


class DetectionTask(Task[Example]):
    """A record: `categories` (ids), `boxes`, `scores`, best first of each prompt; with masks, `masks` and the picture's
    `size`, [height, width]."""

    #: Whether each picture is annotated with some of the categories alone, as LVIS says them.
    federated = False

    def __init__(
        self,
        annotations: Annotations,
        examples: Sequence[Example],
        asking: Asking,
        names: Sequence[str] | None = None,
    ) -> None:
        """`names`: under which the categories are asked for; None: the annotations'."""
        self.annotations = annotations
        self.examples = examples
        self.asking = asking
        self._names = annotations.names if names is None else names
        self._ids = frozenset(annotations.ids)

    def ask(self, predictor: Predictor, pixels: Pixels, example: Example) -> Record:
        found = predictor.detect(pixels, self._names, self.asking)
        record: Record = {
            "categories": [self.annotations.ids[label] for label in found.labels_N.tolist()],
            "boxes": [shorts(box_4) for box_4 in found.boxes_N4],
            "scores": [short(score) for score in found.scores_N],
        }
        if found.masks is not None:
            record |= {"masks": found.masks, "size": list(pixels.shape[:2])}
        return record

    def faults(self, record: Record) -> str | None:
        columns = ["categories", "boxes", "scores", *(["masks"] if self.asking.masks else [])]
        if self.asking.masks and not isinstance(record.get("size"), list):
            return "expected the picture's size beside its masks"
        lists = [record.get(name) for name in columns]
        if not all(isinstance(one, list) for one in lists):
            return f"expected lists {', '.join(columns)}, got {', '.join(record)}"
        categories, boxes, scores = lists[:3]
        if len({len(one) for one in lists if one is not None}) > 1:
            return f"expected as many of each of {', '.join(columns)}"
        unknown = sorted({str(one) for one in categories or () if one not in self._ids})
        if unknown:
            return f"the annotations have no category {', '.join(unknown)}"
        if not all(is_number(one) for one in scores or ()) or not all(is_box(one) for one in boxes or ()):
            return "expected numbers for scores, and four of them for each box"
        return None

    def details(self, records: Iterable[Record], keys: Collection[int]) -> Details:
        examples = {one.key: one for one in self.examples if one.key in keys}
        names = dict(zip(self.annotations.ids, self.annotations.names, strict=True))
        return detection_details(records, lambda one: coco_rows([one], False), self._objects(keys), examples, names)

    def _objects(self, keys: Collection[int]) -> dict[int, Objects]:
        by_picture = {key: Objects() for key in keys}
        for one in msgspec.json.decode(self.annotations.path.read_bytes(), type=_File).annotations:
            objects = by_picture.get(one.image_id)
            if objects is None:
                continue
            if one.iscrowd:
                objects.crowds.append((one.category_id, one.bbox))
            else:
                objects.categories.append(one.category_id)
                objects.boxes.append(one.bbox)
        for image in self.annotations.images if self.federated else ():
            if (objects := by_picture.get(image.id)) is not None:
                objects.measured = frozenset((*image.neg_category_ids, *objects.categories))
                objects.unsure = frozenset(image.not_exhaustive_category_ids)
        return by_picture


def coco_rows(records: Iterable[Record], masks: bool) -> Iterator[dict[str, Any]]:
    """In COCO's result format: boxes as `[x, y, width, height]`, or masks."""
    for record in records:
        for place, category in enumerate(record["categories"]):
            row = {"image_id": record["id"], "category_id": category, "score": record["scores"][place]}
            if masks:
                yield {**row, "segmentation": {"size": record["size"], "counts": record["masks"][place]}}
            else:
                x1, y1, x2, y2 = record["boxes"][place]
                yield {**row, "bbox": [x1, y1, x2 - x1 + 1, y2 - y1 + 1]}
