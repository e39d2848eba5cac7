"""Tests of the official engine. Those marked `official` need the checkout: they run if GLIP_OFFICIAL_REPO names it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from small import Workshop

ENVIRONMENT = "GLIP_OFFICIAL_REPO"
_left_out: list[str] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get(ENVIRONMENT):
        return
    for item in items:
        if item.get_closest_marker("official") is not None:
            _left_out.append(item.nodeid)
            item.add_marker(pytest.mark.skip(reason=f"{ENVIRONMENT} is not set"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _left_out:
        text = f"{len(_left_out)} tests with the official checkout were skipped: {ENVIRONMENT} is not set"
        terminalreporter.write_line(text, yellow=True)


@pytest.fixture(scope="session")
def checkout() -> Path:
    return Path(os.environ[ENVIRONMENT]).resolve()


@pytest.fixture(scope="session")
def workshop(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"), checkout)
