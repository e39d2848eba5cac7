"""What the caller got wrong, in a form that a program can read too."""

from __future__ import annotations

from pathlib import Path


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
