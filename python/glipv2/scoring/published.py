"""Published figures to compare with, each with where it stands; those that could not be read there are left out.

They are `published.json`, which the TypeScript side reads too. Figures are as published: parts of 100. LVIS is of
version 1, by fixed AP unless the note says otherwise.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

#: `pre-trained`: the benchmark's own training pictures are in the pre-training; nothing was fine-tuned after.
Setting = Literal["zero-shot", "pre-trained", "fine-tuned"]

FILE = Path(__file__).with_name("published.json")


class Published(NamedTuple):
    model: str
    benchmark: str
    """Such as `coco/val2017`, `lvis/minival`, `odinw13`, `flickr30k/test`, `refcoco+/testA`."""
    metric: str
    value: float
    setting: Setting
    source: str
    """What it is, and its page."""
    note: str = ""


class _Source(msgspec.Struct, forbid_unknown_fields=True):
    text: str
    url: str


class _Row(msgspec.Struct, forbid_unknown_fields=True):
    benchmark: str
    model: str
    setting: Setting
    figures: dict[str, float]
    source: str
    """Of the sources' names."""
    note: str = ""


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    sources: dict[str, _Source]
    rows: list[_Row]


def published(benchmark: str | None = None) -> list[Published]:
    """`benchmark`: one of those in the rows, or what it starts with (`refcoco`); all when not given."""
    content = msgspec.json.decode(FILE.read_bytes(), type=_Content)
    sources = {name: f"{one.text}: {one.url}" for name, one in content.sources.items()}
    return [
        Published(row.model, row.benchmark, metric, value, row.setting, sources[row.source], row.note)
        for row in content.rows
        if benchmark is None or f"{row.benchmark}/".startswith(f"{benchmark}/")
        for metric, value in row.figures.items()
    ]
