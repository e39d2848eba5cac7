"""Readers of annotated pictures, one for each format: `read` for one source, `read_all` for those of a training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from glipv2.data.problems import FATAL, merged
from glipv2.data.readers.coco import read_coco, read_lvis, read_odinw
from glipv2.data.readers.coco_captions import read_coco_captions
from glipv2.data.readers.flickr30k import read_flickr30k
from glipv2.data.readers.mdetr import read_mdetr
from glipv2.data.readers.odvg import read_odvg
from glipv2.data.readers.reading import How, Reading
from glipv2.data.readers.scenes import read_scenes
from glipv2.data.readers.voc import read_voc
from glipv2.data.readers.vqav2 import read_vqav2
from glipv2.data.readers.yolo import read_yolo
from glipv2.data.sources import (
    Coco,
    CocoCaptions,
    Flickr30k,
    Lvis,
    Mdetr,
    Odinw,
    Odvg,
    Scenes,
    Source,
    Voc,
    Vqav2,
    Yolo,
)
from glipv2.errors import DataError

#: `fail`: nothing is to be wrong; `drop`: what is wrong is left out, and nothing else.
Policy = Literal["fail", "drop"]

_READERS: dict[type[Source], Callable[[Any, How], Reading]] = {
    Coco: read_coco,
    CocoCaptions: read_coco_captions,
    Flickr30k: read_flickr30k,
    Lvis: read_lvis,
    Mdetr: read_mdetr,
    Odinw: read_odinw,
    Odvg: read_odvg,
    Scenes: read_scenes,
    Voc: read_voc,
    Vqav2: read_vqav2,
    Yolo: read_yolo,
}


def read(source: Source, how: How | None = None) -> Reading:
    """What is good of a source, and what is wrong with the rest: all of it, whatever it is."""
    return _READERS[type(source)](source, how or How())


def read_all(sources: Sequence[Source], policy: Policy, how: How | None = None) -> list[Reading]:
    """Every source is read before DataError is raised, which has what is wrong with any of them: with `fail`, anything;
    with `drop`, what leaves a source without a picture or a box."""
    readings = [read(source, how) for source in sources]
    problems = merged(one.problems for one in readings).to_json()
    if policy == "fail" and problems:
        raise DataError(problems, 'Mend the annotations, or leave out what is wrong with the policy "drop".')
    if problems and any(one.problems.fatal for one in readings):
        raise DataError([one for one in problems if one["kind"] in FATAL], "Nothing of a source can be used.")
    return readings


__all__ = ["How", "Policy", "Reading", "read", "read_all"]
