"""What was found, and how several passes over one picture become one answer.

Legend: N M objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from glipv2.detection.nms import nms_by_label


class Objects(NamedTuple):
    boxes_N4: Tensor
    """`[x1, y1, x2, y2]`, float32."""

    scores_N: Tensor
    """0 to 1, float32."""

    labels_N: Tensor
    """int64, from 0."""

    regions_N: Tensor
    """int64: which region of the picture each one is, such as a row of `Output.regions_BNC[picture]`."""

    def take(self, index_M: Tensor) -> Objects:
        """Those at the index, in its order."""
        return Objects(*(one[index_M] for one in self))

    def shifted(self, first: int) -> Objects:
        """With `first` added to the labels: where a prompt's labels begin among all."""
        return self._replace(labels_N=self.labels_N + first)

    def resized(self, seen: tuple[int, int], picture: tuple[int, int]) -> Objects:
        """Boxes in pixels of the picture, within its edges. Sizes are (height, width): as the network saw it, and as it
        is."""
        height, width = picture
        scale_y, scale_x = height / seen[0], width / seen[1]
        limits = self.boxes_N4.new_tensor([width, height, width, height])
        boxes_N4 = self.boxes_N4 * self.boxes_N4.new_tensor([scale_x, scale_y, scale_x, scale_y])
        return self._replace(boxes_N4=boxes_N4.clamp(min=0).minimum(limits))

    @staticmethod
    def none() -> Objects:
        return Objects(torch.zeros(0, 4), torch.zeros(0), *(torch.zeros(0, dtype=torch.int64) for _ in range(2)))

    @staticmethod
    def cat(passes: Sequence[Objects]) -> Objects:
        """One after the other; at least one."""
        return Objects(*(torch.cat(column) for column in zip(*passes, strict=True)))


def best(
    objects: Objects, overlap: float, threshold: float | Sequence[float] = 0.0, count: int | None = None
) -> Tensor:
    """index_M of the answer of several passes, concatenated: best score first, `count` at most.

    Those that score above the threshold (a number, or one for each label) and that no better one of their label
    overlaps by more than `overlap`, whichever pass it is from. Boxes must be in the pixels that the network saw: there,
    nothing more goes of passes that share no label. ValueError: a label without a threshold.
    """
    scores_N, labels_N = objects.scores_N, objects.labels_N
    if isinstance(threshold, Sequence):
        most = int(labels_N.max()) if len(labels_N) else -1
        if most >= len(threshold):
            raise ValueError(f"threshold: expected one for each label, got {len(threshold)}, and label {most}")
        above_N = scores_N > scores_N.new_tensor(threshold)[labels_N]
    else:
        above_N = scores_N > scores_N.new_tensor(threshold)
    kept = above_N.nonzero().squeeze(1)
    kept = kept[nms_by_label(objects.boxes_N4[kept], scores_N[kept], labels_N[kept], overlap)]
    return kept[scores_N[kept].argsort(descending=True, stable=True)[:count]]
