"""COCO's captions: pictures, and sentences that people wrote of them. A picture without any is left out."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec

from glipv2.data.problems import Problems
from glipv2.data.readers.building import Builder, Entry, Said, shown
from glipv2.data.readers.coco_file import Image, read_json, size_of
from glipv2.data.readers.reading import How, Reading, finished_words
from glipv2.data.sources import CocoCaptions


class _Caption(msgspec.Struct, gc=False):
    id: Any = None
    image_id: Any = None
    caption: Any = None


class CaptionsFile(msgspec.Struct, gc=False):
    images: list[Image]
    annotations: list[_Caption]


#: A caption as a picture's entry has it: place, text, and none of its phrases.
_Told = tuple[str, Any, list[Said]]


def read_coco_captions(source: CocoCaptions, how: How) -> Reading:
    problems = Problems(str(source.annotations))
    builder = Builder(problems, how.decode)
    file = read_json(source.annotations, CaptionsFile, problems)
    if file is None:
        return finished_words(source, builder, (source.annotations,))
    told = captions_of(file, f"{source.annotations}", problems)
    for place, row in enumerate(file.images):
        where = f"images[{place}]"
        if not isinstance(row.file_name, str) or not row.file_name:
            problems.add("invalid_picture", f"{where}.file_name", f"expected a path, got {shown(row.file_name)}")
            continue
        captions = told.get(row.id, []) if type(row.id) is int else []
        builder.add(Entry(where, row.id, source.images / row.file_name, size_of(row), captions=captions))
    return finished_words(source, builder, (source.annotations,))


def captions_of(file: CaptionsFile, path: str, problems: Problems) -> dict[int, list[_Told]]:
    """Of each picture. Blanks and line ends that were typed around the words are none of them."""
    images = {one.id for one in file.images if type(one.id) is int}
    ids: set[int] = set()
    found: dict[int, list[_Told]] = defaultdict(list)
    for place, row in enumerate(file.annotations):
        where = f"annotations[{place}]"
        if type(row.id) is int:
            if row.id in ids:
                problems.add("duplicate_caption", f"{where}.id", f"{row.id} is an earlier caption's")
                continue
            ids.add(row.id)
        if type(row.image_id) is not int or row.image_id not in images:
            problems.add("unknown_picture", f"{where}.image_id", f"there is no picture {shown(row.image_id)}")
            continue
        text = " ".join(row.caption.split()) if isinstance(row.caption, str) else row.caption
        found[row.image_id].append((f"{path}: {where}.caption", text, []))
    return found
