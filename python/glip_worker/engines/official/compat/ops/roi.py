"""Pooling of regions: ROIAlign without the half-pixel shift, and ROIPool.

Legend: B pictures, C channels, H W their sides, R regions `(picture, x1, y1, x2, y2)`, P Q the pooled sides.
"""

from __future__ import annotations

import torch
import torchvision  # noqa: F401  registers torch.ops.torchvision
from torch import Tensor


def roi_align_forward(
    input_BCHW: Tensor, rois_R5: Tensor, scale: float, height: int, width: int, sampling_ratio: int
) -> Tensor:
    rois_R5 = rois_R5.to(input_BCHW.dtype)
    pooled: Tensor = torch.ops.torchvision.roi_align(input_BCHW, rois_R5, scale, height, width, sampling_ratio, False)
    return pooled


def roi_align_backward(
    grad_RCPQ: Tensor,
    rois_R5: Tensor,
    scale: float,
    height: int,
    width: int,
    batch: int,
    channels: int,
    input_height: int,
    input_width: int,
    sampling_ratio: int,
) -> Tensor:
    rois_R5 = rois_R5.to(grad_RCPQ.dtype)
    sizes = (height, width, batch, channels, input_height, input_width)
    grad: Tensor = torch.ops.torchvision._roi_align_backward(
        grad_RCPQ.contiguous(), rois_R5, scale, *sizes, sampling_ratio, False
    )
    return grad


def roi_pool_forward(
    input_BCHW: Tensor, rois_R5: Tensor, scale: float, height: int, width: int
) -> tuple[Tensor, Tensor]:
    """The pooled maxima and, for each, where it was (an index into H x W, -1 for an empty cell)."""
    rois_R5 = rois_R5.to(input_BCHW.dtype)
    pooled, argmax = torch.ops.torchvision.roi_pool(input_BCHW, rois_R5, scale, height, width)
    return pooled, argmax


def roi_pool_backward(
    grad_RCPQ: Tensor,
    input_BCHW: Tensor,
    rois_R5: Tensor,
    argmax_RCPQ: Tensor,
    scale: float,
    height: int,
    width: int,
    batch: int,
    channels: int,
    input_height: int,
    input_width: int,
) -> Tensor:
    rois_R5 = rois_R5.to(grad_RCPQ.dtype)
    sizes = (height, width, batch, channels, input_height, input_width)
    grad: Tensor = torch.ops.torchvision._roi_pool_backward(grad_RCPQ.contiguous(), rois_R5, argmax_RCPQ, scale, *sizes)
    return grad
