"""ODinW: boxes of the categories of many small sets, 13 or 35 of them, each asked for by its own prompt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from glipv2.benchmarks.benchmark import (
    REMEDY,
    Benchmark,
    Choices,
    Example,
    Figures,
    Needed,
    Places,
    Record,
    Scores,
    Task,
)
from glipv2.benchmarks.coco import CocoTask
from glipv2.benchmarks.details import Details
from glipv2.benchmarks.detection import Annotations, Wrong, read_annotations
from glipv2.benchmarks.detection_details import together
from glipv2.benchmarks.predictor import Around, Asking, Pixels, Predictor
from glipv2.data.readers.building import shown
from glipv2.data.readers.coco import picture_name
from glipv2.data.readers.coco_file import size_of
from glipv2.errors import DataError
from glipv2.scoring.odinw import over_sets
from glipv2.scoring.odinw_sets import ODINW_13, ODINW_35, OdinwSet
from glipv2.text.prompts import clean_name

PAGE = "https://huggingface.co/GLIPModel/GLIP/tree/main/odinw_35"

#: The numbers of a set's pictures are below it, so that those of all sets can be told apart.
SPAN = 10**10


@dataclass(frozen=True)
class OdinwExample(Example):
    set: str

    image: int
    """The set's own number of the picture."""


class OdinwTask(Task[OdinwExample]):
    """A record: `set`, `image` (the set's own number), and what `DetectionTask` has."""

    def __init__(self, sets: Mapping[str, CocoTask]) -> None:
        self._sets = sets
        self._examples = {
            name: [OdinwExample(_key(name, one.key), one.file, one.size, name, one.key) for one in task.examples]
            for name, task in sets.items()
        }
        self.examples = [one for examples in self._examples.values() for one in examples]

    def first(self, count: int) -> Sequence[OdinwExample]:
        """So many of each set: no set's figure is left out of the mean."""
        return [one for examples in self._examples.values() for one in examples[:count]]

    def ask(self, predictor: Predictor, pixels: Pixels, example: OdinwExample) -> Record:
        found = self._sets[example.set].ask(predictor, pixels, example)
        return {"set": example.set, "image": example.image, **found}

    def faults(self, record: Record) -> str | None:
        name, image = record.get("set"), record.get("image")
        task = self._sets.get(name) if isinstance(name, str) else None
        if task is None or type(image) is not int or _key(str(name), image) != record["id"]:
            return f"expected the picture's set and its number there, got {shown(name)} and {shown(image)}"
        return task.faults(record)

    def score(self, records: Iterable[Record], keys: Collection[int]) -> Scores:
        sets: dict[str, Figures] = {}
        for name, images in self._measured(keys).items():
            figures = self._sets[name].score(_Of(name, records), images).figures
            sets[name] = {figure.removeprefix("box."): value for figure, value in figures.items()}
        ap = {name: figures["AP"] for name, figures in sets.items()}
        known = {name: value for name, value in ap.items() if value is not None}
        without = [name for name in self._sets if name not in known]
        if without:
            # A mean of others is another benchmark's.
            note = f"no mean: no picture with an object was measured of {', '.join(without)}"
            return Scores({"AP.mean": None, "AP.median": None}, {"sets": sets}, {"AP": note})
        over = over_sets(known, list(self._sets))
        return Scores({"AP.mean": over.mean, "AP.median": over.median}, {"sets": sets})

    def details(self, records: Iterable[Record], keys: Collection[int]) -> Details:
        measured = self._measured(keys)
        return together([self._sets[name].details(_Of(name, records), images) for name, images in measured.items()])

    def _measured(self, keys: Collection[int]) -> dict[str, set[int]]:
        """By set, its own numbers of the pictures."""
        measured: dict[str, set[int]] = defaultdict(set)
        for one in self.examples:
            if one.key in keys:
                measured[one.set].add(one.image)
        return measured


def _key(name: str, image: int) -> int:
    return _PLACES[name] * SPAN + image


#: Of a set among all, so that a picture has the same number whichever sets are asked for.
_PLACES = {one.name: place for place, one in enumerate(ODINW_35, 1)}


class _Of:
    """Those of one set, with its own numbers of the pictures; read anew each time they are gone through."""

    def __init__(self, name: str, records: Iterable[Record]) -> None:
        self._name = name
        self._records = records

    def __iter__(self) -> Iterator[Record]:
        return ({**one, "id": one["image"]} for one in self._records if one["set"] == self._name)


def _read(sets: Sequence[OdinwSet], worded: bool, places: Places, choices: Choices) -> OdinwTask:
    tasks: dict[str, CocoTask] = {}
    problems: list[Any] = []
    for one in sets:
        if choices.sets is not None and one.name not in choices.sets:
            continue
        try:
            tasks[one.name] = _task(one, worded, places)
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(_together(problems), REMEDY)
    return OdinwTask(tasks)


def _task(one: OdinwSet, worded: bool, places: Places) -> CocoTask:
    annotations = read_annotations(places[f"{one.name}/annotations"], _check)
    images = places[f"{one.name}/images"]
    examples = [Example(row.id, images / str(picture_name(row)), size_of(row)) for row in annotations.images]
    if not worded:
        return CocoTask(annotations, examples, Asking())
    names = [one.renamed.get(name, name) for name in annotations.names]
    return CocoTask(annotations, examples, Asking(around=_around(one, names)), names)


def _around(one: OdinwSet, names: Sequence[str]) -> tuple[Around, ...] | None:
    if not one.wording:
        return None
    words = [one.wording.get(name, ("", clean_name(name), "")) for name in names]
    return tuple(Around(*three) for three in words)


def _check(found: Annotations, wrong: Wrong) -> None:
    for place, image in enumerate(found.images):
        if not 0 <= image.id < SPAN:
            wrong.add("invalid_picture", f"images[{place}].id", f"expected 0 to {SPAN - 1}, got {image.id}")


def _together(problems: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of one kind in one."""
    kinds: dict[str, dict[str, Any]] = {}
    for one in problems:
        kind = kinds.setdefault(one["kind"], {"kind": one["kind"], "count": 0, "examples": []})
        kind["count"] += one["count"]
        kind["examples"] += one["examples"]
    return list(kinds.values())


def _files(one: OdinwSet) -> tuple[Needed, ...]:
    files = one.files(one.measured)
    return (
        Needed(f"{one.name}/annotations", files.annotations, PAGE),
        Needed(f"{one.name}/images", files.images, PAGE, folder=True),
    )


def _benchmark(name: str, sets: Sequence[OdinwSet], worded: bool) -> Benchmark:
    return Benchmark(
        name=name,
        description=f"Object detection in the wild: mean and median of the average precision over {len(sets)} sets",
        files=(),
        read=partial(_read, sets, worded),
        sets={one.name: _files(one) for one in sets},
    )


#: As the official configurations of 13 sets have it, which word nothing, and those of 35, which name and word some.
ODINW13 = _benchmark("odinw13", ODINW_13, worded=False)
ODINW35 = _benchmark("odinw35", ODINW_35, worded=True)
