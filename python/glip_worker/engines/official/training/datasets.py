"""Data sets as the official code sees them: checked, counted, and registered under names of our choice.

The official catalog picks the class of a data set, and the evaluator, by substrings of its name. Ours are `train_1`,
`val`, `test`, and `flickr_1` for MDETR's form: that class takes any captions with spans in one folder of pictures,
where the `mixed` one wants two folders and says by picture which.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

from glip_worker.engines.official.training.annotations import File, Needs, check, names, read_annotations
from glip_worker.engines.official.training.configuration import Flat
from glip_worker.engines.official.training.few_shot import choose, write_subset
from glip_worker.engines.official.training.refusals import Problems
from glip_worker.protocol.messages import Dataset

#: Added to every name in training; it picks CocoGrounding, which makes a prompt of the categories.
SUFFIX = "_grounding"


@dataclass(frozen=True)
class CheckedDataset:
    """A data set without problems."""

    name: str
    """The name in the official configuration."""
    form: str
    """`coco` or `mdetr`."""
    annotations: Path
    images: Path
    categories: tuple[str, ...]
    """In the prompt's order; empty for captions, which have phrases instead."""
    pictures: int
    usable: int
    """Pictures that the official code trains on: those with a box of more than a pixel each way."""
    copies: int
    chosen: frozenset[int] | None = None
    """Few shots: the pictures whose annotations `write_subset` will write; None for all."""
    source: Path | None = None
    """Few shots: the user's file."""

    def registration(self) -> dict[str, Any]:
        if self.form == "mdetr":
            return {"img_folder": str(self.images), "ann_file": str(self.annotations), "is_train": True}
        return {"img_dir": str(self.images), "ann_file": str(self.annotations)}


def check_training(datasets: Sequence[Dataset], masks: bool) -> list[CheckedDataset]:
    """GlipError `dataset_invalid`."""
    checked = []
    for number, dataset in enumerate(datasets, 1):
        captions = dataset.format == "mdetr"
        name = f"flickr_{number}" if captions else f"train_{number}"
        checked.append(_read(name, dataset, Needs(captions=captions, areas=captions, masks=masks))[0])
    return checked


def check_evaluation(name: str, dataset: Dataset) -> CheckedDataset:
    """GlipError `dataset_invalid`. Segmentations are read by the official code whether they are measured or not."""
    return _read(name, dataset, Needs(areas=True, masks=True))[0]


def check_few_shot(
    datasets: Sequence[Dataset], masks: bool, shots: int, seed: int, folder: Path
) -> list[CheckedDataset]:
    """As `check_training`, with the chosen pictures alone. Their annotations are yet to be written to `folder`."""
    checked = []
    for number, dataset in enumerate(datasets, 1):
        whole, file, usable = _read(f"train_{number}", dataset, Needs(masks=masks))
        chosen = frozenset(choose(file, usable, shots, seed))
        target = folder / f"train_{number}_shots_{shots}_seed_{seed}.json"
        count = len(chosen)
        few = replace(whole, annotations=target, source=whole.annotations, chosen=chosen, pictures=count, usable=count)
        checked.append(few)
    return checked


def write_few_shots(datasets: Sequence[CheckedDataset]) -> None:
    """GlipError `file_error`, `disk_full`."""
    for one in datasets:
        if one.chosen is not None and one.source is not None:
            write_subset(one.source, one.chosen, one.annotations)


def training_keys(datasets: Sequence[CheckedDataset], validation: CheckedDataset | None) -> Flat:
    """What says the official code where the data is. One number of copies holds for all sets: names are repeated."""
    common = reduce(math.gcd, (one.copies for one in datasets))
    known = [*datasets, *([] if validation is None else [validation])]
    return {
        "DATASETS.REGISTER": {one.name: one.registration() for one in known},
        "DATASETS.TRAIN": [one.name for one in datasets for _ in range(one.copies // common)],
        "DATASETS.TEST": [] if validation is None else [validation.name],
        "DATASETS.TRAIN_DATASETNAME_SUFFIX": SUFFIX,
        "DATASETS.TEST_DATASETNAME_SUFFIX": "",
        "DATASETS.GENERAL_COPY": common,
        **_plain_keys([len(one.categories) for one in known]),
    }


def evaluation_keys(data: CheckedDataset) -> Flat:
    return {
        "DATASETS.REGISTER": {data.name: data.registration()},
        "DATASETS.TRAIN": [],
        "DATASETS.TEST": [data.name],
        "DATASETS.TRAIN_DATASETNAME_SUFFIX": "",
        "DATASETS.TEST_DATASETNAME_SUFFIX": "",
        **_plain_keys([len(data.categories)]),
    }


def all_categories(datasets: Sequence[CheckedDataset]) -> list[str]:
    """Each category once, in the order of the data."""
    return list(dict.fromkeys(name for one in datasets for name in one.categories))


def _plain_keys(counts: list[int]) -> Flat:
    keys: Flat = {
        "DATASETS.GENERAL_COPY_TEST": -1,
        "DATASETS.FEW_SHOT": 0,
        "DATASETS.SHUFFLE_SEED": 0,
        "DATASETS.USE_OVERRIDE_CATEGORY": False,
        "DATASETS.CLASS_AGNOSTIC": False,
        "DATASETS.CLASS_CONCAT": False,
        "DATALOADER.DISTRIBUTE_CHUNK_AMONG_NODE": False,
    }
    if max(counts):
        # One more for the background.
        for head in ("ATSS", "DYHEAD", "FCOS", "ROI_BOX_HEAD"):
            keys[f"MODEL.{head}.NUM_CLASSES"] = max(counts) + 1
    return keys


def _read(name: str, dataset: Dataset, needs: Needs) -> tuple[CheckedDataset, File, frozenset[int]]:
    path, images = Path(dataset.annotations).absolute(), Path(dataset.images).absolute()
    problems = Problems()
    file = read_annotations(path, problems)
    problems.refuse(str(path))
    assert file is not None
    usable = check(file, images, needs, problems)
    problems.refuse(str(path))
    categories = () if needs.captions else names(file.categories)
    checked = CheckedDataset(
        name=name,
        form=dataset.format,
        annotations=path,
        images=images,
        categories=categories,
        pictures=len(file.images),
        usable=len(usable),
        copies=dataset.copies,
    )
    return checked, file, usable
