"""What a benchmark is: where its files lie, what it asks about a picture, and how the answers are scored.

A benchmark is one file of this folder and one line of `registry.py`: see docs/evaluation.md.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from glipv2.benchmarks.details import Details
from glipv2.benchmarks.predictor import Ability, Pixels, Predictor

#: What is kept of a picture's predictions: what JSON has, on one line. Its `id` is the example's key.
Record = dict[str, Any]

#: Of annotations that are not right.
REMEDY = "A benchmark is measured by annotations that are right: get them again, or mend them."

#: Names as the field has them, such as `AP50`. 0 to 1 unless the benchmark says otherwise; None: nothing to measure.
Figures = dict[str, float | None]


@dataclass(frozen=True)
class Needed:
    """A file or a folder of the official layout, and where a person gets it. Nothing is ever downloaded."""

    role: str | None
    """What the benchmark calls it, such as `annotations`; None: it only has to be there."""

    path: str
    """Below the data root, with slashes."""

    page: str
    """Where its owner offers it."""

    also: tuple[str, ...] = ()
    """Other places below the root where it may lie."""

    folder: bool = False

    optional: bool = False
    """It may be missing; then its role has no place."""


@dataclass(frozen=True)
class Choices:
    """What a run may choose."""

    masks: bool = False
    """Of boxes' benchmarks that have them: the masks are measured too."""

    sets: tuple[str, ...] | None = None
    """Of a benchmark that is many sets: these; None: all."""


@dataclass(frozen=True)
class Example:
    """A picture that something is asked about."""

    key: int
    """The annotations' own number of it; no other example has it."""

    file: Path

    size: tuple[int, int] | None
    """(height, width) as the annotations have it; None: they do not say."""


E = TypeVar("E", bound=Example)


@dataclass(frozen=True)
class Scores:
    figures: Figures

    parts: Mapping[str, Mapping[str, Figures]] = field(default_factory=dict)
    """Of each part, by the kind of part: `{"categories": {"cat": {"AP": 0.5}}}`."""

    notes: Mapping[str, str] = field(default_factory=dict)
    """Of figures that could not be taken, or not as the published ones are: why, and what to do."""


class Task(ABC, Generic[E]):
    """A benchmark whose annotations were read."""

    examples: Sequence[E]
    """In the order in which they are asked; without pixels, so that all fit into memory."""

    def first(self, count: int) -> Sequence[E]:
        """So many of the examples, where not all are asked for."""
        return self.examples[:count]

    @abstractmethod
    def ask(self, predictor: Predictor, pixels: Pixels, example: E) -> Record:
        """What the predictor says of the picture, without `id`. InputError: the picture is none that it can take."""

    @abstractmethod
    def faults(self, record: Record) -> str | None:
        """Why a record that was read from a file cannot be this task's; None when it can."""

    @abstractmethod
    def score(self, records: Iterable[Record], keys: Collection[int]) -> Scores:
        """Of the pictures with these keys. `records`: theirs, one each, in any order, read anew each time they are gone
        through."""

    def details(self, records: Iterable[Record], keys: Collection[int]) -> Details | None:
        """What a report shows beside the figures; None: nothing. As `score`."""
        return None

    def write(self, records: Iterable[Record], folder: Path) -> None:
        """Files that the benchmark's own evaluation takes, beside the run's. None by default. `records`: as `score`."""
        del records, folder


#: Where each role's file or folder lies.
Places = Mapping[str, Path]


@dataclass(frozen=True)
class Benchmark:
    name: str

    description: str

    files: tuple[Needed, ...]

    read: Callable[[Places, Choices], Task[Any]]
    """Annotations alone. DataError, with all that is wrong with them; OSError."""

    abilities: frozenset[Ability] = frozenset(("detect",))
    """What it asks of a predictor."""

    masks: bool = False
    """Whether `Choices.masks` is possible."""

    sets: Mapping[str, tuple[Needed, ...]] = field(default_factory=dict)
    """Of one that is many sets: the files of each, beside `files`."""

    def asked(self, choices: Choices) -> frozenset[Ability]:
        """What a predictor must be able to do."""
        return self.abilities | {"masks"} if choices.masks else self.abilities

    def needed(self, choices: Choices) -> tuple[Needed, ...]:
        """All files. `choices.sets`: sets that it has."""
        sets = self.sets if choices.sets is None else choices.sets
        return (*self.files, *(one for name in sets for one in self.sets[name]))
