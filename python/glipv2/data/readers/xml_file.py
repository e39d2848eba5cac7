"""What Pascal VOC's XML files, and those of Flickr30k Entities, have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from glipv2.data.problems import Problems


def read_xml(file: Path, problems: Problems) -> Element | None:
    """None when it cannot be read, which is then a problem."""
    try:
        return ElementTree.parse(file).getroot()
    except OSError as error:
        problems.add("invalid_picture", str(file), f"it cannot be read: {error.strerror or error}")
    except ElementTree.ParseError as error:
        problems.add("invalid_picture", str(file), f"it is not XML: {error}")
    return None


def size_in(root: Element) -> tuple[Any, Any] | None:
    """(height, width); None: it does not say."""
    size = root.find("size")
    height, width = (None, None) if size is None else (integer(size, "height"), integer(size, "width"))
    return None if height in (None, 0) and width in (None, 0) else (height, width)


def thing_box(one: Element) -> Any:
    """Edges, of pixels counted from 1 with the last one included; None: it has no box."""
    box = one.find("bndbox")
    if box is None:
        return None
    left, top, right, bottom = (_number(box, name) for name in ("xmin", "ymin", "xmax", "ymax"))
    return (None if left is None else left - 1, None if top is None else top - 1, right, bottom)


def integer(one: Element, name: str) -> int | None:
    value = _number(one, name)
    return None if value is None else int(value)


def text_of(one: Element, name: str) -> str:
    return (one.findtext(name) or "").strip()


def _number(one: Element, name: str) -> float | None:
    try:
        return float(text_of(one, name))
    except ValueError:
        return None
