"""YOLO: `data.yaml`, pictures in folders `images`, and beside each of them, in `labels`, a text file a picture.

A line is `category x y width height`, the centre and the sides as parts of the picture's, or `category x y x y ...`,
the corners of a polygon. A picture without a file has nothing in it. Categories count from 0.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import PIL.Image as pil

from glipv2.data.problems import Problems
from glipv2.data.readers.building import Builder, Entry, Thing, shown, upright_size
from glipv2.data.readers.reading import How, Reading, finished
from glipv2.data.records import Mask
from glipv2.data.sources import Yolo
from glipv2.errors import InputError
from glipv2.text.prompts import clean_name

SUFFIXES = frozenset((".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"))


def read_yolo(source: Yolo, how: How) -> Reading:
    """Category ids are YOLO's numbers plus 1, since COCO's measure takes 0 for no category. InputError: this Python
    cannot read YAML."""
    problems = Problems()
    builder = Builder(problems, how.decode)
    content = _yaml(source.file, problems)
    names = _names(content.get("names"), str(source.file), problems)
    index_of = {number: index for index, number in enumerate(names)}
    labels: list[Path] = []
    for number, picture in enumerate(_pictures(source, content, problems), 1):
        labels.append(_label_file(picture))
        entry = Entry(str(labels[-1]), number, picture, upright=True)
        lines = _lines(labels[-1], problems)
        if lines:
            entry.size = _size(picture)
        # Without a size nothing is known of boxes, and the picture is told to be missing or unreadable.
        for at, line in lines if entry.size else ():
            _add(entry, line, f"{entry.where}: line {at}", index_of, how.masks, problems)
        builder.add(entry)
    files = [source.file, *(one for one in labels if one.exists())]
    return finished(source, builder, list(names.values()), [number + 1 for number in names], files)


def _yaml(file: Path, problems: Problems) -> dict[str, Any]:
    try:
        import yaml
    except ModuleNotFoundError as error:
        remedy = "`npx glip setup` makes a Python that has it; in one of your own, install pyyaml"
        raise InputError(str(file), f"a Python that reads YAML ({remedy})", "one without PyYAML") from error
    try:
        content = yaml.safe_load(file.read_text("utf-8"))
    except OSError as error:
        problems.add("unreadable_annotations", str(file), f"it cannot be read: {error.strerror or error}")
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problems.add("unreadable_annotations", str(file), f"it is not YAML: {' '.join(str(error).split())}")
    else:
        if isinstance(content, dict):
            return content
        problems.add("unreadable_annotations", str(file), f"expected path, train, val and names, got {shown(content)}")
    return {}


def _names(given: Any, file: str, problems: Problems) -> dict[int, str]:
    """Each by its number."""
    pairs = enumerate(given) if isinstance(given, list) else given.items() if isinstance(given, dict) else ()
    names: dict[int, str] = {}
    for number, name in pairs:
        # A name such as 9 or yes is no text to YAML.
        text = name if isinstance(name, str) else str(name)
        if type(number) is not int or number < 0 or name is None or not clean_name(text):
            problems.add(
                "invalid_category", f"{file}: names[{number}]", f"expected a number and a name, got {shown(name)}"
            )
        elif text in names.values():
            problems.add("duplicate_category", f"{file}: names[{number}]", f"{shown(text)} is an earlier category's")
        else:
            names[number] = text
    if not names and not problems.fatal:
        problems.add("unreadable_annotations", f"{file}: names", f"expected the categories' names, got {shown(given)}")
    return names


def _pictures(source: Yolo, content: dict[str, Any], problems: Problems) -> list[Path]:
    """Those of the split: of folders, and of files that list them."""
    given = content.get(source.split)
    if given is None and not problems.fatal:
        problems.add("unreadable_annotations", f"{source.file}: {source.split}", "there is no such split")
    root = source.file.parent / str(content.get("path") or "")
    found: list[Path] = []
    for one in given if isinstance(given, list) else [] if given is None else [given]:
        # Roboflow's `../train/images` is meant to lie beside the file, as Ultralytics reads it.
        places = (root / str(one), source.file.parent / str(one), root / str(one).removeprefix("../"))
        place = next((place for place in places if place.exists()), places[0])
        try:
            if place.is_dir():
                files = (Path(folder) / name for folder, _, names in os.walk(place) for name in names)
                found += sorted(file for file in files if file.suffix.lower() in SUFFIXES)
            else:
                lines = (line.strip() for line in place.read_text("utf-8").splitlines())
                found += [place.parent / line for line in lines if line]
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            where = f"{source.file}: {source.split}"
            problems.add("unreadable_annotations", where, f"{place} cannot be read: {reason}")
    return found


def _label_file(picture: Path) -> Path:
    """In `labels` where the picture is in `images`, the last folder of that name."""
    parts = list(picture.parts)
    if "images" in parts[:-1]:
        parts[len(parts) - 2 - parts[-2::-1].index("images")] = "labels"
    return Path(*parts).with_suffix(".txt")


def _lines(file: Path, problems: Problems) -> list[tuple[int, str]]:
    try:
        return [(at, line) for at, line in enumerate(file.read_text("utf-8").splitlines(), 1) if line.strip()]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        problems.add("invalid_line", str(file), f"it cannot be read: {error}")
    return []


def _size(picture: Path) -> tuple[int, int] | None:
    try:
        with pil.open(picture) as opened:
            return upright_size(opened)
    except Exception:  # what is wrong with it, the builder tells
        return None


def _add(entry: Entry, line: str, where: str, index_of: dict[int, int], masks: bool, problems: Problems) -> None:
    assert entry.size is not None
    words = line.split()
    try:
        number, values = float(words[0]), [float(word) for word in words[1:]]
    except ValueError:
        number, values = math.nan, []
    polygon = len(values) >= 6 and len(values) % 2 == 0
    if not number.is_integer() or not (len(values) == 4 or polygon) or not all(map(math.isfinite, values)):
        expected = "expected a category and the parts x y width height, or a polygon's x y x y ..."
        problems.add("invalid_line", where, f"{expected}, got {shown(line)}")
        return
    if int(number) not in index_of:
        problems.add("unknown_category", where, f"there is no category {int(number)} to be asked for")
        return
    height, width = entry.size
    mask = None
    if polygon:
        points = np.asarray(values).reshape(-1, 2) * (width, height)
        (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        mask = Mask(msgspec.json.encode([points.flatten().tolist()])) if masks else None
    else:
        x, y, across, down = values
        left, right = (x - across / 2) * width, (x + across / 2) * width
        top, bottom = (y - down / 2) * height, (y + down / 2) * height
    entry.things.append(Thing(where, (left, top, right, bottom), index_of[int(number)], mask))
