"""Errors with the codes of src/errors.ts, and how any exception becomes one of them."""

from __future__ import annotations

import gc
import re
import sys
import traceback
from typing import Any

import msgspec

from glipv2.ops.memory import give_back

#: Longest text of a traceback that is sent; the end, which names the error, is kept.
MAX_TRACEBACK_CHARACTERS = 20_000

#: Longest part of a value that a message quotes.
MAX_QUOTED_CHARACTERS = 200

#: How torch words an allocation that failed. Its own allocator on CUDA has an exception class of its own; CUDA and the
#: libraries below it have not.
OUT_OF_MEMORY_TEXTS = (
    "DefaultCPUAllocator: can't allocate",
    "DefaultCPUAllocator: not enough memory",
    "std::bad_alloc",
    "could not create a memory object",  # oneDNN
    "could not create a primitive",
    "MPS backend out of memory",
    "CUDA out of memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)


class GlipError(Exception):
    """An error the client sees as it is: `code` and the keys of `details` are those of src/errors.ts."""

    def __init__(self, code: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = {} if details is None else details


class CallStopped(BaseException):
    """Raised inside a method to end it early: cancelled, past its deadline, or its client is gone.

    A BaseException, so that a method's `except Exception` does not swallow it. `error` is what the client is
    told; None when there is no client left.
    """

    def __init__(self, error: GlipError | None) -> None:
        super().__init__("the call was stopped")
        self.error = error


def invalid_argument(path: str, expected: str, received: str) -> GlipError:
    if len(received) > MAX_QUOTED_CHARACTERS:
        received = f"{received[:MAX_QUOTED_CHARACTERS]}…"
    details = {"path": path, "expected": expected, "received": received}
    return GlipError("invalid_argument", f"{path}: expected {expected}, got {received}", details)


def invalid_message(reason: str) -> GlipError:
    return GlipError("invalid_message", f"the message does not fit the protocol: {reason}", {"reason": reason})


def cancelled() -> GlipError:
    return GlipError("cancelled", "the call was cancelled")


def deadline_exceeded(timeout_ms: int) -> GlipError:
    message = f"the call did not finish within {timeout_ms} ms"
    return GlipError("deadline_exceeded", message, {"timeoutMs": timeout_ms})


def queue_full(pending: int, limit: int) -> GlipError:
    message = f"the worker's queue is full ({pending} of {limit}): wait for an answer before the next call"
    return GlipError("queue_full", message, {"pending": pending, "limit": limit})


def message_too_large(size: int, limit: int) -> GlipError:
    message = f"a frame of {size} bytes exceeds the receiver's limit of {limit} bytes"
    return GlipError("message_too_large", message, {"bytes": size, "limit": limit})


def protocol_mismatch(field: str, expected: str, received: str) -> GlipError:
    message = f"client and worker do not speak the same protocol: {field}: expected {expected}, got {received}"
    return GlipError("protocol_mismatch", message, {"field": field, "expected": expected, "received": received})


def unknown_method(method: str, known: list[str]) -> GlipError:
    message = f"this worker has no method {method!r}; it has {', '.join(known)}"
    return GlipError("unknown_method", message, {"method": method, "known": known})


_AT = re.compile(r"^(?P<text>.*?)(?: - at `\$\.?(?P<path>.*)`)?$", re.DOTALL)
_FIELD = re.compile(r"^Object (?P<what>missing required|contains unknown) field `(?P<field>.*)`$", re.DOTALL)
_GOT = re.compile(r"^Expected (?P<expected>.*), got (?P<received>.*)$", re.DOTALL)


def from_validation(error: msgspec.ValidationError) -> GlipError:
    """msgspec's text, e.g. "Expected `int`, got `str` - at `$.shape[1]`", as `invalid_argument`."""
    at = _AT.match(str(error))
    text, path = (at["text"], at["path"] or "") if at else (str(error), "")
    field = _FIELD.match(text)
    if field is not None:
        path = f"{path}.{field['field']}" if path else field["field"]
        missing = field["what"] == "missing required"
        return invalid_argument(path, "a value" if missing else "no such field", "nothing" if missing else "one")
    got = _GOT.match(text)
    if got is not None:
        return invalid_argument(path or "params", got["expected"].replace("`", ""), got["received"].replace("`", ""))
    expected = text.removeprefix("Expected ").replace("`", "")
    return invalid_argument(path or "params", expected, "a value outside of that")


def from_exception(error: BaseException) -> GlipError:
    """Any exception that a method raised. Frees what its frames held when memory ran out."""
    if isinstance(error, GlipError):
        if error.code == "out_of_memory":
            _free_memory(error)
        return error
    name = type(error).__name__
    text = _printable("".join(traceback.format_exception(type(error), error, error.__traceback__)))
    details = {"type": name, "traceback": text[-MAX_TRACEBACK_CHARACTERS:]}
    message = _printable(f"{name}: {error}" if str(error) else name)
    if not _is_out_of_memory(error):
        return GlipError("worker_error", message, details)
    _free_memory(error)
    return GlipError("out_of_memory", message, details)


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    # By class name too: torch.OutOfMemoryError is a RuntimeError, and this module does not import torch for it.
    names = {base.__name__ for base in type(error).__mro__}
    return "OutOfMemoryError" in names or any(text in str(error) for text in OUT_OF_MEMORY_TEXTS)


def _free_memory(error: BaseException) -> None:
    # The frames of the traceback keep the method's tensors alive.
    traceback.clear_frames(error.__traceback__)
    error.__traceback__ = None
    gc.collect()
    give_back()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _printable(text: str) -> str:
    """msgpack strings are UTF-8; a path with undecodable bytes carries lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
