"""MDETR's form as benchmarks have it: COCO's, with an image for each text that is said of a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from glipv2.benchmarks.detection import Wrong
from glipv2.data.readers.building import shown


class CaptionRow(msgspec.Struct, gc=False):
    """Anything is read into the fields, so that all that is wrong can be told, not only the first."""

    id: Any = None
    file_name: Any = None
    height: Any = None
    width: Any = None
    caption: Any = None
    original_id: Any = None
    """COCO's picture, of the referring expressions."""
    original_img_id: Any = None
    """Flickr30K's picture."""
    sentence_id: Any = None
    tokens_positive_eval: Any = None


class ObjectRow(msgspec.Struct, gc=False):
    image_id: Any = None
    bbox: Any = None


class CaptionFile(msgspec.Struct, gc=False):
    images: list[CaptionRow]
    annotations: list[ObjectRow]


def read_captions(path: Path, wrong: Wrong) -> CaptionFile:
    """Rows without a text or a picture are told, and left out. DataError when it has another form; OSError."""
    try:
        file = msgspec.json.decode(path.read_bytes(), type=CaptionFile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        wrong.add("unreadable_annotations", "", f"expected images and annotations: {error}")
        raise wrong.error() from error
    good = []
    for place, row in enumerate(file.images):
        if not isinstance(row.file_name, str) or not row.file_name:
            wrong.add("invalid_picture", f"images[{place}].file_name", f"expected a path, got {shown(row.file_name)}")
        elif not isinstance(row.caption, str) or not row.caption.strip():
            wrong.add("invalid_sentence", f"images[{place}].caption", f"expected a text, got {shown(row.caption)}")
        else:
            good.append(row)
    if not file.images:
        wrong.add("no_pictures", "images", "there is none")
    return CaptionFile(good, file.annotations)


def size_in(row: CaptionRow) -> tuple[int, int] | None:
    """(height, width); None: it does not say. MDETR's files of Flickr30K have them as texts."""
    try:
        return int(row.height), int(row.width)
    except (TypeError, ValueError):
        return None
