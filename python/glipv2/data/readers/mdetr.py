"""MDETR's form: COCO's, with a caption for each image and, for each annotation, the spans that speak of it."""

from __future__ import annotations

from typing import Any

from glipv2.data.problems import Problems
from glipv2.data.readers.building import Builder, Entry, Said, shown
from glipv2.data.readers.coco_file import CocoFile, annotations_of, read_json, size_of, thing_of
from glipv2.data.readers.reading import How, Reading, finished
from glipv2.data.sources import Mdetr


def read_mdetr(source: Mdetr, how: How) -> Reading:
    """A picture of several captions is as many records."""
    path = source.annotations
    problems = Problems(str(path))
    builder = Builder(problems, how.decode)
    file = read_json(path, CocoFile, problems)
    annotations = {} if file is None else annotations_of(file, problems)
    for place, row in enumerate([] if file is None else file.images):
        where = f"images[{place}]"
        if not isinstance(row.file_name, str) or not row.file_name:
            problems.add("invalid_picture", f"{where}.file_name", f"expected a path, got {shown(row.file_name)}")
            continue
        mine = annotations.get(row.id, []) if type(row.id) is int else []
        things = [thing_of(one, at, None, how.masks) for at, one in mine]
        said = [Said(f"{at}.tokens_positive", one.tokens_positive, (nth,)) for nth, (at, one) in enumerate(mine)]
        size = size_of(row)
        if size is not None:
            size = _number(size[0]), _number(size[1])
        builder.add(Entry(where, row.id, source.images / row.file_name, size, things, [(row.caption, said)]))
    return finished(source, builder, (), (), (path,))


def _number(side: Any) -> Any:
    """MDETR's files of Flickr30K have the sides as texts."""
    return int(side) if isinstance(side, str) and side.isdecimal() else side
