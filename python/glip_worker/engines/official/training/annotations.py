"""A file of annotations, read once and checked for everything on which the official code breaks, or trains nonsense.

COCO's form: images, annotations, categories; a box is [x, y, width, height] in pixels. MDETR's form is that with a
`caption` on each image and, on each annotation, `tokens_positive`: [begin, end] character spans of the caption.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from glip_worker.engines.official.prompt import clean_name
from glip_worker.engines.official.training.refusals import Problems

#: The official code drops boxes of no size or outside of the picture. Large public sets hold a few (COCO's train2017
#: has one); more than one in so many is a mistake.
BOXES_FOR_ONE_DROPPED = 1000

#: A box may begin so far outside of the picture (pixels): annotation tools round.
EDGE_TOLERANCE = 1.0


class Picture(msgspec.Struct, gc=False):
    """Anything is read into the fields, so that all that is wrong can be told, not only the first."""

    id: Any = None
    file_name: Any = None
    width: Any = None
    height: Any = None
    caption: Any = None


class Box(msgspec.Struct, gc=False):
    id: Any = None
    image_id: Any = None
    category_id: Any = None
    bbox: Any = None
    iscrowd: Any = None
    area: Any = None
    tokens_positive: Any = None
    #: Not parsed: most of a file is polygons, and whether it is a list is all that is asked.
    segmentation: msgspec.Raw = msgspec.Raw()


class Category(msgspec.Struct, gc=False):
    id: Any = None
    name: Any = None


class File(msgspec.Struct, gc=False):
    images: list[Picture]
    annotations: list[Box]
    categories: list[Category]


@dataclass(frozen=True)
class Needs:
    """What the official code will read of the file."""

    captions: bool = False
    """MDETR's form."""
    areas: bool = False
    masks: bool = False
    """Segmentations are read: each as a list of polygons."""


def read_annotations(path: Path, problems: Problems) -> File | None:
    """The file, None when it has not the form at all, which is then the one problem."""
    try:
        content = path.read_bytes()
    except OSError as error:
        problems.add("file", f"cannot be read: {error.strerror or error}")
        return None
    try:
        return msgspec.json.decode(content, type=File)
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at `$")
        where = place.rstrip("`").lstrip(".") or "file"
        problems.add(where, f"not COCO's form: {text.replace('`', '')}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        problems.add("file", f"not JSON: {error}")
    return None


def check(file: File, images: Path, needs: Needs, problems: Problems) -> frozenset[int]:
    """Adds what is wrong to `problems`; gives the ids of the pictures that the official code trains on."""
    pictures = _check_pictures(file.images, images, needs, problems)
    categories = _check_categories(file.categories, problems)
    if not file.annotations:
        problems.add("annotations", "expected at least one")
    return _check_boxes(file.annotations, pictures, categories, needs, problems)


def _check_pictures(rows: list[Picture], images: Path, needs: Needs, problems: Problems) -> dict[int, Picture]:
    found: dict[int, Picture] = {}
    folders: dict[str, list[int]] = defaultdict(list)
    if not rows:
        problems.add("images", "expected at least one")
    for index, row in enumerate(rows):
        if type(row.id) is not int:
            problems.add(f"images[{index}].id", f"expected an integer, got {_shown(row.id)}")
        elif row.id in found:
            problems.add(f"images[{index}].id", f"{row.id} is an earlier picture's")
        else:
            found[row.id] = row
        for name in ("width", "height"):
            side = getattr(row, name)
            if type(side) is not int or side < 1:
                problems.add(f"images[{index}].{name}", f"expected pixels, got {_shown(side)}")
        if needs.captions and (not isinstance(row.caption, str) or not row.caption.strip()):
            problems.add(f"images[{index}].caption", f"expected a text, got {_shown(row.caption)}")
        if not isinstance(row.file_name, str) or not row.file_name:
            problems.add(f"images[{index}].file_name", f"expected a text, got {_shown(row.file_name)}")
        else:
            folders[os.path.dirname(row.file_name)].append(index)
    _check_files(rows, folders, images, problems)
    return found


def _check_files(rows: list[Picture], folders: dict[str, list[int]], images: Path, problems: Problems) -> None:
    """Every picture is there. Folders are listed, since asking for 100,000 files one by one takes long."""
    for folder, indices in folders.items():
        try:
            present = {entry.name for entry in os.scandir(images / folder)}
        except OSError as error:
            problems.add(f"images[{indices[0]}].file_name", f"{images / folder}: {error.strerror or error}")
            continue
        for index in indices:
            if os.path.basename(rows[index].file_name) not in present:
                problems.add(f"images[{index}].file_name", f"there is no {images / rows[index].file_name}")


def _check_categories(rows: list[Category], problems: Problems) -> set[int]:
    ids: set[int] = set()
    names: set[str] = set()
    if not rows:
        problems.add("categories", "expected at least one")
    for index, row in enumerate(rows):
        place = f"categories[{index}]"
        if type(row.id) is not int or row.id < 1:
            why = ": 0 is the background, which is left out of the prompt" if row.id == 0 else ""
            problems.add(f"{place}.id", f"expected an integer from 1, got {_shown(row.id)}{why}")
        elif row.id in ids:
            problems.add(f"{place}.id", f"{row.id} is an earlier category's")
        if type(row.id) is int:
            ids.add(row.id)
        if not isinstance(row.name, str) or not clean_name(row.name):
            problems.add(f"{place}.name", f"expected words for the prompt, got {_shown(row.name)}")
        elif row.name == "__background__":
            problems.add(f"{place}.name", "the background is left out of the prompt: remove the category")
        elif row.name in names:
            problems.add(f"{place}.name", f"{_shown(row.name)} is an earlier category's")
        else:
            names.add(row.name)
    return ids


def _check_boxes(
    rows: list[Box], pictures: dict[int, Picture], categories: set[int], needs: Needs, problems: Problems
) -> frozenset[int]:
    ids: set[int] = set()
    usable: set[int] = set()
    polygons: dict[int, bool] = {}
    dropped = Problems()
    for index, row in enumerate(rows):
        picture = pictures.get(row.image_id) if type(row.image_id) is int else None
        if picture is None:
            problems.add(f"annotations[{index}].image_id", f"there is no picture {_shown(row.image_id)}")
        if type(row.category_id) is not int or row.category_id not in categories:
            problems.add(f"annotations[{index}].category_id", f"there is no category {_shown(row.category_id)}")
        if type(row.id) is not int:
            problems.add(f"annotations[{index}].id", f"expected an integer, got {_shown(row.id)}")
        elif row.id in ids:
            problems.add(f"annotations[{index}].id", f"{row.id} is an earlier annotation's")
        else:
            ids.add(row.id)
        if row.iscrowd not in (0, 1) and not (needs.captions and row.iscrowd is None):
            problems.add(f"annotations[{index}].iscrowd", f"expected 0 or 1, got {_shown(row.iscrowd)}")
        if needs.areas and not _number(row.area):
            problems.add(f"annotations[{index}].area", f"expected a number, got {_shown(row.area)}")
        if needs.captions:
            _check_spans(index, row.tokens_positive, picture, problems)
        if needs.masks and not row.iscrowd:
            _check_polygons(index, row, polygons, problems)
        if _check_box(index, row.bbox, picture, problems, dropped) and picture is not None:
            usable.add(row.image_id)
    if dropped.count * BOXES_FOR_ONE_DROPPED > len(rows):
        problems.take(dropped)
    return frozenset(usable)


def _check_box(index: int, box: Any, picture: Picture | None, problems: Problems, dropped: Problems) -> bool:
    """True when the box is one for which the official code keeps its picture: more than a pixel each way."""
    if not isinstance(box, list) or len(box) != 4 or not all(map(_number, box)):
        problems.add(f"annotations[{index}].bbox", f"expected [x, y, width, height], got {_shown(box)}")
        return False
    x, y, width, height = box
    if width < 0 or height < 0:
        problems.add(f"annotations[{index}].bbox", f"its size is negative: {_shown(box)}; [x, y, width, height]?")
    elif width == 0 or height == 0:
        dropped.add(f"annotations[{index}].bbox", f"it has no size: {_shown(box)}")
    elif picture is not None and _begins_outside(x, y, picture):
        size = f"{picture.width} x {picture.height}"
        dropped.add(f"annotations[{index}].bbox", f"it begins outside of the picture of {size}: {_shown(box)}")
    return bool(width > 1 and height > 1)


def _begins_outside(x: float, y: float, picture: Picture) -> bool:
    if type(picture.width) is not int or type(picture.height) is not int:
        return False
    return x >= picture.width or y >= picture.height or x < -EDGE_TOLERANCE or y < -EDGE_TOLERANCE


def _check_spans(index: int, spans: Any, picture: Picture | None, problems: Problems) -> None:
    if not isinstance(spans, list) or not all(
        isinstance(span, list) and len(span) == 2 and all(type(end) is int for end in span) for span in spans
    ):
        expected = "expected a list of [begin, end] in the caption"
        problems.add(f"annotations[{index}].tokens_positive", f"{expected}, got {_shown(spans)}")
        return
    length = len(picture.caption) if picture is not None and isinstance(picture.caption, str) else None
    for begin, end in spans:
        if begin < 0 or end <= begin or (length is not None and end > length):
            of = "" if length is None else f" of {length} characters"
            problems.add(f"annotations[{index}].tokens_positive", f"[{begin}, {end}] is no part of the caption{of}")


def _check_polygons(index: int, row: Box, first: dict[int, bool], problems: Problems) -> None:
    """The official code decides by a picture's first box whether all have polygons; run-length masks it cannot read."""
    given = bytes(row.segmentation)
    wanted = first.setdefault(row.image_id, bool(given)) if isinstance(row.image_id, int) else bool(given)
    if wanted and not given:
        problems.add(f"annotations[{index}].segmentation", "missing, where the picture's first annotation has one")
    elif wanted and not given.startswith(b"["):
        problems.add(f"annotations[{index}].segmentation", "expected polygons, which a run-length mask is not")


def _number(value: Any) -> bool:
    kind = type(value)
    return kind is int or (kind is float and math.isfinite(value))


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def names(rows: Iterable[Category]) -> tuple[str, ...]:
    """The categories in the file's order, which is the prompt's."""
    return tuple(row.name for row in rows)
