"""A live window into the running worker, for pythonia: look at its objects, and change them, from JavaScript.

Opened only when the settings ask for it. It executes whatever it is told, so it is a Unix socket that only our
own user reaches, never anything remote. Each connection has a thread, beside the compute loop: what it does to a
model in use is the user's own affair.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import socket
import sys
import threading
import traceback
from types import SimpleNamespace
from typing import Any, TextIO
from weakref import WeakValueDictionary

from glip_worker.settings import WindowSettings
from glip_worker.worker import Worker

LOG = logging.getLogger("glip_worker.window")


def open_window(settings: WindowSettings, worker: Worker) -> None:
    """Listens on `settings.socket`; returns at once. ValueError when pythonia's Python half is not found."""
    bridge = _import_bridge(settings.bridge)
    listener = socket.socket(socket.AF_UNIX)
    umask = os.umask(0o177)
    try:
        listener.bind(settings.socket)
    finally:
        os.umask(umask)
    listener.listen(4)
    scope = SimpleNamespace(
        worker=worker,
        settings=worker.settings,
        device=worker.device,
        engine=worker.engine,
        registry=worker.registry,
        modules=sys.modules,
    )
    threading.Thread(target=_accept, args=(listener, bridge, scope), name="window", daemon=True).start()


def _import_bridge(directory: str) -> Any:
    # Bridge.py imports its neighbours by their bare names (proxy, json_patch).
    sys.path.insert(0, directory)
    try:
        return importlib.import_module("Bridge").Bridge
    except ImportError as error:
        raise ValueError(f"pythonia's Bridge.py cannot be loaded from {directory}: {error}") from error
    finally:
        sys.path.remove(directory)


def _accept(listener: socket.socket, bridge: Any, scope: SimpleNamespace) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_serve, args=(connection, bridge, scope), name="window", daemon=True).start()


def _serve(connection: socket.socket, bridge_class: Any, scope: SimpleNamespace) -> None:
    """One connection, until it closes. Nothing that is asked here ends the worker."""
    with (
        connection,
        connection.makefile("r", encoding="utf-8") as lines,
        connection.makefile("w", encoding="utf-8") as out,
    ):
        line_pipe = _LinePipe(lines, out)
        # pythonia keeps its objects in a table of the class; each connection gets one of its own, so that closing
        # it lets go of them and number 0 is not shared.
        names = {**bridge_class.m[0], "worker": lambda: scope}
        table = {"m": {0: names}, "weakmap": WeakValueDictionary(), "queue_request": _queue_request}
        bridge = type("WindowBridge", (bridge_class,), table)(line_pipe)
        try:
            for line in lines:
                _answer(bridge, line_pipe, line)
        except (OSError, ValueError) as error:  # the socket broke, or bytes that are not UTF-8
            LOG.info("the window's connection ended: %s", error)


def _queue_request(bridge: Any, number: int, payload: dict[str, Any], timeout: float | None = None) -> None:
    """Bridge.queue_request, but number 0, JavaScript's own root, is never let go of.

    pythonia keeps one proxy of it in `os.JSPyBridge`, which the next connection replaces.
    """
    if payload.get("action") != "free" or payload.get("args") != [0]:
        bridge.ipc.queue({**payload, "c": "jsi"})


def _answer(bridge: Any, line_pipe: _LinePipe, line: str) -> None:
    request: dict[str, Any] = {}
    try:
        request = json.loads(line)
        bridge.onMessage(request["r"], request["action"], request["ffid"], request["key"], request["val"])
    except OSError:
        raise
    except BaseException:  # exit() typed into the window, too
        number = request.get("r") if isinstance(request, dict) else None
        line_pipe.queue({"r": number, "key": "error", "val": "", "sig": traceback.format_exc()})


class _LinePipe:
    """What Bridge.py writes to and reads from. pythonia's own ends the process when a value has no JSON form."""

    def __init__(self, lines: TextIO, out: TextIO) -> None:
        self._lines = lines
        self._out = out
        self._lock = threading.Lock()

    def readline(self) -> str:
        return self._lines.readline()

    def queue(self, message: Any) -> None:
        """TypeError or ValueError, before anything is written, for what has no JSON form: Bridge.py reports it."""
        text = message if isinstance(message, str) else json.dumps(message)
        with self._lock:
            self._out.write(f"{text}\n")
            self._out.flush()
