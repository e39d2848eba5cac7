"""All benchmarks by their names."""

from __future__ import annotations

from glipv2.benchmarks.benchmark import Benchmark
from glipv2.benchmarks.coco import COCO
from glipv2.benchmarks.lvis import MINIVAL, VAL

BENCHMARKS: dict[str, Benchmark] = {one.name: one for one in (COCO, MINIVAL, VAL)}
