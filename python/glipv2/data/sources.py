"""Where pictures and their annotations lie, a class for each format; the same as JSON on the wire and in a run's files.

A folder or file that is not absolute counts from the working directory of the process that reads it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

from glipv2.errors import InputError
from glipv2.plain import plain, read_plain


@dataclass(frozen=True, kw_only=True)
class _Source:
    copies: int = 1
    """How often an epoch goes through it."""

    share: float | None = None
    """Its part of the pictures that are drawn, in proportion to the others' shares; None, then for all sources: in
    proportion to pictures x copies."""

    def __post_init__(self) -> None:
        if self.copies < 1:
            raise ValueError(f"copies: expected an integer from 1, got {self.copies}")
        if self.share is not None and not 0 < self.share < math.inf:
            raise ValueError(f"share: expected a number > 0, got {self.share}")


@dataclass(frozen=True)
class Coco(_Source):
    """Boxes with categories: COCO's instances."""

    format: ClassVar[str] = "coco"
    annotations: Path
    images: Path
    """Folder that the annotations' file names are relative to."""


@dataclass(frozen=True)
class Lvis(_Source):
    """COCO's form with the categories of which each picture is known to have none."""

    format: ClassVar[str] = "lvis"
    annotations: Path
    images: Path
    """Folder that holds `train2017` and `val2017`, or the pictures themselves."""


@dataclass(frozen=True)
class Odvg(_Source):
    """A picture a line, with boxes of categories (`detection`) or of phrases of a caption (`grounding`)."""

    format: ClassVar[str] = "odvg"
    annotations: Path
    images: Path
    labels: Path | None = None
    """JSON of the categories: label to name. None: names as the lines have them."""


@dataclass(frozen=True)
class Mdetr(_Source):
    """Captions with the spans of their phrases: COCO's form with `caption` and `tokens_positive`."""

    format: ClassVar[str] = "mdetr"
    annotations: Path
    images: Path


@dataclass(frozen=True)
class Flickr30k(_Source):
    """Flickr30k Entities: five sentences a picture, phrases with boxes."""

    format: ClassVar[str] = "flickr30k"
    images: Path
    entities: Path
    """Folder with `Annotations` and `Sentences`."""
    split: Path | None = None
    """File of picture ids, one a line. None: all that have annotations."""


@dataclass(frozen=True)
class Voc(_Source):
    """Pascal VOC: an XML file a picture."""

    format: ClassVar[str] = "voc"
    images: Path
    annotations: Path
    split: Path | None = None
    """File of picture names without suffix, one a line. None: all that have annotations."""


@dataclass(frozen=True)
class Yolo(_Source):
    """A text file a picture, in a folder `labels` beside `images`."""

    format: ClassVar[str] = "yolo"
    file: Path
    """`data.yaml`."""
    split: Literal["train", "val", "test"] = "train"


@dataclass(frozen=True)
class Odinw(_Source):
    """A data set of Object Detection in the Wild: COCO's form, a folder a split."""

    format: ClassVar[str] = "odinw"
    folder: Path
    split: Literal["train", "valid", "test"] = "train"


@dataclass(frozen=True)
class Scenes(_Source):
    """A split of the built-in scenes, as `glip scenes` writes it."""

    format: ClassVar[str] = "scenes"
    folder: Path


@dataclass(frozen=True)
class CocoCaptions(_Source):
    """What people tell of pictures, without a box: COCO's captions."""

    format: ClassVar[str] = "coco-captions"
    annotations: Path
    images: Path
    """Folder that the annotations' file names are relative to."""


@dataclass(frozen=True)
class Vqav2(_Source):
    """Questions about pictures, each with the answers of several people, without a box: VQAv2."""

    format: ClassVar[str] = "vqav2"
    questions: Path
    annotations: Path
    """The answers."""
    images: Path
    """Folder of the pictures, or one that has them in a folder for each split, such as `train2014`."""
    answers: int = 3129
    """Size of the vocabulary: the most frequent answers. Every answer counts in training, whether it is among them or
    not. The paper does not say its own; this is the number of a widespread preparation of the data."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.answers < 1:
            raise ValueError(f"answers: expected an integer from 1, got {self.answers}")


Source = Coco | Lvis | Odvg | Mdetr | Flickr30k | Voc | Yolo | Odinw | Scenes | CocoCaptions | Vqav2

SOURCES: dict[str, type[Source]] = {one.format: one for one in get_args(Source)}


def source_from_json(value: Any, path: str = "source") -> Source:
    """ValueError, with a path such as `source.images`, for anything that is no source."""
    if not isinstance(value, Mapping):
        raise InputError(path, "a source of data", repr(value))
    kind = SOURCES.get(value["format"]) if isinstance(value.get("format"), str) else None
    if kind is None:
        raise InputError(f"{path}.format", f"one of {', '.join(SOURCES)}", repr(value.get("format")))
    return read_plain(kind, {name: one for name, one in value.items() if name != "format"}, path)


def source_to_json(source: Source) -> dict[str, Any]:
    """What `source_from_json` takes."""
    return {"format": source.format, **plain(source)}
