"""The errors with which a run is refused before it starts, each with what to do about it."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from pathlib import Path

from glip_worker.errors import GlipError

#: So many problems of a data set are listed; the others are only counted.
MAX_LISTED_PROBLEMS = 20


@dataclass
class Problems:
    """What is wrong with a file of annotations, in the order in which it was found."""

    listed: list[dict[str, str]] = field(default_factory=list)
    count: int = 0

    def add(self, where: str, reason: str) -> None:
        self.count += 1
        if len(self.listed) < MAX_LISTED_PROBLEMS:
            self.listed.append({"where": where, "reason": reason})

    def take(self, others: Problems) -> None:
        self.listed = (self.listed + others.listed)[:MAX_LISTED_PROBLEMS]
        self.count += others.count

    def refuse(self, path: str) -> None:
        """GlipError `dataset_invalid` when there is a problem."""
        if self.count:
            raise dataset_invalid(path, self)


def dataset_invalid(path: str, problems: Problems) -> GlipError:
    first = problems.listed[0]
    more = f", and {problems.count - 1} more" if problems.count > 1 else ""
    message = f"{path} cannot be used: {first['where']}: {first['reason']}{more}"
    return GlipError("dataset_invalid", message, {"path": path, "problems": problems.listed, "count": problems.count})


def config_invalid(path: str, keys: list[str], reason: str) -> GlipError:
    return GlipError("config_invalid", f"{path}: {reason}", {"path": path, "keys": keys, "reason": reason})


def unsupported(feature: str, reason: str) -> GlipError:
    return GlipError("unsupported", f"{feature}: {reason}", {"feature": feature, "reason": reason})


def weights_missing(path: Path) -> GlipError:
    message = f"weights: there is no file {path}. Give the path of a checkpoint (.pth)"
    return GlipError("weights_missing", message, {"name": path.name, "path": str(path)})


def not_read(path: Path, error: OSError) -> GlipError:
    reason = error.strerror or str(error)
    return GlipError("file_error", f"{path} cannot be read: {reason}", {"path": str(path), "reason": reason})


def not_written(path: Path, error: OSError) -> GlipError:
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        message = f"the disk that holds {path} is full. Free some space or choose another output"
        return GlipError("disk_full", message, {"path": str(path), "needed": None, "free": 0})
    return GlipError("file_error", f"{path} cannot be written: {reason}", {"path": str(path), "reason": reason})
