"""Requests about pictures, several at once.

Only pictures of the same padded size share a pass, as padding changes what is found: an answer does not depend on who
else asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import torch

from glip_worker.call import Call
from glip_worker.engines.native.memory import in_passes
from glip_worker.engines.native.model import Model
from glip_worker.engines.native.picture import Picture, pyramid_of
from glip_worker.errors import CallStopped, from_exception
from glipv2.pyramid import Pyramid


@dataclass
class Asked:
    """One request on its way."""

    call: Call

    picture: Picture

    outcome: Any = field(default=None, kw_only=True)
    """The result, or the exception that ended it."""

    def padded(self, divisor: int) -> tuple[int, int]:
        """Size of the picture in a batch of its like."""
        height, width = self.picture.seen
        return -(-height // divisor) * divisor, -(-width // divisor) * divisor


Job = TypeVar("Job", bound=Asked)
P = TypeVar("P")


def outcomes_of(
    model: Model,
    calls: Sequence[tuple[Call, P]],
    read: Callable[[Model, Call, P], Job],
    compute: Callable[[Model, Pyramid, Sequence[tuple[int, Job]]], None],
) -> list[Any]:
    """The outcome of each call: its result, or the exception that ends it, such as GlipError `out_of_memory`.

    `read`: the request as a job. `compute`: says the outcomes of jobs, each with the row of its picture in the pyramid,
    and may be asked again where memory ended; what it leaves without one is not waited for any more.
    """
    outcomes: list[Any] = [None] * len(calls)
    groups: dict[tuple[int, int], list[tuple[int, Job]]] = {}
    for index, (call, params) in enumerate(calls):
        try:
            job = read(model, call, params)
        except CallStopped as stopped:
            outcomes[index] = stopped
        except Exception as error:
            outcomes[index] = from_exception(error)
        else:
            groups.setdefault(job.padded(model.config.input.divisor), []).append((index, job))
    for (height, width), members in groups.items():
        jobs = [job for _, job in members]
        with torch.inference_mode(), model.computing():
            in_passes(jobs, height * width, model.device.type, partial(_pass, model, compute))
        for index, job in members:
            outcomes[index] = job.outcome
    return outcomes


def wanted(jobs: Sequence[Job]) -> list[Job]:
    """Those whose answer is still waited for."""
    still = []
    for job in jobs:
        if job.outcome is None:
            try:
                job.call.check()
                still.append(job)
            except CallStopped as stopped:
                job.outcome = stopped
    return still


def _pass(
    model: Model, compute: Callable[[Model, Pyramid, Sequence[tuple[int, Job]]], None], jobs: Sequence[Job]
) -> None:
    """One pass of the backbone, for pictures that are not held. An error of one job is its outcome."""
    jobs = wanted(jobs)
    if not jobs:
        return
    try:
        pyramid, rows = pyramid_of(model, [job.picture for job in jobs])
        compute(model, pyramid, list(zip(rows, jobs, strict=True)))
    except Exception as error:
        # Fewer at once may still fit; a single one gets what went wrong, and its memory is free for those that follow.
        if len(jobs) > 1:
            raise
        failure = from_exception(error)
        if failure.code == "out_of_memory":
            model.views.clear()  # which can be looked at again
        jobs[0].outcome = failure
