from __future__ import annotations

from collections.abc import Iterator

import pytest
from worker_client import Client, WorkerProcess


@pytest.fixture(scope="session")
def worker() -> Iterator[WorkerProcess]:
    """One worker for every test that does not end it; `max_pending` 8, `max_queue` 12."""
    limits = {"max_frame_bytes": 64 * 2**20, "max_pending": 8, "max_queue": 12}
    with WorkerProcess(plugins=["sample_plugin"], limits=limits) as process:
        yield process


@pytest.fixture
def client(worker: WorkerProcess) -> Iterator[Client]:
    with Client(worker.endpoint) as one:
        ready = one.hello()
        assert type(ready).__name__ == "Ready", ready
        yield one


@pytest.fixture
def other(worker: WorkerProcess) -> Iterator[Client]:
    """A second client of the same worker."""
    with Client(worker.endpoint) as one:
        one.hello()
        yield one
