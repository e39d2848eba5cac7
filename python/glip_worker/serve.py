"""From settings to an end: bind, load, announce, compute until somebody says stop."""

from __future__ import annotations

import importlib
import logging
import os
import platform
import signal
import sys
from types import FrameType

from glip_worker.compute_loop import ComputeLoop
from glip_worker.device import find_device
from glip_worker.engines import load_engine
from glip_worker.io_thread import IoThread
from glip_worker.pending import Queue
from glip_worker.protocol.messages import PROTOCOL_VERSION, SCHEMA_HASH, Ready, ReadyLimits
from glip_worker.registry import Registry
from glip_worker.settings import Settings
from glip_worker.worker import Worker

LOG = logging.getLogger("glip_worker")

#: How long a method that computes in Python may keep the IO thread waiting; Python's own 5 ms are felt in every ping.
SWITCH_SECONDS = 0.001

#: How long the clients' goodbyes may take.
GOODBYE_SECONDS = 2.0


def serve(settings: Settings) -> int:
    """The exit code. Returns when a signal came or the start failed."""
    queue = Queue(settings.limits.max_queue, settings.limits.max_pending)
    io = IoThread(settings, queue)
    try:
        endpoint = io.start()
    except Exception as error:  # zmq.ZMQError; ValueError of a key that is no Z85
        LOG.error("cannot listen at %s: %s", settings.endpoint, error)
        return 1
    _handle_signals(io)
    sys.setswitchinterval(SWITCH_SECONDS)
    write_endpoint(settings.run_dir, endpoint)
    try:
        loop = _load(settings, queue, io)
    except BaseException as error:  # a plugin may raise SystemExit
        LOG.error("the worker could not start: %s", error, exc_info=not isinstance(error, ValueError))
        io.close(f"the worker could not start: {error}", GOODBYE_SECONDS)
        return 1
    loop.run()
    io.close("the worker was asked to end", GOODBYE_SECONDS)
    return 0


def _load(settings: Settings, queue: Queue, io: IoThread) -> ComputeLoop:
    """Everything slow. ValueError for what the settings ask for and this machine does not have."""
    import torch

    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    device = find_device(settings.device)
    registry = Registry()
    registry.add_module(importlib.import_module("glip_worker.diagnostics"))
    engine = load_engine(settings.engine, settings.engine_options, device)
    engine.register(registry)
    sys.path.extend(settings.python_path)
    for name in settings.plugins:
        _register_plugin(name, registry)
    worker = Worker(settings, device, engine, registry)
    if settings.window is not None:
        # Imported by whoever asks for it alone: it executes what it is told.
        from glip_worker.window import open_window

        open_window(settings.window, worker)
    ready = Ready(
        id=1,  # each client's hello puts its own here
        protocol=PROTOCOL_VERSION,
        schema=SCHEMA_HASH,
        pid=os.getpid(),
        engine=engine.name,
        versions={**_versions(settings), **engine.versions},
        device=device.message(),
        methods=registry.names,
        limits=ReadyLimits(max_frame_bytes=settings.limits.max_frame_bytes, max_pending=settings.limits.max_pending),
        shared_memory=settings.shared_memory,
    )
    io.call(lambda: io.reception.announce(ready))
    return ComputeLoop(worker, queue, io)


def _register_plugin(name: str, registry: Registry) -> None:
    """A plugin is a module with `register(registry)`."""
    module = importlib.import_module(name)
    register = getattr(module, "register", None)
    if not callable(register):
        raise ValueError(f"the plugin {name} ({module.__file__}) has no function register(registry)")
    register(registry)


def _versions(settings: Settings) -> dict[str, str]:
    """Read off what is imported already: importlib.metadata would search every folder on the path."""
    import zmq

    versions = {
        "sdk": settings.sdk,
        "python": platform.python_version(),
        "pyzmq": zmq.pyzmq_version(),
        "libzmq": zmq.zmq_version(),
    }
    for name in ("torch", "numpy"):
        if name in sys.modules:
            versions[name] = str(sys.modules[name].__version__)
    return versions


def write_endpoint(run_dir: str, endpoint: str) -> None:
    """Atomically: whoever sees the file can read all of it."""
    path = os.path.join(run_dir, "endpoint")
    with open(f"{path}.part", "w", encoding="utf-8") as file:
        file.write(endpoint)
    os.replace(f"{path}.part", path)


def _handle_signals(io: IoThread) -> None:
    """The handlers do nothing: what counts is the byte that the interpreter writes to the IO thread at once."""
    signal.set_wakeup_fd(io.signal_descriptor, warn_on_full_buffer=False)

    def noticed(number: int, frame: FrameType | None) -> None:
        pass

    signal.signal(signal.SIGTERM, noticed)
    signal.signal(signal.SIGINT, noticed)
