"""Tests of the official engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from small import Workshop


@pytest.fixture(scope="session")
def workshop(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("workshop"), checkout)
