"""Event files as TensorBoard reads them, of scalars and pictures: TFRecords of protocol buffers, written by hand.

The format is tensorflow/core/util/event.proto and framework/summary.proto, of which a handful of fields are used.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

#: Castagnoli's polynomial, reversed.
_POLYNOMIAL = 0x82F63B78


class TensorBoard:
    """One event file; a run that is gone on with writes another beside it, and TensorBoard shows both as one."""

    def __init__(self, folder: Path) -> None:
        """OSError when the file cannot be made."""
        folder.mkdir(parents=True, exist_ok=True)
        now = time.time()
        name = f"events.out.tfevents.{int(now)}.{socket.gethostname()}.{os.getpid()}"
        self._file = open(folder / name, "ab", buffering=0)  # noqa: SIM115
        self._write(now, 0, _bytes(3, b"brain.Event:2"))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """By tag, such as `loss/total`. OSError: the disk is full."""
        if values:
            each = (_bytes(1, _bytes(1, tag.encode()) + _float(2, value)) for tag, value in values.items())
            self._write(time.time(), step, _bytes(5, b"".join(each)))

    def picture(self, step: int, tag: str, size: tuple[int, int], png: bytes) -> None:
        """`size`: (height, width). OSError as above."""
        image = _integer(1, size[0]) + _integer(2, size[1]) + _integer(3, 3) + _bytes(4, png)
        self._write(time.time(), step, _bytes(5, _bytes(1, _bytes(1, tag.encode()) + _bytes(4, image))))

    def close(self) -> None:
        self._file.close()

    def _write(self, moment: float, step: int, what: bytes) -> None:
        event = b"\x09" + struct.pack("<d", moment) + _integer(2, step) + what
        length = struct.pack("<Q", len(event))
        self._file.write(length + _checksum(length) + event + _checksum(event))


def _integer(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _float(field: int, value: float) -> bytes:
    return _varint(field << 3 | 5) + struct.pack("<f", value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _table() -> list[int]:
    values = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        values = np.where(values & 1, values >> 1 ^ _POLYNOMIAL, values >> 1).astype(np.uint32)
    return [int(one) for one in values]


_TABLE = _table()


def _checksum(data: bytes) -> bytes:
    """CRC-32C, rotated and offset so that a checksum of checksums is safe."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
