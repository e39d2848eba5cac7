"""Non-maximum suppression as the official extension does it: a box ends one pixel after its last coordinate.

Legend: N boxes, K kept.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor


def nms(boxes_N4: Tensor, scores_N: Tensor, threshold: float) -> Tensor:
    """Indices that are kept, ascending. CPU: suppressed from the threshold on; CUDA: above it (as the two kernels)."""
    if boxes_N4.numel() == 0:
        return _none()
    limit = _single(threshold)
    if not boxes_N4.is_cuda:
        limit = math.nextafter(limit, -math.inf)
    kept_K = _greedy(_one_pixel_larger(boxes_N4), scores_N.float(), limit)
    return kept_K.sort().values


def ml_nms(boxes_N4: Tensor, scores_N: Tensor, labels_N: Tensor, threshold: float) -> Tensor:
    """Indices that are kept, ascending; boxes suppress boxes of their own label only, above the threshold."""
    if boxes_N4.numel() == 0:
        return _none()
    limit = _single(threshold)
    larger_N4, scores_N = _one_pixel_larger(boxes_N4), scores_N.float()
    kept_N = torch.zeros(len(scores_N), dtype=torch.bool, device=boxes_N4.device)
    for label in torch.unique(labels_N):
        of_label = torch.nonzero(labels_N == label).squeeze(1)
        kept_N[of_label[_greedy(larger_N4[of_label], scores_N[of_label], limit)]] = True
    return torch.nonzero(kept_N).squeeze(1)


def soft_nms(boxes_N4: Tensor, scores_N: Tensor, threshold: float, sigma: float) -> tuple[Tensor, Tensor]:
    """Gaussian soft-NMS: indices in the order in which they win, and their lowered scores.

    The official kernel has no CUDA version; here boxes of any device are taken, worked on by the CPU.
    """
    if boxes_N4.numel() == 0:
        return _none(), torch.empty(0, dtype=torch.float32)
    device, kind = boxes_N4.device, boxes_N4.dtype
    boxes, scores = boxes_N4.detach().cpu(), scores_N.detach().cpu().to(kind).clone()
    areas_N = (boxes[:, 2] - boxes[:, 0] + 1) * (boxes[:, 3] - boxes[:, 1] + 1)
    left = torch.arange(len(scores))
    order: list[int] = []
    while len(left):
        position = int(scores[left].argmax())
        best = int(left[position])
        order.append(best)
        left = torch.cat([left[:position], left[position + 1 :]])
        sides = (torch.minimum(boxes[best, 2:], boxes[left, 2:]) - torch.maximum(boxes[best, :2], boxes[left, :2])) + 1
        shared = sides.clamp(min=0).prod(dim=1)
        overlap = shared / (areas_N[best] + areas_N[left] - shared)
        scores[left] *= torch.exp(-(overlap**2) / sigma)
        left = left[scores[left] >= threshold]
    indices = torch.tensor(order, dtype=torch.long)
    return indices.to(device), scores[indices].to(device)


def _one_pixel_larger(boxes_N4: Tensor) -> Tensor:
    """Boxes whose plain overlap equals the legacy overlap with "+ 1" widths and heights."""
    larger = boxes_N4.detach().float().clone()
    larger[:, 2:] += 1
    return larger


def _greedy(boxes_N4: Tensor, scores_N: Tensor, limit: float) -> Tensor:
    kept: Tensor = torch.ops.torchvision.nms(boxes_N4, scores_N, limit)
    return kept


def _single(threshold: float) -> float:
    """The official signature takes the threshold in single precision, torchvision in double."""
    return float(torch.tensor(threshold, dtype=torch.float32))


def _none() -> Tensor:
    return torch.empty(0, dtype=torch.long)
