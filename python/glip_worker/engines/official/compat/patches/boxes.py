"""Non-maximum suppression over box lists: one behaviour on every device, that of the CUDA branch."""

from __future__ import annotations

import importlib
from typing import Any

from glip_worker.engines.official.compat.ops.nms import ml_nms
from glip_worker.engines.official.compat.patching import Changes, Settings


def box_nms(changes: Changes, settings: Settings) -> None:
    box_lists = importlib.import_module("maskrcnn_benchmark.structures.boxlist_ops")
    changes.everywhere(box_lists, "boxlist_ml_nms", boxlist_ml_nms)


def boxlist_ml_nms(
    boxlist: Any,
    nms_thresh: float,
    max_proposals: int = -1,
    score_field: str = "scores",
    label_field: str = "labels",
) -> Any:
    """The boxes that no better box of their label covers by more than `nms_thresh`; a threshold of 0 keeps all."""
    if nms_thresh <= 0:
        return boxlist
    corners = boxlist.convert("xyxy")
    kept = ml_nms(corners.bbox, corners.get_field(score_field), corners.get_field(label_field), nms_thresh)
    if max_proposals > 0:
        kept = kept[:max_proposals]
    return corners[kept].convert(boxlist.mode)
