"""The one loop that owns the device: takes requests in order, runs their methods, answers each exactly once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from glip_worker.call import Call
from glip_worker.codec import MessageReader, MessageWriter, reason_of
from glip_worker.errors import (
    CallStopped,
    GlipError,
    from_exception,
    from_validation,
    invalid_message,
    unknown_method,
)
from glip_worker.io_thread import IoThread
from glip_worker.pending import Pending, Queue
from glip_worker.protocol.messages import Event, Result, WorkerMessage
from glip_worker.reception import error_message
from glip_worker.registry import Method, Together
from glip_worker.worker import Worker

LOG = logging.getLogger("glip_worker.compute")


class ComputeLoop:
    """Runs on the main thread, where torch and signal handlers want to be."""

    def __init__(self, worker: Worker, queue: Queue, io: IoThread) -> None:
        self._worker = worker
        self._queue = queue
        self._io = io

    def run(self) -> None:
        """Until the queue is closed. No exception of a method ends it."""
        while (pending := self._queue.take(self._io.wait)) is not None:
            method = self._worker.registry.get(pending.request.method)
            if method is None or method.together is None:
                self._answer(pending, partial(self._call, pending))
            else:
                self._answer_together(method.together, [pending, *self._companions(method)])
            # The last reference to the frames must not wait for the next request.
            del pending

    def _companions(self, method: Method) -> list[Pending]:
        """What waits and can be computed with a request of this method. Nothing is waited for."""
        self._io.receive_waiting(method.most)

        def fits(pending: Pending) -> bool:
            other = self._worker.registry.get(pending.request.method)
            return other is not None and other.together is method.together

        return self._queue.take_more(fits, method.most - 1)

    def _answer_together(self, together: Together, all_pending: list[Pending]) -> None:
        jobs: list[tuple[Pending, Call, Any]] = []
        for pending in all_pending:
            try:
                jobs.append((pending, *self._prepare(pending)))
            except BaseException as raised:
                self._answer(pending, partial(_raise, raised))
        if not jobs:
            return
        try:
            outcomes = together([(call, params) for _, call, params in jobs])
        except BaseException as raised:  # what concerns all of them
            outcomes = [raised] * len(jobs)
        for (pending, call, _), outcome in zip(jobs, outcomes, strict=True):
            self._answer(pending, partial(self._finish, call, outcome))

    def _answer(self, pending: Pending, result: Callable[[], Any]) -> None:
        frames: list[bytes | memoryview] | None = None
        try:
            frames = self._encode(pending, Result(id=pending.request.id, value=result()))
        except CallStopped as stopped:
            if stopped.error is not None:
                frames = self._error_frames(pending, stopped.error)
        except BaseException as raised:  # SystemExit and KeyboardInterrupt of a method too
            frames = self._error_frames(pending, from_exception(raised))
        pending.frames = []
        if self._queue.finish(pending) and frames is not None:
            self._io.post(pending.client, frames)

    def _error_frames(self, pending: Pending, error: GlipError) -> list[bytes | memoryview]:
        if error.code in ("worker_error", "out_of_memory"):
            LOG.warning("%s failed: %s", pending.request.method, error.message)
        writer = MessageWriter()
        try:
            return writer.write(error_message(pending.request.id, error))
        except Exception as raised:  # details of a plugin's own that msgpack cannot carry
            return writer.write(error_message(pending.request.id, from_exception(raised)))

    def _call(self, pending: Pending) -> Any:
        call, params = self._prepare(pending)
        return self._finish(call, self._method(call.method).function(call, params))

    def _prepare(self, pending: Pending) -> tuple[Call, Any]:
        call = Call(self._worker, self._queue, pending, self._send_event)
        call.check()
        return call, self._read_params(pending, self._method(call.method))

    def _finish(self, call: Call, outcome: Any) -> Any:
        if isinstance(outcome, BaseException):
            raise outcome
        result = _checked(outcome, call.method, self._method(call.method))
        call.check()
        return result

    def _method(self, name: str) -> Method:
        method = self._worker.registry.get(name)
        if method is None:
            raise unknown_method(name, self._worker.registry.names)
        return method

    def _read_params(self, pending: Pending, method: Method) -> Any:
        memory = pending.client.memory
        reader = MessageReader(pending.frames, None if memory is None else memory.incoming)
        wanted: Any = dict[str, Any] if method.types is None else method.types.params
        try:
            return reader.read(pending.request.params, wanted)
        except msgspec.ValidationError as error:
            raise from_validation(error) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise invalid_message(reason_of(error)) from error

    def _send_event(self, pending: Pending, seq: int, value: Any) -> None:
        self._io.post(pending.client, self._encode(pending, Event(id=pending.request.id, seq=seq, value=value)))

    def _encode(self, pending: Pending, message: WorkerMessage) -> list[bytes | memoryview]:
        client = pending.client
        writer = MessageWriter(None if client.memory is None else client.memory.outgoing)
        return writer.write(message, client.max_frame_bytes)


def _raise(error: BaseException) -> Any:
    raise error


def _checked(result: Any, name: str, method: Method) -> Any:
    """TypeError or ValidationError when a declared method does not return what is declared."""
    if method.types is None or isinstance(result, method.types.result):
        return {} if result is None else result
    return msgspec.convert(result, method.types.result)
