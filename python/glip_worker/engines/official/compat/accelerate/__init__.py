"""Numerically equal accelerations of the official model, off unless asked for.

Differences were measured on GLIP-T with random weights, one picture, single precision, CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from glip_worker.engines.official.compat.accelerate import deform, fusion, text
from glip_worker.engines.official.compat.patching import Changes, Settings


@dataclass(frozen=True)
class Acceleration:
    name: str

    changes: str
    """What it computes differently, and where it steps aside."""

    largest_difference: str
    """Of the scores, against the plain official model."""

    apply: Callable[[Changes, Settings], None]


ACCELERATIONS: tuple[Acceleration, ...] = (
    Acceleration(
        "short_text",
        "captions are not padded to 256 tokens at inference (training keeps the padding: its token loss counts on it)",
        "1e-6",
        text.short_text,
    ),
    Acceleration(
        "fusion",
        "fusion attention multiplies the projections of vision into the few text tokens first; steps aside under "
        "autocast and where heads x tokens reach the width of the attention",
        "1e-6",
        fusion.reassociate,
    ),
    Acceleration(
        "deformable",
        "deformable convolution as a weighted embedding_bag and one matrix product, on the CPU, forward and backward; "
        "grouped convolutions are left alone",
        "1e-6",
        deform.embedding_bag,
    ),
)
