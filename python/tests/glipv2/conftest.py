"""Tests of the native engine. Those of parity compare it with the official code on the same weights."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch


@pytest.fixture(scope="module", autouse=True)
def seeded() -> None:
    """What modules draw before tests move them away from it is the same in each run."""
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def official(checkout: Path) -> Iterator[Any]:
    """The official package, importable and on the CPU, until the module's tests are done; gives its default
    configuration, to be cloned."""
    from glip_worker.engines.official.compat.checkout import use_checkout
    from glip_worker.engines.official.compat.installation import install, uninstall

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.dont_write_bytecode", True)
        patch.setattr("sys.path", [*sys.path])
        use_checkout(checkout)
        install(device="cpu")
        from maskrcnn_benchmark.config import cfg

        yield cfg
        uninstall()
