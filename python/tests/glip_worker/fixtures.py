"""The messages of test/fixtures/messages, which the TypeScript tests read too.

`python python/tests/glip_worker/fixtures.py` writes the bytes of the worker's messages, after their `message` was
changed by hand; the client's come from test/bridge/fixtures.test.ts.
"""

from __future__ import annotations

import base64
import json
import math
from pathlib import Path
from typing import Any

import msgspec

from glip_worker import codec
from glip_worker.protocol.messages import WorkerMessage
from glip_worker.tensors import ELEMENT_BYTES, Tensor

FOLDER = Path(__file__).resolve().parents[3] / "test" / "fixtures" / "messages"

#: What a fixture's `message` says of a tensor, with its elements as hex: what two messages are compared by.
Plain = Any


def read_fixtures(direction: str) -> dict[str, dict[str, Any]]:
    fixtures = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}
    return {name: fixture for name, fixture in fixtures.items() if fixture["direction"] == direction}


def revive(fixture: dict[str, Any]) -> Any:
    """The message with real values; a tensor stands for itself, wherever its elements lie."""

    def value(plain: Plain) -> Any:
        if isinstance(plain, list):
            return [value(item) for item in plain]
        if not isinstance(plain, dict):
            return plain
        if "$bytes" in plain:
            return base64.b64decode(plain["$bytes"])
        if "$int64" in plain:
            return int(plain["$int64"])
        if "$tensor" not in plain:
            return {key: value(item) for key, item in plain.items()}
        place = plain["$tensor"]
        size = math.prod(place["shape"]) * ELEMENT_BYTES[place["dtype"]]
        start = place.get("offset", 0)
        content = fixture["segments"][place["segment"]] if "segment" in place else fixture["frames"][place["frame"]]
        return Tensor(place["dtype"], place["shape"], memoryview(bytes.fromhex(content)[start : start + size]))

    return value(fixture["message"])


def comparable(value: Any) -> Any:
    """Tensors as what they hold, so that == tells all."""
    if isinstance(value, Tensor):
        return (value.dtype, value.shape, value.buffer.tobytes())
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [comparable(item) for item in value]
    return value


class OneSegment:
    """Stands for `OutgoingSegments`: takes everything into the segment that the fixture names."""

    def __init__(self, name: str) -> None:
        self._name = name

    def put(self, buffer: memoryview) -> str:
        return self._name

    def release(self, names: list[str]) -> None:
        raise AssertionError("nothing went wrong")


def encode(fixture: dict[str, Any]) -> list[str]:
    """`[header, frame, …]` of a worker's message, as hex."""
    message: Any = msgspec.convert(revive(fixture), WorkerMessage)
    segments: Any = OneSegment(next(iter(fixture["segments"]))) if "segments" in fixture else None
    threshold = codec.THRESHOLD_BYTES
    codec.THRESHOLD_BYTES = 0
    try:
        return [bytes(frame).hex() for frame in codec.MessageWriter(segments).write(message)]
    finally:
        codec.THRESHOLD_BYTES = threshold


def write_worker_fixtures() -> None:
    for name, fixture in read_fixtures("worker").items():
        fixture["hex"], *fixture["frames"] = encode(fixture)
        text = json.dumps(fixture, indent=2, ensure_ascii=False)
        (FOLDER / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    write_worker_fixtures()
