"""What pythonia calls. Its wire is JSON: bytes go as base64, the fastest form that it has."""

import base64
import os

_prepared: dict[int, bytes] = {}


def pid() -> int:
    return os.getpid()


def ping() -> int:
    return 1


def up(text: str) -> int:
    return len(base64.b64decode(text))


def down(size: int) -> str:
    if size not in _prepared:
        _prepared[size] = b"\1" * size
    return base64.b64encode(_prepared[size]).decode()
