"""The official layout of a benchmark below one data root: what lies where, and all that is missing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from glipv2.benchmarks.benchmark import Benchmark, Choices, Needed


class Missing(NamedTuple):
    path: Path
    """Where the official layout has it."""

    reason: str

    page: str
    """Where a person gets it."""


class LayoutError(ValueError):
    """Files of a benchmark that are not there: all of them."""

    def __init__(self, benchmark: str, root: Path, missing: list[Missing]) -> None:
        lines = "; ".join(f"{one.path} {one.reason} (get it from {one.page})" for one in missing)
        super().__init__(f"{root} does not hold the benchmark {benchmark}: {lines}")
        self.benchmark = benchmark
        self.root = root
        self.missing = missing


def located(benchmark: Benchmark, root: Path, choices: Choices | None = None) -> dict[str, Path]:
    """Where each role lies. LayoutError names everything that is missing, not only the first."""
    places: dict[str, Path] = {}
    missing: list[Missing] = []
    for needed in benchmark.needed(choices or Choices()):
        tried = [(root / path, _fault(root / path, needed)) for path in (needed.path, *needed.also)]
        place = next((path for path, fault in tried if fault is None), None)
        if place is None and needed.optional:
            continue
        if place is None:
            path, fault = tried[0]
            missing.append(Missing(path, fault or "", needed.page))
        elif needed.role is not None:
            places[needed.role] = place
    if missing:
        raise LayoutError(benchmark.name, root, missing)
    return places


def _fault(path: Path, needed: Needed) -> str | None:
    if not path.exists():
        return "is not there"
    if needed.folder != path.is_dir():
        return "is no folder" if needed.folder else "is no file"
    if needed.folder:
        with os.scandir(path) as entries:
            return None if any(entries) else "is empty"
    return None
