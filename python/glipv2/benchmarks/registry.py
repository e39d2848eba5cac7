"""All benchmarks by their names."""

from __future__ import annotations

from glipv2.benchmarks import flickr30k, phrasecut
from glipv2.benchmarks.benchmark import Benchmark
from glipv2.benchmarks.coco import COCO
from glipv2.benchmarks.lvis import MINIVAL, VAL
from glipv2.benchmarks.refcoco import REFCOCO, REFCOCO_PLUS, REFCOCOG

BENCHMARKS: dict[str, Benchmark] = {
    one.name: one
    for one in (
        COCO,
        MINIVAL,
        VAL,
        flickr30k.TEST,
        flickr30k.VAL,
        phrasecut.TEST,
        phrasecut.VAL,
        REFCOCO,
        REFCOCO_PLUS,
        REFCOCOG,
    )
}
