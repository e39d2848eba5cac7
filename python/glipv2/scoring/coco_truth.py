"""Annotations in COCO's form as pycocotools wants them."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec


def coco_truth(path: Path) -> Any:
    """pycocotools's `COCO` of a file whose objects may lack numbers, areas (their boxes' are taken), and whether they
    are crowds. OSError, msgspec.DecodeError."""
    return indexed(msgspec.json.decode(path.read_bytes()))


def indexed(content: Mapping[str, Any]) -> Any:
    """The same of what the file would say."""
    from pycocotools.coco import COCO

    truth = COCO()
    objects = [
        {"iscrowd": 0, "area": one["bbox"][2] * one["bbox"][3], **_said(one), "id": number}
        # By their own numbers, COCOeval takes an object 0 for none, and what finds it for wrong.
        for number, one in enumerate(content["annotations"], 1)
    ]
    truth.dataset = {"info": {}, **content, "annotations": objects}
    # It prints.
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
    return truth


def _said(one: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in one.items() if value is not None}


def nothing(truth: Any) -> Any:
    """Results without a row, which its `loadRes` does not take."""
    return indexed({**truth.dataset, "annotations": []})
