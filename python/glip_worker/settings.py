"""What the SDK tells the worker: one line of JSON on stdin, before anything else."""

from __future__ import annotations

import os
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

#: A longer first line is not ours.
MAX_LINE_BYTES = 16 * 2**20

Key = Annotated[str, Meta(min_length=40, max_length=40)]
Count = Annotated[int, Meta(ge=1)]


class CurveSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """CURVE keys in Z85: the worker's own pair, and the public keys of the clients it lets in."""

    secret_key: Key
    public_key: Key
    clients: list[Key]


class LimitSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Largest frame accepted, unfinished requests of one client, requests waiting in all."""

    max_frame_bytes: Annotated[int, Meta(ge=1024)]
    max_pending: Count
    max_queue: Count


class WindowSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the live window listens, and the directory that holds pythonia's Bridge.py."""

    socket: str
    bridge: str


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything the worker is told at its start; nothing comes by argument or environment."""

    sdk: str
    endpoint: Annotated[str, Meta(pattern=r"^(ipc|tcp)://.")]
    run_dir: str
    device: Annotated[str, Meta(pattern=r"^(auto|cpu|mps|cuda(:[0-9]+)?)$")]
    engine: str
    engine_options: dict[str, Any]
    plugins: list[str]
    python_path: list[str]
    curve: CurveSettings | None
    limits: LimitSettings
    window: WindowSettings | None
    shared_memory: bool
    threads: Count | None

    @property
    def is_local(self) -> bool:
        """Whether only processes of this host can connect."""
        return self.endpoint.startswith(("ipc://", "tcp://127.", "tcp://localhost:", "tcp://[::1]"))


def read_settings(descriptor: int) -> Settings:
    """Reads the first line of `descriptor`, which stays open. ValueError says what is wrong with it.

    Unbuffered and without `sys.stdin`: the watchdog goes on reading the same descriptor.
    """
    line = b""
    while b"\n" not in line:
        part = os.read(descriptor, 65536)
        if not part:
            raise ValueError("stdin ended before the line of settings; the worker is started by the SDK")
        line += part
        if len(line) > MAX_LINE_BYTES:
            raise ValueError("the line of settings on stdin does not end")
    return parse_settings(line.partition(b"\n")[0])


def parse_settings(line: bytes) -> Settings:
    """ValueError names the field that does not fit."""
    try:
        settings = msgspec.json.decode(line, type=Settings)
    except msgspec.DecodeError as error:
        raise ValueError(f"the line of settings on stdin does not fit: {error}") from error
    if not os.path.isdir(settings.run_dir):
        raise ValueError(f"run_dir is not a directory: {settings.run_dir}")
    if settings.endpoint.startswith("tcp://") and settings.curve is None:
        raise ValueError("a tcp:// endpoint needs curve keys")
    return settings
