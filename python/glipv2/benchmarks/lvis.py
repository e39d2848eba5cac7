"""LVIS: boxes and masks of 1,203 categories, of which each picture is annotated with some."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

import msgspec

from glipv2.benchmarks.benchmark import Benchmark, Choices, Example, Figures, Needed, Places, Record, Scores
from glipv2.benchmarks.coco import PAGE as COCO_PAGE
from glipv2.benchmarks.detection import Annotations, DetectionTask, Wrong, coco_rows, read_annotations
from glipv2.benchmarks.predictor import Asking
from glipv2.data.readers.building import shown
from glipv2.data.readers.coco import picture_file, picture_name
from glipv2.data.readers.coco_file import Image, size_of
from glipv2.scoring.lvis import Compared, LvisPrecision, LvisScorer, Rule
from glipv2.scoring.lvis_truth import FREQUENCIES, LvisTruth

#: As the official evaluation asks: so many categories a prompt, and so many objects of each.
ASKING = Asking(labels=40, objects=300)

#: The official figures are those of `fixed`.
RULES: tuple[Rule, ...] = ("fixed", "plain")

COMPARED: dict[str, Compared] = {"box": "bbox", "mask": "segm"}

PAGE = "https://www.lvisdataset.org/dataset"

#: The official repository's own link to minival is dead.
MINIVAL_PAGE = "https://huggingface.co/GLIPModel/GLIP/blob/main/lvis_v1_minival_inserted_image_name.json"


def read(places: Places, choices: Choices) -> LvisTask:
    annotations = read_annotations(places["annotations"], _check)
    examples = []
    for one in annotations.images:
        # Where both are there, the address knows the folder.
        name = picture_name(Image(coco_url=one.coco_url)) or str(picture_name(one))
        examples.append(Example(one.id, picture_file(places["images"], name), size_of(one)))
    return LvisTask(annotations, examples, replace(ASKING, masks=choices.masks))


class LvisTask(DetectionTask):
    federated = True

    def score(self, records: Iterable[Record], keys: Collection[int]) -> Scores:
        truth = LvisTruth(msgspec.json.decode(self.annotations.path.read_bytes()), keys)
        kinds = ["box", "mask"] if self.asking.masks else ["box"]
        scorers = {(kind, rule): LvisScorer(truth, COMPARED[kind], rule) for kind in kinds for rule in RULES}
        for record in records:
            for kind in kinds:
                rows = list(coco_rows([record], masks=kind == "mask"))
                for rule in RULES:
                    scorers[kind, rule].add(record["id"], rows)
        figures: Figures = {}
        parts: dict[str, Figures] = {name: {} for name in self.annotations.names}
        names = dict(zip(self.annotations.ids, self.annotations.names, strict=True))
        for (kind, rule), scorer in scorers.items():
            found = scorer.result()
            figures |= {f"{kind}.{rule}.{name}": value for name, value in figures_of(found).items()}
            for category, name in names.items():
                parts[name][f"{kind}.{rule}"] = found.by_category.get(category)
        return Scores(figures, {"categories": parts})


def figures_of(found: LvisPrecision) -> Figures:
    return {
        "AP": found.ap,
        "AP50": found.ap50,
        "AP75": found.ap75,
        "APs": found.ap_small,
        "APm": found.ap_medium,
        "APl": found.ap_large,
        "APr": found.ap_rare,
        "APc": found.ap_common,
        "APf": found.ap_frequent,
        "AR": found.recall,
    }


def _check(found: Annotations, wrong: Wrong) -> None:
    """What LVIS adds to COCO's form; without it there is nothing to measure by."""
    for place, image in enumerate(found.images):
        for name in ("neg_category_ids", "not_exhaustive_category_ids"):
            given: Any = getattr(image, name)
            if not isinstance(given, list):
                wrong.add("invalid_picture", f"images[{place}].{name}", f"expected category ids, got {shown(given)}")
    for place, category in enumerate(found.categories):
        if category.frequency not in FREQUENCIES:
            reason = f"expected {', '.join(FREQUENCIES)}, got {shown(category.frequency)}"
            wrong.add("invalid_category", f"categories[{place}].frequency", reason)


MINIVAL = Benchmark(
    name="lvis-minival",
    description="LVIS v1 minival, the 5,000 pictures of it in COCO val2017: average precision, fixed and plain",
    files=(
        Needed(
            "annotations",
            "coco/annotations/lvis_v1_minival_inserted_image_name.json",
            MINIVAL_PAGE,
            also=("coco/annotations/lvis_v1_minival.json",),
        ),
        Needed("images", "coco", COCO_PAGE, folder=True),
        Needed(None, "coco/val2017", COCO_PAGE, folder=True),
    ),
    read=read,
    masks=True,
)

VAL = Benchmark(
    name="lvis-val",
    description="LVIS v1 val, pictures of COCO train2017 and val2017: average precision, fixed and plain",
    files=(
        Needed("annotations", "coco/annotations/lvis_od_val.json", PAGE, also=("coco/annotations/lvis_v1_val.json",)),
        Needed("images", "coco", COCO_PAGE, folder=True),
        Needed(None, "coco/train2017", COCO_PAGE, folder=True),
        Needed(None, "coco/val2017", COCO_PAGE, folder=True),
    ),
    read=read,
    masks=True,
)
