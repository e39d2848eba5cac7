"""Messages to frames and back: msgpack headers, tensors as extensions that point into buffers (docs/protocol.md)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta
from msgspec.msgpack import Ext

from glip_worker.errors import GlipError, invalid_message, message_too_large
from glip_worker.shared_memory import THRESHOLD_BYTES, IncomingSegments, OutgoingSegments
from glip_worker.tensors import MAX_RANK, Tensor, tensor_bytes

#: Extension codes: the elements are in a frame of the message, or in shared memory.
IN_FRAME = 0x54
IN_SEGMENT = 0x53

#: Frames of one message, the header included, in either direction.
MAX_FRAMES = 4096

Size = Annotated[int, Meta(ge=0)]
Shape = Annotated[list[Size], Meta(max_length=MAX_RANK)]
FramePayload = tuple[str, Shape, Size]
SegmentPayload = tuple[str, Shape, str, Size]

T = TypeVar("T")


class MessageReader:
    """Decodes one received message. GlipError `invalid_message` for a tensor that does not fit its memory.

    What msgspec raises for the rest (ValidationError with a path, DecodeError) passes through.
    """

    def __init__(self, frames: Sequence[memoryview], segments: IncomingSegments | None = None) -> None:
        self._frames = frames
        self._used = [False] * len(frames)
        self._segments = segments

    def read(self, header: bytes | msgspec.Raw, wanted: type[T]) -> T:
        value = msgspec.msgpack.decode(header, type=wanted, ext_hook=self._extension)
        if not all(self._used):
            raise invalid_message(f"frame {self._used.index(False)} belongs to no tensor")
        return value

    def _extension(self, code: int, payload: memoryview) -> Tensor:
        try:
            if code == IN_FRAME:
                dtype, shape, frame = msgspec.msgpack.decode(payload, type=FramePayload)
                return Tensor(dtype, shape, self._frame(frame))
            if code == IN_SEGMENT:
                dtype, shape, name, offset = msgspec.msgpack.decode(payload, type=SegmentPayload)
                if self._segments is None:
                    raise invalid_message("a tensor in shared memory, which was not agreed on")
                return Tensor(dtype, shape, self._segments.view(name, offset, tensor_bytes(dtype, shape)))
        except ValueError as error:  # from msgspec too
            raise invalid_message(f"tensor: {error}") from error
        if code == 0:
            raise invalid_message("extension 0: `undefined` cannot be sent")
        raise invalid_message(f"unknown extension {code}")

    def _frame(self, index: int) -> memoryview:
        if index >= len(self._frames):
            raise invalid_message(f"a tensor names frame {index} of {len(self._frames)}")
        if self._used[index]:
            raise invalid_message(f"frame {index} is named by two tensors")
        self._used[index] = True
        return self._frames[index]


class MessageWriter:
    """Encodes one message to send: `[header, buffer, …]`.

    numpy arrays, torch tensors and numbers of theirs may stand wherever a value may. Large tensors go through
    `segments` when there are some. TypeError or ValueError for what msgpack cannot carry.
    """

    def __init__(self, segments: OutgoingSegments | None = None) -> None:
        self._segments = segments
        self._names: list[str] = []
        self._frames: list[bytes | memoryview] = []

    def write(self, message: msgspec.Struct, limit: int | None = None) -> list[bytes | memoryview]:
        """GlipError `message_too_large` when a frame exceeds `limit`, the receiver's; ValueError for too many."""
        try:
            header = msgspec.msgpack.encode(message, enc_hook=self._extension)
            frames = [header, *self._frames]
            if len(frames) > MAX_FRAMES:
                raise ValueError(f"{len(frames) - 1} tensors; a message has at most {MAX_FRAMES - 1}: join some")
            if limit is not None:
                for frame in frames:
                    check_size(len(frame), limit)
        except BaseException:
            if self._segments is not None:
                self._segments.release(self._names)
            raise
        return frames

    def _extension(self, value: Any) -> Any:
        if not isinstance(value, Tensor):
            if not _is_array(value):
                raise TypeError(f"a {type(value).__module__}.{type(value).__qualname__} cannot be sent")
            if not _is_tensor(value) and value.ndim == 0:
                return value.item()  # a numpy number, e.g. numpy.float32(1)
            value = Tensor.of(value)
        if self._segments is not None and value.bytes >= THRESHOLD_BYTES:
            name = self._segments.put(value.buffer)
            if name is not None:
                self._names.append(name)
                return Ext(IN_SEGMENT, msgspec.msgpack.encode((value.dtype, value.shape, name, 0)))
        self._frames.append(value.buffer)
        return Ext(IN_FRAME, msgspec.msgpack.encode((value.dtype, value.shape, len(self._frames) - 1)))


def check_size(size: int, limit: int) -> None:
    if size > limit:
        raise message_too_large(size, limit)


def reason_of(error: BaseException) -> str:
    """Why a header cannot be read, for `invalid_message`."""
    if isinstance(error, GlipError):
        return str(error.details.get("reason", error.message))
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error).replace("`", "")


def _is_array(value: Any) -> bool:
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None and isinstance(value, numpy.ndarray | numpy.generic):
        return True
    return torch is not None and isinstance(value, torch.Tensor)


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)
