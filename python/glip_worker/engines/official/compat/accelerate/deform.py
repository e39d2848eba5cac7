"""Deformable convolution as one weighted embedding_bag and one matrix product.

Legend: B pictures, C channels, H W the input's sides, P Q the output's, K kernel positions, S = P x Q.
"""

from __future__ import annotations

import importlib

import torch
import torch.nn.functional as F
from torch import Tensor

from glip_worker.engines.official.compat.ops.deform import (
    Geometry,
    Pair,
    flat_reading,
    grid,
    modulated_deform_conv,
    pair,
)
from glip_worker.engines.official.compat.patching import Changes, Settings


def embedding_bag(changes: Changes, settings: Settings) -> None:
    """layers/deform_conv.py: modulated_deform_conv by `gathered_deform_conv`, on the CPU and without groups."""
    layers = importlib.import_module("maskrcnn_benchmark.layers.deform_conv")

    def convolve(
        input: Tensor,
        offset: Tensor,
        mask: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        groups: int = 1,
        deformable_groups: int = 1,
    ) -> Tensor:
        plain = groups == 1 and deformable_groups == 1 and input.device.type == "cpu" and input.numel() > 0
        function = gathered_deform_conv if plain and input.dtype == weight.dtype else modulated_deform_conv
        return function(input, offset, mask, weight, bias, stride, padding, dilation, groups, deformable_groups)

    changes.set(layers, "modulated_deform_conv", convolve)


def gathered_deform_conv(
    input: Tensor,
    offset: Tensor,
    mask: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
    deformable_groups: int = 1,
) -> Tensor:
    """As `ops.deform.modulated_deform_conv`, for one group; gradients for everything.

    Each column of the convolution is the weighted sum of four pixels: an embedding_bag over the picture as a table.
    """
    geometry = Geometry(pair(stride), pair(padding), pair(dilation), groups, deformable_groups)
    batch, channels, height, width = input.shape
    rows, columns = geometry.output_size(input, weight)
    kernel = weight.shape[2] * weight.shape[3]
    offset = flat_reading(offset.to(input.dtype), 2 * kernel, (rows, columns), "offset")
    mask = flat_reading(mask.to(input.dtype), kernel, (rows, columns), "mask")

    grid_y_KS, grid_x_KS = grid(weight, (rows, columns), geometry)
    offset_BK2S = offset.reshape(batch, kernel, 2, rows * columns)
    y, x = grid_y_KS + offset_BK2S[:, :, 0], grid_x_KS + offset_BK2S[:, :, 1]
    index_BKS4, share_BKS4 = _corners(y, x, height, width)
    share_BKS4 = share_BKS4 * mask.reshape(batch, kernel, -1, 1)
    index_BKS4 = index_BKS4 + (torch.arange(batch) * (height * width)).view(-1, 1, 1, 1)

    table = input.permute(0, 2, 3, 1).reshape(-1, channels)
    gathered = F.embedding_bag(
        index_BKS4.transpose(1, 2).reshape(-1, 4),
        table,
        mode="sum",
        per_sample_weights=share_BKS4.transpose(1, 2).reshape(-1, 4),
    )
    filters = weight.permute(0, 2, 3, 1).reshape(weight.shape[0], kernel * channels)
    result = F.linear(gathered.view(batch * rows * columns, kernel * channels), filters, bias)
    return result.view(batch, rows * columns, -1).transpose(1, 2).reshape(batch, -1, rows, columns)


def _corners(y: Tensor, x: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """The four pixels around each point: index into H x W, and share, 0 outside the picture."""
    # As in the kernel, a point a whole pixel or more outside reads nothing and has no slope.
    inside = (y > -1) & (x > -1) & (y < height) & (x < width)
    top, left = y.detach().floor(), x.detach().floor()
    dy, dx = y - top, x - left
    shares = torch.stack(((1 - dy) * (1 - dx), (1 - dy) * dx, dy * (1 - dx), dy * dx), dim=-1)
    top, left = top.long(), left.long()
    row = torch.stack((top, top, top + 1, top + 1), dim=-1)
    column = torch.stack((left, left + 1, left, left + 1), dim=-1)
    exists = inside.unsqueeze(-1) & (row >= 0) & (row < height) & (column >= 0) & (column < width)
    index = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
    return index, torch.where(exists, shares, torch.zeros_like(shares))
