"""Tests of the official engine. Those marked `official` need the checkout: they run if GLIP_OFFICIAL_REPO names it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from small import Workshop

ENVIRONMENT = "GLIP_OFFICIAL_REPO"
_left_out = {"official": 0, "cuda": 0}
_reasons = {"official": f"{ENVIRONMENT} is not set", "cuda": "there is no NVIDIA GPU"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    present = {"official": bool(os.environ.get(ENVIRONMENT)), "cuda": torch.cuda.is_available()}
    for item in items:
        for name in _left_out:
            if item.get_closest_marker(name) is not None and not present[name]:
                _left_out[name] += 1
                item.add_marker(pytest.mark.skip(reason=_reasons[name]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for name, count in _left_out.items():
        if count:
            terminalreporter.write_line(f"{count} {name} tests were skipped: {_reasons[name]}", yellow=True)


@pytest.fixture(scope="session")
def checkout() -> Path:
    return Path(os.environ[ENVIRONMENT]).resolve()


@pytest.fixture(scope="session")
def workshop(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"), checkout)
