"""Event files for TensorBoard, of scalars and pictures.

With tensorboardX's records and protocol buffers, without its writer: that one writes on a thread, where a full disk is
noticed by nobody.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.record_writer import RecordWriter


class TensorBoard:
    """One event file; a run that is gone on with writes another beside it, and TensorBoard shows both as one."""

    def __init__(self, folder: Path) -> None:
        """OSError when the file cannot be made."""
        folder.mkdir(parents=True, exist_ok=True)
        now = time.time()
        name = f"events.out.tfevents.{int(now)}.{socket.gethostname()}.{os.getpid()}"
        self._records = RecordWriter(str(folder / name))
        self._write(Event(wall_time=now, file_version="brain.Event:2"))

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """By tag, such as `loss/total`. OSError: the disk is full."""
        if values:
            each = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
            self._write(Event(wall_time=time.time(), step=step, summary=Summary(value=each)))

    def picture(self, step: int, tag: str, size: tuple[int, int], png: bytes) -> None:
        """`size`: (height, width). OSError as above."""
        image = Summary.Image(height=size[0], width=size[1], colorspace=3, encoded_image_string=png)
        summary = Summary(value=[Summary.Value(tag=tag, image=image)])
        self._write(Event(wall_time=time.time(), step=step, summary=summary))

    def close(self) -> None:
        self._records.close()

    def _write(self, event: Event) -> None:
        self._records.write(event.SerializeToString())
        self._records._writer.flush()  # its own `flush` waits for the disk, each step
