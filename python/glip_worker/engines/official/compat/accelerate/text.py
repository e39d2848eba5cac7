"""Captions at their own length."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from glip_worker.engines.official.compat.patching import Changes, Settings


def short_text(changes: Changes, settings: Settings) -> None:
    """GeneralizedVLRCNN.forward with LANGUAGE_BACKBONE.PAD_MAX False, outside training.

    Padding tokens are masked in BERT, in the fusion and in the tower, and no label points to one, so no result reads
    them. Steps aside in training, for one-hot text (its labels are columns whatever the caption's length) and
    without the dot-product head (its token layer has one column for each of 256 tokens).
    """
    detector: Any = importlib.import_module("maskrcnn_benchmark.modeling.detector.generalized_vl_rcnn")
    original = detector.GeneralizedVLRCNN.forward

    def forward(self: Any, *args: Any, **options: Any) -> Any:
        if self.training or not _any_length(self.cfg):
            return original(self, *args, **options)
        with _unpadded(self.cfg.MODEL.LANGUAGE_BACKBONE):
            return original(self, *args, **options)

    changes.set(detector.GeneralizedVLRCNN, "forward", forward)


def _any_length(cfg: Any) -> bool:
    return bool(cfg.MODEL.DYHEAD.FUSE_CONFIG.USE_DOT_PRODUCT_TOKEN_LOSS) and not cfg.DATASETS.ONE_HOT


@contextmanager
def _unpadded(node: Any) -> Iterator[None]:
    # The configuration is frozen by most scripts; it is a dict below.
    before = node.PAD_MAX
    dict.__setitem__(node, "PAD_MAX", False)
    try:
        yield
    finally:
        dict.__setitem__(node, "PAD_MAX", before)
