"""Every message of docs/protocol.md as test/fixtures/messages/ has it; the TypeScript side reads the same files."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from glip_worker.codec import MessageReader, MessageWriter
from glip_worker.protocol.messages import METHODS, ClientMessage, Request, WorkerMessage
from glip_worker.shared_memory import SharedMemory
from glip_worker.tensors import Tensor

FOLDER = Path(__file__).resolve().parents[3] / "test" / "fixtures" / "messages"
FILES = sorted(FOLDER.glob("*.json"))


@pytest.fixture
def memory(request: pytest.FixtureRequest) -> Iterator[SharedMemory]:
    with tempfile.TemporaryDirectory() as directory:
        memory = SharedMemory(directory)
        for name, content in load(request.node.callspec.params["path"]).get("segments", {}).items():
            Path(directory, name).write_bytes(bytes.fromhex(content))
        yield memory
        memory.close()


def load(path: Path) -> dict[str, Any]:
    fixture: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return fixture


def revive(fixture: dict[str, Any]) -> Any:
    """`message` with what JSON has no word for; a tensor as its dtype, shape and bytes."""

    def value(given: Any) -> Any:
        if isinstance(given, list):
            return [value(item) for item in given]
        if not isinstance(given, dict):
            return given
        if "$bytes" in given:
            return base64.b64decode(given["$bytes"])
        if "$int64" in given:
            return int(given["$int64"])
        if "$tensor" in given:
            place = given["$tensor"]
            stored = fixture["segments"][place["segment"]] if "segment" in place else fixture["frames"][place["frame"]]
            content = bytes.fromhex(stored)
            return plain(Tensor(place["dtype"], place["shape"], _cut(place, content)))
        return {key: value(item) for key, item in given.items()}

    return value(fixture["message"])


def _cut(place: dict[str, Any], content: bytes) -> memoryview:
    from glip_worker.tensors import tensor_bytes

    start = place.get("offset", 0)
    return memoryview(content)[start : start + tensor_bytes(place["dtype"], place["shape"])]


def plain(value: Any) -> Any:
    """Comparable: structs as maps with their kind, tensors as tuples."""
    if isinstance(value, Tensor):
        return (value.dtype, value.shape, bytes(value.buffer))
    if isinstance(value, msgspec.Struct):
        tag = type(value).__struct_config__.tag
        fields = {name: plain(getattr(value, name)) for name in value.__struct_fields__}
        return fields if tag is None else {"kind": tag, **fields}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def decode(fixture: dict[str, Any], header: bytes, frames: list[bytes], memory: SharedMemory) -> Any:
    reader = MessageReader([memoryview(frame) for frame in frames], memory.incoming)
    if fixture["direction"] == "worker":
        return reader.read(header, WorkerMessage)  # type: ignore[arg-type]
    message: Any = msgspec.msgpack.decode(header, type=ClientMessage)
    if isinstance(message, Request):
        params: Any = reader.read(message.params, dict[str, Any])
        if message.method in METHODS:
            typed: Any = METHODS[message.method].params
            again = MessageReader([memoryview(frame) for frame in frames], memory.incoming)
            assert plain(again.read(message.params, typed)) == plain(params)
        return {**plain(msgspec.structs.replace(message, params=msgspec.Raw(b""))), "params": params}
    return message


def test_there_are_fixtures() -> None:
    assert FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_decodes(path: Path, memory: SharedMemory) -> None:
    fixture = load(path)
    frames = [bytes.fromhex(frame) for frame in fixture["frames"]]
    message = decode(fixture, bytes.fromhex(fixture["hex"]), frames, memory)
    assert plain(message) == revive(fixture)


@pytest.mark.parametrize(
    "path", [path for path in FILES if load(path)["direction"] == "worker"], ids=lambda path: path.stem
)
def test_encodes(path: Path, memory: SharedMemory) -> None:
    fixture = load(path)
    frames = [bytes.fromhex(frame) for frame in fixture["frames"]]
    message = decode(fixture, bytes.fromhex(fixture["hex"]), frames, memory)
    header, *buffers = MessageWriter().write(message)
    again = decode(fixture, bytes(header), [bytes(buffer) for buffer in buffers], memory)
    assert plain(again) == revive(fixture)
