"""What the caller got wrong, in a form that a program can read too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class InputError(ValueError):
    """`path` names the input, such as `categories[3]`."""

    def __init__(self, path: str, expected: str, received: str) -> None:
        super().__init__(f"{path}: expected {expected}, got {received}")
        self.path = path
        self.expected = expected
        self.received = received


class WeightsError(ValueError):
    """A file that is not the weights that were asked for.

    `field`: `content` (it is no checkpoint, damaged, or holds code), `keys` (its tensors are not the model's),
    `missing` (there is no such file), `unreadable` (the system refuses).
    """

    def __init__(self, path: Path, field: str, expected: str, received: str, remedy: str) -> None:
        super().__init__(
            f"{path} does not hold the weights that were asked for: expected {expected}, got {received}; {remedy}"
        )
        self.path = path
        self.field = field
        self.expected = expected
        self.received = received
        self.remedy = remedy


class DataError(ValueError):
    """Data with which no training is to start. `problems`: `{kind, count, examples: [{where, reason}]}` of each."""

    def __init__(self, problems: Sequence[Mapping[str, Any]], remedy: str) -> None:
        count = sum(one["count"] for one in problems)
        shown = [f"{one['kind']} ({one['count']}), such as {_example(one['examples'][0])}" for one in problems[:_SHOWN]]
        more = f"; and {len(problems) - _SHOWN} kinds more" if len(problems) > _SHOWN else ""
        noun = "problem" if count == 1 else "problems"
        super().__init__(f"the data has {count} {noun}: {'; '.join(shown)}{more}. {remedy}")
        self.problems = problems


#: Kinds of problems that a message speaks of.
_SHOWN = 4


def _example(one: Mapping[str, str]) -> str:
    return f"{one['where']}: {one['reason']}"
