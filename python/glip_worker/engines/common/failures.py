"""What the native package raises, as the errors that a client knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from glip_worker.errors import GlipError, invalid_argument
from glipv2.errors import InputError, WeightsError


@contextmanager
def as_glip_errors() -> Iterator[None]:
    """Within it, InputError and WeightsError leave as GlipError; everything else as it is."""
    try:
        yield
    except InputError as error:
        raise invalid_argument(error.path, error.expected, error.received) from error
    except WeightsError as error:
        raise of_weights(error) from error


def of_weights(error: WeightsError) -> GlipError:
    path = str(error.path)
    if error.field == "missing":
        message = f"there are no weights at {path}: {error.remedy}"
        return GlipError("weights_missing", message, {"name": error.path.name, "path": path})
    if error.field == "unreadable":
        message = f"{path}: the weights cannot be read: {error.received}"
        return GlipError("file_error", message, {"path": path, "reason": error.received})
    details = {"path": path, "field": error.field, "expected": error.expected, "received": error.received}
    return GlipError("weights_mismatch", str(error), details)
