"""What the caller got wrong, in a form that a program can read too."""

from __future__ import annotations


class InputError(ValueError):
    """`path` names the input, such as `categories[3]`."""

    def __init__(self, path: str, expected: str, received: str) -> None:
        super().__init__(f"{path}: expected {expected}, got {received}")
        self.path = path
        self.expected = expected
        self.received = received
