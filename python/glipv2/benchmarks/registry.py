"""All benchmarks by their names."""

from __future__ import annotations

from glipv2.benchmarks import coco_captions, flickr30k, odinw, phrasecut, vqav2
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
        odinw.ODINW13,
        odinw.ODINW35,
        vqav2.VAL,
        vqav2.TEST_DEV,
        coco_captions.KARPATHY,
        coco_captions.VAL2017,
    )
}
