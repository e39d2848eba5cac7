"""Non-maximum suppression: of boxes that show the same thing, the best stays.

Legend: N boxes, K kept. A box is `[x1, y1, x2, y2]` and x2 - x1 + 1 wide.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch
from torch import Tensor


def nms_by_label(boxes_N4: Tensor, scores_N: Tensor, labels_N: Tensor, overlap: float) -> Tensor:
    """Indices of those that no better one of the same label overlaps by more than `overlap` (intersection over union),
    ascending. `overlap` 0 or less: all.

    On the CPU, wherever the boxes lie: they are few by now, and one label after the other is less work than all pairs.
    """
    if overlap <= 0 or not len(boxes_N4):
        return torch.arange(len(boxes_N4), device=boxes_N4.device)
    order_N = labels_N.argsort(stable=True).cpu()
    # One pixel larger, so that a plain overlap is that of boxes whose last pixels belong to them.
    larger_N4 = boxes_N4.float().cpu() + torch.tensor([0.0, 0.0, 1.0, 1.0])
    counts = labels_N.cpu()[order_N].unique_consecutive(return_counts=True)[1]
    scores_N = scores_N.float().cpu()
    # The official kernel compares in single precision.
    limit = float(torch.tensor(overlap, dtype=torch.float32))
    nms = operator()
    kept = [some[nms(larger_N4[some], scores_N[some], limit)] for some in order_N.split(counts.tolist())]
    return torch.cat(kept).sort().values.to(boxes_N4.device)


@cache
def operator() -> Callable[[Tensor, Tensor, float], Tensor]:
    """torchvision's, without the import of torchvision, which takes as long as torch's: its library is enough.

    A program that serves calls it before the first picture: a library that is loaded when memory has ended is broken
    for good.
    """
    package = importlib.util.find_spec("torchvision")
    folders = [] if package is None else list(package.submodule_search_locations or [])
    for library in (path for folder in folders for path in Path(folder).glob("_C*") if path.suffix in (".so", ".pyd")):
        try:
            torch.ops.load_library(str(library))
            loaded: Callable[[Tensor, Tensor, float], Tensor] = torch.ops.torchvision.nms
            return loaded
        except (OSError, RuntimeError, AttributeError):
            continue
    from torchvision.ops import nms

    imported: Callable[[Tensor, Tensor, float], Tensor] = nms
    return imported
