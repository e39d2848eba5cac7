"""Where pictures and their annotations lie, a class for each format; the same as JSON on the wire and in a run's files.

A folder or file that is not absolute counts from the working directory of the process that reads it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args, get_type_hints

from glipv2.errors import InputError


@dataclass(frozen=True, kw_only=True)
class _Source:
    copies: int = 1
    """How often an epoch goes through it."""

    share: float | None = None
    """Its part of the pictures that are drawn, in proportion to the others' shares; None, then for all sources: in
    proportion to pictures x copies."""


@dataclass(frozen=True)
class Coco(_Source):
    """Boxes with categories: COCO's instances."""

    format: ClassVar = "coco"
    annotations: Path
    images: Path
    """Folder that the annotations' file names are relative to."""


@dataclass(frozen=True)
class Lvis(_Source):
    """COCO's form with the categories of which each picture is known to have none."""

    format: ClassVar = "lvis"
    annotations: Path
    images: Path
    """Folder that holds `train2017` and `val2017`, or the pictures themselves."""


@dataclass(frozen=True)
class Odvg(_Source):
    """A picture a line, with boxes of categories (`detection`) or of phrases of a caption (`grounding`)."""

    format: ClassVar = "odvg"
    annotations: Path
    images: Path
    labels: Path | None = None
    """JSON of the categories: label to name. None: names as the lines have them."""


@dataclass(frozen=True)
class Mdetr(_Source):
    """Captions with the spans of their phrases: COCO's form with `caption` and `tokens_positive`."""

    format: ClassVar = "mdetr"
    annotations: Path
    images: Path


@dataclass(frozen=True)
class Flickr30k(_Source):
    """Flickr30k Entities: five sentences a picture, phrases with boxes."""

    format: ClassVar = "flickr30k"
    images: Path
    entities: Path
    """Folder with `Annotations` and `Sentences`."""
    split: Path | None = None
    """File of picture ids, one a line. None: all that have annotations."""


@dataclass(frozen=True)
class Voc(_Source):
    """Pascal VOC: an XML file a picture."""

    format: ClassVar = "voc"
    images: Path
    annotations: Path
    split: Path | None = None
    """File of picture names without suffix, one a line. None: all that have annotations."""


@dataclass(frozen=True)
class Yolo(_Source):
    """A text file a picture, in a folder `labels` beside `images`."""

    format: ClassVar = "yolo"
    file: Path
    """`data.yaml`."""
    split: Literal["train", "val", "test"] = "train"


@dataclass(frozen=True)
class Odinw(_Source):
    """A data set of Object Detection in the Wild: COCO's form, a folder a split."""

    format: ClassVar = "odinw"
    folder: Path
    split: Literal["train", "valid", "test"] = "train"


@dataclass(frozen=True)
class Scenes(_Source):
    """A split of the built-in scenes, as `glip scenes` writes it."""

    format: ClassVar = "scenes"
    folder: Path


Source = Coco | Lvis | Odvg | Mdetr | Flickr30k | Voc | Yolo | Odinw | Scenes

SOURCES: dict[str, type[Source]] = {one.format: one for one in get_args(Source)}


def source_from_json(value: Any, path: str = "source") -> Source:
    """InputError, with a path such as `source.images`, for anything that is no source."""
    if not isinstance(value, Mapping):
        raise InputError(path, "a source of data", repr(value))
    kind = SOURCES.get(value["format"]) if isinstance(value.get("format"), str) else None
    if kind is None:
        raise InputError(f"{path}.format", f"one of {', '.join(SOURCES)}", repr(value.get("format")))
    hints = get_type_hints(kind)
    known = {one.name: one for one in fields(kind)}
    for name in value.keys() - known.keys() - {"format"}:
        raise InputError(f"{path}.{name}", f"a field of {kind.format}: {', '.join(known)}", repr(name))
    given = {}
    for name, one in known.items():
        if name in value:
            given[name] = _checked(value[name], hints[name], f"{path}.{name}")
        elif one.default is MISSING:
            raise InputError(f"{path}.{name}", "a value", "nothing")
    return kind(**given)


def source_to_json(source: Source) -> dict[str, Any]:
    """What `source_from_json` takes."""
    values = {one.name: getattr(source, one.name) for one in fields(source)}
    texts = {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
    return {"format": source.format, **texts}


def _checked(value: Any, kind: Any, path: str) -> Any:
    if type(None) in get_args(kind):
        if value is None:
            return None
        kind = next(one for one in get_args(kind) if one is not type(None))
    if kind is Path:
        if not isinstance(value, str) or not value:
            raise InputError(path, "a path", repr(value))
        return Path(value)
    if kind is int:
        if type(value) is not int or value < 1:
            raise InputError(path, "an integer from 1", repr(value))
        return value
    if kind is float:
        if type(value) not in (int, float) or not math.isfinite(value) or value <= 0:
            raise InputError(path, "a number > 0", repr(value))
        return float(value)
    if value not in get_args(kind):
        raise InputError(path, f"one of {', '.join(get_args(kind))}", repr(value))
    return value
