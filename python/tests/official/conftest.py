"""Tests of the official engine. Those marked `official` need the checkout: they run if GLIP_OFFICIAL_REPO names it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from small import Workshop

HERE = Path(__file__).resolve().parent
ENVIRONMENT = "GLIP_OFFICIAL_REPO"
_left_out: dict[str, int] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    absent = {}
    if not os.environ.get(ENVIRONMENT):
        absent["official"] = f"{ENVIRONMENT} is not set"
    if not torch.cuda.is_available():
        absent["cuda"] = "there is no NVIDIA GPU"
    for item in items:
        if HERE not in item.path.parents:
            continue
        for marker, reason in absent.items():
            if item.get_closest_marker(marker) is not None:
                text = f"marked {marker}, because {reason}"
                _left_out[text] = _left_out.get(text, 0) + 1
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for text, count in _left_out.items():
        terminalreporter.write_line(f"tests/official: skipped {count} tests {text}", yellow=True)


@pytest.fixture(scope="session")
def checkout() -> Path:
    return Path(os.environ[ENVIRONMENT]).resolve()


@pytest.fixture(scope="session")
def workshop(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"), checkout)
