"""COCO's form, which several formats have: lists of images, annotations and categories, in one JSON file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from glipv2.data.problems import Kind, Problems
from glipv2.data.readers.building import Thing, edges, shown
from glipv2.data.records import Mask
from glipv2.text.prompts import clean_name

#: What a file is read as.
Content = TypeVar("Content")


class Image(msgspec.Struct, gc=False):
    """Anything is read into the fields, so that all that is wrong can be told, not only the first."""

    id: Any = None
    file_name: Any = None
    width: Any = None
    height: Any = None
    caption: Any = None
    coco_url: Any = None
    neg_category_ids: Any = None


class Annotation(msgspec.Struct, gc=False):
    id: Any = None
    image_id: Any = None
    category_id: Any = None
    bbox: Any = None
    iscrowd: Any = None
    tokens_positive: Any = None
    segmentation: msgspec.Raw = msgspec.Raw()


class Category(msgspec.Struct, gc=False):
    id: Any = None
    name: Any = None


class CocoFile(msgspec.Struct, gc=False):
    images: list[Image]
    annotations: list[Annotation]
    categories: list[Category] = []


def read_json(path: Path, kind: type[Content], problems: Problems) -> Content | None:
    """None when it is no such file, which is then a problem."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        problems.add("unreadable_annotations", "", f"it cannot be read: {error.strerror or error}")
    except msgspec.ValidationError as error:
        problems.add("unreadable_annotations", "", f"it has another form: {error}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        problems.add("unreadable_annotations", "", f"it is not JSON: {error}")
    return None


@dataclass
class Categories:
    names: list[str] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    index_of: dict[int, int] = field(default_factory=dict)
    refused: dict[int, Kind] = field(default_factory=dict)
    """Ids of those that are left out, and why."""


def categories_of(rows: Sequence[Category], problems: Problems) -> Categories:
    found = Categories()
    for place, row in enumerate(rows):
        where = f"categories[{place}]"
        if type(row.id) is not int:
            problems.add("invalid_category", f"{where}.id", f"expected an integer, got {shown(row.id)}")
        elif row.id == 0:
            found.refused[0] = "category_zero"
            reason = f"{shown(row.name)} has the id 0, which is the background's; count categories from 1"
            problems.add("category_zero", f"{where}.id", reason)
        elif row.id in found.index_of:
            problems.add("duplicate_category", f"{where}.id", f"{row.id} is an earlier category's")
        elif not isinstance(row.name, str) or not clean_name(row.name):
            found.refused[row.id] = "invalid_category"
            problems.add("invalid_category", f"{where}.name", f"expected words, got {shown(row.name)}")
        elif row.name in found.names:
            found.refused[row.id] = "duplicate_category"
            problems.add("duplicate_category", f"{where}.name", f"{shown(row.name)} is an earlier category's")
        else:
            found.index_of[row.id] = len(found.names)
            found.names.append(row.name)
            found.ids.append(row.id)
    return found


def category_of(categories: Categories, given: Any, where: str, problems: Problems) -> int | None:
    """Its index among the names."""
    if type(given) is int and given in categories.index_of:
        return categories.index_of[given]
    kind = categories.refused.get(given, "unknown_category") if type(given) is int else "unknown_category"
    problems.add(kind, f"{where}.category_id", f"there is no category {shown(given)} to be asked for")
    return None


def annotations_of(file: CocoFile, problems: Problems) -> dict[int, list[tuple[str, Annotation]]]:
    """Those of each image with their places, crowds left out: no box of one object is known of them."""
    images = {one.id for one in file.images if type(one.id) is int}
    ids: set[int] = set()
    found: dict[int, list[tuple[str, Annotation]]] = defaultdict(list)
    for place, row in enumerate(file.annotations):
        where = f"annotations[{place}]"
        if type(row.id) is int:
            if row.id in ids:
                problems.add("duplicate_box", f"{where}.id", f"{row.id} is an earlier annotation's")
                continue
            ids.add(row.id)
        if type(row.image_id) is not int or row.image_id not in images:
            problems.add("unknown_picture", f"{where}.image_id", f"there is no picture {shown(row.image_id)}")
        elif row.iscrowd in (None, 0):
            found[row.image_id].append((where, row))
    return found


def thing_of(row: Annotation, where: str, category: int | None, masks: bool) -> Thing:
    given = bytes(row.segmentation) if masks else b""
    mask = None if given in (b"", b"null", b"[]") else Mask(given)
    return Thing(f"{where}.bbox", edges(row.bbox), category, mask)


def size_of(row: Image) -> tuple[Any, Any] | None:
    """None: the file has no word about it."""
    return None if row.width is None and row.height is None else (row.height, row.width)
