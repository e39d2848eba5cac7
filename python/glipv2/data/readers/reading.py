"""What was read, and how a reader is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from glipv2.data.problems import Problems
from glipv2.data.readers.building import Builder
from glipv2.data.records import Dataset
from glipv2.data.sources import Source


@dataclass(frozen=True)
class How:
    decode: bool = False
    """Every picture is read whole, so that a damaged one, or one of another size than the annotations say, is found
    before a training comes upon it. It takes as long as an epoch's reading."""

    masks: bool = False
    """Records have masks, which take as much memory as their text in the file."""

    words: bool = False
    """Records have questions and captions, where the source has any; of a source that has nothing else, always."""


@dataclass(frozen=True)
class Reading:
    source: Source

    dataset: Dataset
    """Of what is good. It may have no picture; then `problems.fatal`."""

    problems: Problems

    files: tuple[Path, ...]
    """What was read beside the pictures."""

    @property
    def boxes(self) -> int:
        return sum(len(one.boxes_M4) for one in self.dataset.pictures)

    @property
    def phrases(self) -> int:
        return sum(len(sentence.phrases) for one in self.dataset.pictures for sentence in one.sentences)

    @property
    def questions(self) -> int:
        return sum(len(one.questions) for one in self.dataset.pictures)

    @property
    def captions(self) -> int:
        return sum(len(one.captions) for one in self.dataset.pictures)


def finished(
    source: Source,
    builder: Builder,
    names: Sequence[str],
    category_ids: Sequence[int],
    files: Sequence[Path],
    instances: Path | None = None,
) -> Reading:
    """`instances`: COCO's, if the source is of that form; they are the data set's as long as nothing was left out."""
    problems = builder.problems
    if not problems.fatal:
        if not builder.pictures:
            problems.add("no_pictures", "", "there is no picture that can be used")
        elif not any(len(one.boxes_M4) for one in builder.pictures):
            problems.add("no_boxes", "", f"there are {len(builder.pictures)} pictures, but not a box in any of them")
    whole = instances if not len(problems) else None
    dataset = Dataset(tuple(names), tuple(category_ids), tuple(builder.pictures), whole)
    return Reading(source, dataset, problems, tuple(files))


def finished_words(source: Source, builder: Builder, files: Sequence[Path], answers: Sequence[str] = ()) -> Reading:
    """Of what has questions or captions alone: a picture without any has nothing to be learnt from."""
    pictures = tuple(one for one in builder.pictures if one.questions or one.captions)
    if not builder.problems.fatal and not pictures:
        builder.problems.add("no_pictures", "", "there is no picture that can be used")
    return Reading(source, Dataset((), (), pictures, answers=tuple(answers)), builder.problems, tuple(files))
