"""Why a rank failed, as a record: torch's launcher only says which one, and with what exit status."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from glip_worker.engines.official.compat.reporting.reporter import Reporter
from glip_worker.errors import MAX_TRACEBACK_CHARACTERS, GlipError, from_exception

#: How C++ code of torch words a write that did not fit.
DISK_TEXTS = ("No space left on device", "Disk quota exceeded")


@contextmanager
def failures(reporter: Reporter | None) -> Iterator[None]:
    """Records what is raised inside, and raises it again."""
    try:
        yield
    except BaseException as error:
        if reporter is not None and not (isinstance(error, SystemExit) and error.code in (None, 0)):
            reporter.write_anyway("failed", rank=reporter.rank, **description(error))
        raise


def description(error: BaseException) -> dict[str, Any]:
    """`cause`, `error` (the class), `message`, `place`, `traceback`, and what is particular to the cause."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    fields: dict[str, Any] = {
        "error": type(error).__name__,
        "message": str(error),
        "place": _place(error),
        "traceback": text[-MAX_TRACEBACK_CHARACTERS:],
    }
    if isinstance(error, GlipError):
        return {**fields, "cause": "known", "code": error.code, "details": error.details}
    if isinstance(error, SystemExit):
        code = error.code if isinstance(error.code, int) else 1
        return {**fields, "cause": "exit", "exit_code": code}
    if type(error).__name__ == "BdbQuit":
        return {**fields, "cause": "debugger"}
    full = _disk_full(error)
    if full is not None:
        return {**fields, "cause": "disk_full", "path": full}
    # Asked last: from_exception frees the frames that hold the memory, and the places with them.
    out_of_memory = from_exception(error).code == "out_of_memory"
    return {**fields, "cause": "out_of_memory" if out_of_memory else "error"}


def _place(error: BaseException) -> str:
    """`file:line` of the last frame that is neither the debugger's nor the one that calls exit."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.endswith(("/bdb.py", "/pdb.py", "/_sitebuiltins.py")) and frame.filename[0] != "<"
    ]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def _disk_full(error: BaseException) -> str | None:
    """The file that did not fit ("" where nobody says which); None when the disk is not the reason."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in (errno.ENOSPC, errno.EDQUOT):
            return str(seen.filename or "")
        if any(text in str(seen) for text in DISK_TEXTS):
            return ""
        seen = seen.__cause__ or seen.__context__
    return None
