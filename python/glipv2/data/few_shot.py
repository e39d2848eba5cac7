"""A few pictures of each category, chosen by seed, and written down so that a run can be repeated.

The rule is the official protocol's (seeds 3, 30 and 300): through the shuffled pictures, each is taken that has a
category of which more are wanted.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from glipv2.data.readers.reading import Reading
from glipv2.data.records import Dataset, Picture
from glipv2.data.sources import Odinw
from glipv2.errors import InputError
from glipv2.plain import plain, read_plain

#: What ODinW's splits are called in the names of its own subsets.
_SPLITS = {"train": "train", "valid": "val"}


@dataclass(frozen=True)
class Subset:
    shots: int
    seed: int
    pictures: tuple[tuple[int, ...], ...]
    """Ids of each data set's, in the order of choice."""

    def of(self, datasets: Sequence[Dataset]) -> list[Dataset]:
        """The data sets with the chosen pictures alone. InputError: they are others than those of the choice."""
        if len(datasets) != len(self.pictures):
            raise InputError("sources", f"the {len(self.pictures)} of the subset", str(len(datasets)))
        chosen = []
        for place, (dataset, ids) in enumerate(zip(datasets, self.pictures, strict=True)):
            known = {one.id: one for one in dataset.pictures}
            lacking = [one for one in ids if one not in known]
            if lacking:
                raise InputError(f"sources[{place}]", "the pictures of the subset", f"none of the id {lacking[0]}")
            pictures = tuple(known[one] for one in ids)
            chosen.append(replace(dataset, pictures=pictures, annotations=None))
        return chosen

    def write(self, file: Path) -> None:
        file.write_text(json.dumps(plain(self)) + "\n", "utf-8")


def read_subset(file: Path) -> Subset:
    """OSError, ValueError: it cannot be read, or is none."""
    return read_plain(Subset, json.loads(file.read_text("utf-8")), str(file))


def choose(readings: Sequence[Reading], shots: int, seed: int) -> Subset:
    """Of ODinW, the subsets that come with it, where there is one of as many shots and that seed.

    InputError: a source has captions and no categories.
    """
    chosen = []
    for place, reading in enumerate(readings):
        if not reading.dataset.names:
            raise InputError(f"sources[{place}]", "categories, of which shots are counted", "captions")
        chosen.append(_prepared(reading, shots, seed) or chosen_ids(reading.dataset, shots, seed))
    return Subset(shots, seed, tuple(chosen))


def chosen_ids(dataset: Dataset, shots: int, seed: int) -> tuple[int, ...]:
    """Pictures of which each category has at least `shots`, or all that there are. Seed 0 takes them by rising id."""
    pictures = {one.id: one for one in dataset.pictures if _usable(one)}
    order = sorted(pictures)
    if seed:
        random.Random(seed).shuffle(order)
    wanted = dict.fromkeys(range(len(dataset.names)), shots)
    chosen = []
    for number in order:
        present = set(pictures[number].categories_M)
        if any(wanted[category] > 0 for category in present):
            chosen.append(number)
            for category in present:
                wanted[category] -= 1
    return tuple(chosen)


def _usable(picture: Picture) -> bool:
    """It has a box of more than a pixel each way."""
    return bool((picture.boxes_M4[:, 2:] > picture.boxes_M4[:, :2]).all(axis=1).any())


def _prepared(reading: Reading, shots: int, seed: int) -> tuple[int, ...] | None:
    """None: there is none, or it has other pictures."""
    source = reading.source
    if not isinstance(source, Odinw) or source.split not in _SPLITS:
        return None
    name = f"fewshot_{_SPLITS[source.split]}_shot{shots}_seed{seed}.json"
    try:
        content = json.loads((source.folder / source.split / name).read_text("utf-8"))
        names = [str(one["file_name"]) for one in content["images"]]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    ids = {one.file.name: one.id for one in reading.dataset.pictures}
    # Its ids are its own; names are the same.
    mine = [ids.get(Path(one).name) for one in names]
    return None if None in mine else tuple(one for one in mine if one is not None)
