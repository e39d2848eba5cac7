"""Log lines on stderr, `level name: message`; stdout and the wire carry none."""

from __future__ import annotations

import logging
import sys
import time

#: Lines of one kind that a hostile or broken client can cause, a second.
LINES_PER_SECOND = 5


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record.levelname = record.levelname.lower()
        return super().format(record)


def configure_logging() -> None:
    """Everything of level info from us, warnings from everybody else; the handler flushes after each line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger("glip_worker").setLevel(logging.INFO)


class LimitedLog:
    """A log for what others can cause as often as they like: says how much it left out."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._second = 0
        self._lines = 0

    def warning(self, message: str) -> None:
        second = int(time.monotonic())
        if second != self._second:
            if self._lines > LINES_PER_SECOND:
                self._log.warning("… and %d more like this", self._lines - LINES_PER_SECOND)
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines <= LINES_PER_SECOND:
            self._log.warning("%s", message)
