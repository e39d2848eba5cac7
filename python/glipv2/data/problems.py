"""What is wrong with data: all of it, counted by kind, with the first examples of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple, get_args

#: Examples that are kept of each kind.
EXAMPLES = 5

Kind = Literal[
    # Nothing can be used then, whatever the policy.
    "unreadable_annotations",
    "no_pictures",
    "no_boxes",
    # `drop` leaves out a picture, with all that is in it.
    "missing_picture",
    "unreadable_picture",
    "wrong_size",
    "duplicate_picture",
    "invalid_picture",
    # A category, with its boxes.
    "category_zero",
    "duplicate_category",
    "invalid_category",
    # A box, and a phrase that speaks of no other.
    "unknown_picture",
    "unknown_category",
    "duplicate_box",
    "invalid_box",
    "box_empty",
    "box_outside",
    # What of a box lies outside of its picture.
    "box_cut",
    # A mask, not its box.
    "invalid_mask",
    # A phrase, and a sentence without any.
    "span_mismatch",
    "unknown_object",
    "invalid_sentence",
    # A question, with its answers, and answers to no question.
    "invalid_question",
    "duplicate_question",
    "unanswered_question",
    "unknown_question",
    # A caption.
    "duplicate_caption",
    # What is asked of a picture when a model is measured.
    "unusable_text",
    # A line of a file that has one for each record.
    "invalid_line",
]

KINDS: tuple[Kind, ...] = get_args(Kind)

#: What no policy can mend.
FATAL: frozenset[Kind] = frozenset(("unreadable_annotations", "no_pictures", "no_boxes"))


class Problem(NamedTuple):
    kind: Kind
    where: str
    """A file, and what of it: `train.json: annotations[3].bbox`."""
    reason: str
    """What was expected, and what came."""


class Problems:
    """Counts every one and keeps the first few of each kind."""

    def __init__(self, file: str = "") -> None:
        """`file`: what `where` of those that are added is part of."""
        self._file = file
        self.counts: dict[Kind, int] = {}
        self._examples: dict[Kind, list[Problem]] = {}

    def of(self, file: str) -> Problems:
        """The same problems, to which those of another file are added."""
        other = Problems(file)
        other.counts, other._examples = self.counts, self._examples
        return other

    def add(self, kind: Kind, where: str, reason: str) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + 1
        examples = self._examples.setdefault(kind, [])
        if len(examples) < EXAMPLES:
            place = f"{self._file}: {where}" if self._file and where else self._file or where
            examples.append(Problem(kind, place, reason))

    def __len__(self) -> int:
        return sum(self.counts.values())

    def __iter__(self) -> Iterator[Problem]:
        """The examples, kind by kind."""
        return (one for examples in self._examples.values() for one in examples)

    @property
    def fatal(self) -> bool:
        return not FATAL.isdisjoint(self.counts)

    def to_json(self) -> list[dict[str, Any]]:
        return [
            {
                "kind": kind,
                "count": count,
                "examples": [{"where": one.where, "reason": one.reason} for one in self._examples[kind]],
            }
            for kind, count in self.counts.items()
        ]


def merged(several: Iterable[Problems]) -> Problems:
    """Of several files, in the order of `KINDS`."""
    parts = list(several)
    result = Problems()
    for kind in KINDS:
        count = sum(one.counts.get(kind, 0) for one in parts)
        if count:
            result.counts[kind] = count
            result._examples[kind] = [example for one in parts for example in one._examples.get(kind, [])][:EXAMPLES]
    return result
