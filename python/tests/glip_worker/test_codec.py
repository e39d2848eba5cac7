from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import Any

import msgspec
import numpy
import pytest
import torch
from msgspec.msgpack import Ext

from glip_worker.codec import IN_FRAME, IN_SEGMENT, MAX_FRAMES, MessageReader, MessageWriter
from glip_worker.errors import GlipError
from glip_worker.protocol.messages import Result
from glip_worker.shared_memory import THRESHOLD_BYTES, SharedMemory

pack = msgspec.msgpack.encode


def frames_of(value: Any) -> list[bytes | memoryview]:
    return MessageWriter().write(Result(id=1, value=value))


def read(frames: list[Any], memory: SharedMemory | None = None) -> Any:
    header, *buffers = frames
    reader = MessageReader([memoryview(buffer) for buffer in buffers], memory.incoming if memory else None)
    return reader.read(header, Result).value


def refused(payload: Any, *buffers: bytes, code: int = IN_FRAME, memory: SharedMemory | None = None) -> str:
    header = pack(
        {"kind": "result", "id": 1, "value": Ext(code, payload if isinstance(payload, bytes) else pack(payload))}
    )
    with pytest.raises(GlipError) as caught:
        read([header, *buffers], memory)
    assert caught.value.code == "invalid_message"
    return str(caught.value.details["reason"])


@pytest.fixture
def memory() -> Iterator[SharedMemory]:
    with tempfile.TemporaryDirectory() as directory:
        memory = SharedMemory(directory)
        yield memory
        memory.close()


def test_values_and_tensors() -> None:
    value = {
        "a": [1, -1, 2**63, 1.5, None, True, "é", b"\0"],
        "t": numpy.arange(3),
        "u": [torch.ones(2), numpy.float32(2)],
    }
    frames = frames_of(value)
    assert len(frames) == 3
    back = read(frames)
    assert back["a"] == value["a"]
    assert back["t"].numpy().tolist() == [0, 1, 2]
    assert back["u"][0].torch().tolist() == [1, 1]
    assert back["u"][1] == 2.0


def test_the_wire_form_of_a_tensor() -> None:
    header, buffer = frames_of(numpy.array([[1, 2]], dtype="int16"))
    extension = msgspec.msgpack.decode(header)["value"]
    assert extension.code == IN_FRAME == 0x54
    assert msgspec.msgpack.decode(extension.data) == ["int16", [1, 2], 0]
    assert bytes(buffer) == b"\1\0\2\0"


def test_sent_without_a_copy() -> None:
    array = numpy.zeros(8, dtype="uint8")
    buffer = frames_of(array)[1]
    array[0] = 9
    assert buffer[0] == 9


@pytest.mark.parametrize("value", [object(), {"x": 1 + 2j}, numpy.zeros(1, dtype="complex64"), "\udcff"])
def test_what_cannot_be_sent(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        frames_of(value)


def test_too_large_for_the_receiver() -> None:
    with pytest.raises(GlipError) as caught:
        MessageWriter().write(Result(id=1, value=numpy.zeros(2000, dtype="uint8")), 1999)
    assert caught.value.code == "message_too_large"
    assert caught.value.details == {"bytes": 2000, "limit": 1999}
    with pytest.raises(GlipError):
        MessageWriter().write(Result(id=1, value="x" * 2000), 1999)


def test_refusals() -> None:
    assert "2 bytes" in refused(["int16", [1], 0], b"abc")
    assert "unknown dtype" in refused(["int17", [1], 0], b"ab")
    assert "int" in refused(["int16", [-1], 0], b"ab")
    assert "int" in refused(["int16", [1.5], 0], b"ab")
    assert "int" in refused(["int16", [None], 0], b"ab")
    assert "2^53" in refused(["int16", [2**40, 2**40], 0], b"ab")
    assert "2^53" in refused(["int16", [2**64 - 1], 0], b"ab")
    assert "frame 1 of 1" in refused(["int16", [1], 1], b"ab")
    assert "tensor" in refused(["int16", [1]], b"ab")
    assert "tensor" in refused(["int16", [1], 0, 0], b"ab")
    assert "tensor" in refused("int16", b"ab")
    assert "tensor" in refused(b"", b"ab")
    assert "tensor" in refused(b"\xdd\xff\xff\xff\xff", b"ab")
    assert "tensor" in refused(b"\x93\xa5int16\xdd\xff\xff\xff\xff", b"ab")
    assert "tensor" in refused(b"\x93\xa5\xff\xff\xff\xff\xff\x91\1\0", b"ab")
    assert "64" in refused(["int16", [1] * 65, 0], b"ab")
    assert "undefined" in refused(b"\0", code=0)
    assert "unknown extension 5" in refused(b"\0", code=5)
    assert "not agreed" in refused(["int16", [1], "c-1", 0], code=IN_SEGMENT)


def test_each_frame_belongs_to_one_tensor() -> None:
    extension = Ext(IN_FRAME, pack(["int16", [1], 0]))
    with pytest.raises(GlipError, match="two tensors"):
        read([pack({"kind": "result", "id": 1, "value": [extension, extension]}), b"ab"])
    with pytest.raises(GlipError, match="no tensor"):
        read([pack({"kind": "result", "id": 1, "value": 1}), b"ab"])


def test_segment_refusals(memory: SharedMemory) -> None:
    name = memory.outgoing.put(memoryview(bytes(128)))
    assert name is not None
    size = 2**20  # segments are rounded up
    assert "multiple of 64" in refused(["uint8", [1], name, 63], code=IN_SEGMENT, memory=memory)
    assert "holds" in refused(["uint8", [1], name, size], code=IN_SEGMENT, memory=memory)
    assert "holds" in refused(["uint8", [size + 1], name, 0], code=IN_SEGMENT, memory=memory)
    assert "cannot be mapped" in refused(["uint8", [1], "c-none", 0], code=IN_SEGMENT, memory=memory)
    for bad in ("../x", "A", "", "a" * 65, "a\n", "a\0", "/etc/passwd"):
        assert "not a segment name" in refused(["uint8", [1], bad, 0], code=IN_SEGMENT, memory=memory)


def test_links_and_odd_files_are_refused(memory: SharedMemory) -> None:
    directory = os.readlink(f"/proc/self/fd/{memory._directory}")
    os.symlink("/etc/hostname", os.path.join(directory, "link"))
    os.mkfifo(os.path.join(directory, "fifo"))
    os.mkdir(os.path.join(directory, "folder"))
    open(os.path.join(directory, "empty"), "w").close()
    for name in ("link", "fifo", "folder", "empty"):
        assert "cannot be mapped" in refused(["uint8", [1], name, 0], code=IN_SEGMENT, memory=memory)


def test_large_tensors_go_through_a_segment(memory: SharedMemory) -> None:
    array = numpy.arange(THRESHOLD_BYTES // 4, dtype="int32")
    frames = MessageWriter(memory.outgoing).write(Result(id=1, value=[array, array[:10]]))
    assert len(frames) == 2
    back = read(frames, memory)
    assert numpy.array_equal(back[0].numpy(), array)
    assert back[1].numpy().tolist() == list(range(10))


def test_segments_are_reused_after_release(memory: SharedMemory) -> None:
    first = memory.outgoing.put(memoryview(b"a" * 100))
    second = memory.outgoing.put(memoryview(b"b" * 100))
    assert first is not None
    assert first != second
    memory.outgoing.release([first, "w-unknown"])
    assert memory.outgoing.put(memoryview(b"c" * 100)) == first
    assert bytes(memory.incoming.view(first, 0, 3)) == b"ccc"


def test_the_pool_is_bounded(memory: SharedMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glip_worker.shared_memory.POOL_BYTES", 3 * 2**20)
    names = [memory.outgoing.put(memoryview(bytes(2**20))) for _ in range(4)]
    assert [name is None for name in names] == [False, False, False, True]
    assert memory.outgoing.put(memoryview(bytes(2**21))) is None
    memory.outgoing.release([str(name) for name in names[:2]])
    # Two small free ones make room for a larger one.
    assert memory.outgoing.put(memoryview(bytes(2**21))) is not None
    assert memory.outgoing.put(memoryview(bytes(1))) is None


def test_a_full_file_system_is_no_error(memory: SharedMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.pwrite", full)
    monkeypatch.setattr("os.posix_fallocate", full, raising=False)
    assert memory.outgoing.put(memoryview(bytes(10))) is None
    assert os.listdir(f"/proc/self/fd/{memory._directory}") == []


def test_a_refused_message_keeps_no_segment(memory: SharedMemory) -> None:
    large = numpy.zeros(THRESHOLD_BYTES, dtype="uint8")
    with pytest.raises(TypeError):
        MessageWriter(memory.outgoing).write(Result(id=1, value=[large, object()]))
    first = memory.outgoing.put(memoryview(bytes(1)))
    assert len(os.listdir(f"/proc/self/fd/{memory._directory}")) == 1
    assert first is not None


def test_a_message_of_too_many_tensors_is_not_sent() -> None:
    tensors = [numpy.zeros(1)] * MAX_FRAMES
    assert len(frames_of(tensors[1:])) == MAX_FRAMES
    with pytest.raises(ValueError, match="4096 tensors; a message has at most 4095"):
        frames_of(tensors)


def test_a_replaced_segment_is_mapped_anew(memory: SharedMemory) -> None:
    directory = os.readlink(f"/proc/self/fd/{memory._directory}")
    for content in (b"a" * 64, b"b" * 64):
        with open(os.path.join(directory, "next"), "wb") as file:
            file.write(content)
        os.replace(os.path.join(directory, "next"), os.path.join(directory, "c-1"))
        assert bytes(memory.incoming.view("c-1", 0, 64)) == content


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o1700])
def test_directories_of_others_are_refused(mode: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, mode)
        with pytest.raises(ValueError, match="0700"):
            SharedMemory(directory)
    for path in ("relative", "/nowhere/at/all", "/etc/hostname", "/tmp/a\nb"):
        with pytest.raises(ValueError, match=r".+"):
            SharedMemory(path)
