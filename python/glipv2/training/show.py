"""How far a run is, as lines for a terminal."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

#: Least time between two lines about steps.
STEP_SECONDS = 10.0

_POLL_SECONDS = 0.2


@contextmanager
def showing(events: Path, wanted: bool) -> Iterator[None]:
    """Within it, what is new in the file of events is printed, if wanted."""
    if not wanted:
        yield
        return
    over = threading.Event()
    start = events.stat().st_size if events.exists() else 0
    thread = threading.Thread(target=_show, args=(events, start, over), name="show", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _show(path: Path, start: int, over: threading.Event) -> None:
    rest, shown = b"", 0.0
    while True:
        ended = over.wait(_POLL_SECONDS)
        with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
            file.seek(start)
            data = file.read()
            start += len(data)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                event = json.loads(line)
                now = time.monotonic()
                if event["type"] == "step" and now - shown < STEP_SECONDS and event["step"] != event["total_steps"]:
                    continue
                shown = now if event["type"] == "step" else shown
                text = _text(event)
                if text is not None:
                    print(text, flush=True)  # noqa: T201 - the command's output
        if ended:
            return


def _text(event: dict[str, Any]) -> str | None:
    kind = event["type"]
    if kind == "step":
        losses = " ".join(f"{name} {value:.4g}" for name, value in event["losses"].items() if value is not None)
        rate, hours = event["pictures_per_second"], event["eta_seconds"] / 3600
        return f"step {event['step']}/{event['total_steps']}  {losses}  {rate:.1f} pictures/s  {hours:.2f} h left"
    if kind == "evaluation":
        figures = " ".join(f"{name} {value:.3f}" for name, value in event["metrics"].items() if value is not None)
        return f"step {event['step']}: {figures}"
    if kind in ("checkpoint", "warning", "failed", "done", "start"):
        shown = {"checkpoint": "path", "warning": "text", "failed": "message", "done": "ended", "start": "output"}
        return f"{kind}: {event[shown[kind]]}"
    return None
