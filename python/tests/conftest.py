"""What every folder of tests shares. Tests marked `official` need the checkout: they run if GLIP_OFFICIAL_REPO names
it; those marked `cuda` need an NVIDIA GPU. What was left out is said in a line for each reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ENVIRONMENT = "GLIP_OFFICIAL_REPO"
_left_out: dict[str, int] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for marker, reason in (("official", _no_checkout), ("cuda", _no_gpu)):
        marked = [item for item in items if HERE in item.path.parents and item.get_closest_marker(marker) is not None]
        absent = reason() if marked else None
        for item in marked if absent else []:
            text = f"{item.path.parent.relative_to(HERE.parent)}: skipped %d tests marked {marker}, because {absent}"
            _left_out[text] = _left_out.get(text, 0) + 1
            item.add_marker(pytest.mark.skip(reason=absent))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for text, count in _left_out.items():
        terminalreporter.write_line(text % count, yellow=True)


@pytest.fixture(scope="session")
def checkout() -> Path:
    return Path(os.environ[ENVIRONMENT]).resolve()


def _no_checkout() -> str | None:
    return None if os.environ.get(ENVIRONMENT) else f"{ENVIRONMENT} is not set"


def _no_gpu() -> str | None:
    import torch  # takes seconds: only where a test asks

    return None if torch.cuda.is_available() else "there is no NVIDIA GPU"
