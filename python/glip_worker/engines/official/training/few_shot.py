"""A few pictures of each category, chosen by seed.

Official fine-tuning has no such choice: its training data set takes the first pictures, whatever SHUFFLE_SEED says,
and the seeded subsets of ODinW are files. So a file is written here, by the rule of the official evaluation data set
(COCODataset), which knows the seed: through the shuffled pictures, each is taken that has a category still wanted.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

import msgspec

from glip_worker.engines.official.training.annotations import File
from glip_worker.engines.official.training.refusals import not_written


def choose(file: File, usable: Collection[int], shots: int, seed: int) -> list[int]:
    """Ids of the chosen pictures, in the order of choice. Seed 0 takes them by rising id, as the official code."""
    categories: dict[int, set[int]] = defaultdict(set)
    for box in file.annotations:
        categories[box.image_id].add(box.category_id)
    order = sorted(usable)
    if seed:
        random.Random(seed).shuffle(order)
    wanted = {category.id: shots for category in file.categories}
    chosen = []
    for picture in order:
        present = categories[picture]
        if any(wanted[category] > 0 for category in present):
            chosen.append(picture)
            for category in present:
                wanted[category] -= 1
    return chosen


def write_subset(source: Path, chosen: Collection[int], target: Path) -> None:
    """The annotations of `source` for the chosen pictures alone. GlipError `file_error`, `disk_full`."""
    content = msgspec.json.decode(source.read_bytes())
    content["images"] = [row for row in content["images"] if row["id"] in chosen]
    content["annotations"] = [row for row in content["annotations"] if row["image_id"] in chosen]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(msgspec.json.encode(content))
    except OSError as error:
        raise not_written(target, error) from error
