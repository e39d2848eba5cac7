"""COCO's instances, and what is nearly the same: LVIS and ODinW."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from glipv2.data.problems import Problems
from glipv2.data.readers.building import Builder, Entry, Thing, shown
from glipv2.data.readers.coco_file import (
    Categories,
    CocoFile,
    Image,
    annotations_of,
    categories_of,
    category_of,
    read_json,
    size_of,
    thing_of,
)
from glipv2.data.readers.reading import How, Reading, finished
from glipv2.data.sources import Coco, Lvis, Odinw, Source

#: Of an ODinW split, the first that there is; the second as the data sets were before, with a category 0.
ODINW_FILES = ("annotations_without_background.json", "_annotations.coco.json")


def read_coco(source: Coco, how: How) -> Reading:
    return _read(source, source.annotations, source.images, how)


def read_lvis(source: Lvis, how: How) -> Reading:
    return _read(source, source.annotations, source.images, how)


def read_odinw(source: Odinw, how: How) -> Reading:
    folder = source.folder / source.split
    file = next((folder / name for name in ODINW_FILES if (folder / name).exists()), folder / ODINW_FILES[0])
    return _read(source, file, folder, how)


def _read(source: Source, path: Path, images: Path, how: How) -> Reading:
    problems = Problems(str(path))
    builder = Builder(problems, how.decode)
    file = read_json(path, CocoFile, problems)
    if file is None:
        return finished(source, builder, (), (), (path,))
    categories = categories_of(file.categories, problems)
    annotations = annotations_of(file, problems)
    for place, row in enumerate(file.images):
        where = f"images[{place}]"
        name = picture_name(row)
        if name is None:
            problems.add("invalid_picture", f"{where}.file_name", f"expected a path, got {shown(row.file_name)}")
            continue
        things = []
        for at, one in annotations.get(row.id, ()) if type(row.id) is int else ():
            category = category_of(categories, one.category_id, at, problems)
            if category is not None:
                things.append(thing_of(one, at, category, how.masks))
        file_ = picture_file(images, name) if isinstance(source, Lvis) else images / name
        absent = _absent(row.neg_category_ids, things, categories) if isinstance(source, Lvis) else None
        builder.add(Entry(where, row.id, file_, size_of(row), things, absent=absent))
    return finished(source, builder, categories.names, categories.ids, (path,), path)


def picture_name(row: Image) -> str | None:
    """LVIS has addresses, of which the last two parts are folder and file."""
    if isinstance(row.file_name, str) and row.file_name:
        return row.file_name
    if isinstance(row.coco_url, str) and row.coco_url:
        return "/".join(urlsplit(row.coco_url).path.split("/")[-2:])
    return None


def picture_file(images: Path, name: str) -> Path:
    """In its own folder (`train2017`), or with all others."""
    file = images / name
    return file if file.parent.is_dir() else images / file.name


def _absent(ids: Any, things: list[Thing], categories: Categories) -> tuple[int, ...]:
    """Of the categories that annotators looked for, those that they did not find."""
    known = [categories.index_of[one] for one in ids or () if type(one) is int and one in categories.index_of]
    return tuple(sorted(set(known) - {thing.category for thing in things}))
