"""Published figures to compare with, each with where it stands; those that could not be read there are left out.

Figures are as published: parts of 100. LVIS is of version 1, by fixed AP unless the setting says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

#: `pre-trained`: the benchmark's own training pictures are in the pre-training; nothing was fine-tuned after.
Setting = Literal["zero-shot", "pre-trained", "fine-tuned"]


class Published(NamedTuple):
    model: str
    benchmark: str
    """Such as `coco/val2017`, `lvis/minival`, `odinw13`, `flickr30k/test`, `refcoco+/testA`."""
    metric: str
    value: float
    setting: Setting
    source: str
    note: str = ""


_GLIP = "GLIP: github.com/microsoft/GLIP, README, model zoo"
_GLIP_PAPER = "GLIP: arXiv 2112.03857, abstract"
_GLIPV2 = "GLIPv2: arXiv 2206.05836, by its page at paperswithcode.com"
_MDETR = "MDETR: github.com/ashkamath/mdetr, README"
_GDINO = "Grounding DINO: github.com/IDEA-Research/GroundingDINO, README"
_GDINO_PAPER = "Grounding DINO: arXiv 2303.05499, abstract"
_MMDET = "MMDetection: configs/mm_grounding_dino/README.md"
_OWL = "OWL-ViT: github.com/google-research/scenic, scenic/projects/owl_vit/README.md"
_YOLO_WORLD = "YOLO-World: github.com/AILab-CVC/YOLO-World, README"

_MULTI_SCALE = "multi-scale testing"

_OWN_EVALUATOR = "by its own evaluator"


def published(benchmark: str | None = None) -> list[Published]:
    """`benchmark`: one of those in the rows, or what it starts with (`refcoco`); all when not given."""
    rows = [*_glip(), *_glipv2(), *_mdetr(), *_grounding_dino(), *_mmdetection(), *_others()]
    return [row for row in rows if benchmark is None or f"{row.benchmark}/".startswith(f"{benchmark}/")]


def _glip() -> Iterator[Published]:
    zoo: Mapping[str, tuple[float, float, float | None, float | None]] = {
        # COCO zero-shot and fine-tuned, LVIS APr of the last checkpoint, ODinW-13.
        "GLIP-T (A)": (42.9, 52.9, None, None),
        "GLIP-T (B)": (44.9, 53.8, None, None),
        "GLIP-T (C)": (46.7, 55.1, 14.3, 44.4),
        "GLIP-T": (46.6, 55.2, 17.6, 42.7),
        "GLIP-L": (51.4, 61.7, 29.3, 51.2),
    }
    for model, (coco, tuned, rare, odinw) in zoo.items():
        yield Published(model, "coco/val2017", "AP", coco, "zero-shot", _GLIP)
        note = _MULTI_SCALE if model == "GLIP-L" else ""
        yield Published(model, "coco/val2017", "AP", tuned, "fine-tuned", _GLIP, note)
        if rare is not None:
            yield Published(model, "lvis/minival", "APr", rare, "zero-shot", _GLIP, "the last checkpoint")
        if odinw is not None:
            yield Published(model, "odinw13", "AP", odinw, "zero-shot", _GLIP, "the last checkpoint")
    yield Published("GLIP-L", "coco/val2017", "AP", 49.8, "zero-shot", _GLIP_PAPER)
    yield Published("GLIP-L", "lvis/val", "AP", 26.9, "zero-shot", _GLIP_PAPER)
    yield Published("GLIP-L", "coco/val2017", "AP", 60.8, "fine-tuned", _GLIP_PAPER)
    yield Published("GLIP-L", "coco/test-dev", "AP", 61.5, "fine-tuned", _GLIP_PAPER)


def _glipv2() -> Iterator[Published]:
    yield Published("GLIPv2-H", "coco/test-dev", "AP", 62.4, "fine-tuned", _GLIPV2, _MULTI_SCALE)
    yield Published("GLIPv2-H", "lvis/minival", "AP", 59.8, "fine-tuned", _GLIPV2)
    yield Published("GLIPv2-H", "odinw13", "AP", 70.4, "fine-tuned", _GLIPV2)
    yield Published("GLIPv2-H", "flickr30k/test", "R@1", 87.7, "pre-trained", _GLIPV2)
    yield Published("GLIPv2-H", "phrasecut/test", "mIoU", 61.3, "fine-tuned", _GLIPV2)


def _mdetr() -> Iterator[Published]:
    for model, recalls in {
        "MDETR ResNet-101": (83.4, 93.5, 95.3),
        "MDETR EfficientNet-B3": (84.0, 93.8, 95.6),
        "MDETR EfficientNet-B5": (84.3, 93.9, 95.8),
    }.items():
        yield from _recalls(model, recalls, "pre-trained", _MDETR, "any box")
    yield from _recalls("MDETR ResNet-101", (83.8, 92.7, 94.4), "fine-tuned", _MDETR, "merged boxes")
    referring = {
        "refcoco/val": (86.75, 87.51),
        "refcoco/testA": (89.58, 90.40),
        "refcoco/testB": (81.41, 82.67),
        "refcoco+/val": (79.52, 81.13),
        "refcoco+/testA": (84.09, 85.52),
        "refcoco+/testB": (70.62, 72.96),
        "refcocog/val": (81.64, 83.35),
        "refcocog/test": (80.89, 83.31),
    }
    phrases = {"mIoU": (53.1, 53.7), "P@0.5": (56.1, 57.5), "P@0.7": (38.9, 39.9), "P@0.9": (11.9, 11.9)}
    for place, model in enumerate(("MDETR ResNet-101", "MDETR EfficientNet-B3")):
        for benchmark, values in referring.items():
            yield Published(model, benchmark, "accuracy", values[place], "fine-tuned", _MDETR, "by GIoU")
        for metric, values in phrases.items():
            yield Published(model, "phrasecut/test", metric, values[place], "fine-tuned", _MDETR)


def _grounding_dino() -> Iterator[Published]:
    yield Published("Grounding DINO-T", "coco/val2017", "AP", 48.4, "zero-shot", _GDINO)
    yield Published("Grounding DINO-T", "coco/val2017", "AP", 57.2, "fine-tuned", _GDINO)
    yield Published("Grounding DINO-L", "coco/val2017", "AP", 52.5, "zero-shot", _GDINO_PAPER)
    yield Published("Grounding DINO-L", "odinw35", "AP", 26.1, "zero-shot", _GDINO_PAPER)


def _mmdetection() -> Iterator[Published]:
    lvis = ("lvis/minival", "lvis/val")
    metrics = ("APr", "APc", "APf", "AP")
    for model, values in {
        "Grounding DINO-T": (18.8, 24.2, 34.7, 28.8, 10.1, 15.3, 29.9, 20.1),
        "MM-Grounding-DINO-T (O365, GoldG)": (28.1, 30.2, 42.0, 35.7, 17.1, 22.4, 36.5, 27.0),
        "MM-Grounding-DINO-T": (34.2, 37.4, 46.2, 41.4, 23.6, 27.6, 40.5, 31.9),
    }.items():
        places = [(benchmark, metric) for benchmark in lvis for metric in metrics]
        for (benchmark, metric), value in zip(places, values, strict=True):
            yield Published(model, benchmark, metric, value, "zero-shot", _MMDET)
    yield Published("MM-Grounding-DINO-T", "coco/val2017", "AP", 50.4, "zero-shot", _MMDET)
    for model, odinw13, odinw35 in (("Grounding DINO-T", 51.4, 22.7), ("MM-Grounding-DINO-T", 53.3, 28.4)):
        yield Published(model, "odinw13", "AP", odinw13, "zero-shot", _MMDET)
        yield Published(model, "odinw35", "AP", odinw35, "zero-shot", _MMDET)
    for model, recalls in {
        "GLIP-T (C)": (85.6, 95.4, 96.7),
        "GLIP-T": (86.0, 95.9, 97.2),
        "Grounding DINO-T": (88.1, 96.9, 98.2),
        "MM-Grounding-DINO-T": (87.2, 96.2, 97.7),
    }.items():
        yield from _recalls(model, recalls, "pre-trained", _MMDET, "any box")
    for benchmark, theirs, ours in (
        ("refcoco/val", 50.8, 53.1),
        ("refcoco/testA", 57.4, 59.1),
        ("refcoco/testB", 45.0, 46.8),
        ("refcoco+/val", 51.6, 52.7),
        ("refcoco+/testA", 57.3, 58.7),
        ("refcoco+/testB", 46.4, 48.4),
        ("refcocog/val", 60.4, 62.9),
        ("refcocog/test", 59.7, 62.9),
    ):
        yield Published("Grounding DINO-T", benchmark, "accuracy", theirs, "zero-shot", _MMDET)
        yield Published("MM-Grounding-DINO-T", benchmark, "accuracy", ours, "zero-shot", _MMDET)


def _others() -> Iterator[Published]:
    for model, ap, rare in (
        ("OWL-ViT B/32", 19.3, 16.9),
        ("OWL-ViT B/16", 20.8, 17.1),
        ("OWL-ViT L/14", 34.6, 31.2),
    ):
        yield Published(model, "lvis/val", "AP", ap, "zero-shot", _OWL, _OWN_EVALUATOR)
        yield Published(model, "lvis/val", "APr", rare, "zero-shot", _OWL, _OWN_EVALUATOR)
    values = (33.8, 24.5, 32.3, 36.8)
    for metric, value in zip(("AP", "APr", "APc", "APf"), values, strict=True):
        yield Published("YOLO-World-L v2.1, 640", "lvis/minival", metric, value, "zero-shot", _YOLO_WORLD)
    yield Published("YOLO-World-L v2.1, 640", "coco/val2017", "AP", 44.9, "zero-shot", _YOLO_WORLD)


def _recalls(
    model: str, recalls: tuple[float, float, float], setting: Setting, source: str, note: str
) -> Iterator[Published]:
    for metric, value in zip(("R@1", "R@5", "R@10"), recalls, strict=True):
        yield Published(model, "flickr30k/test", metric, value, setting, source, note)
