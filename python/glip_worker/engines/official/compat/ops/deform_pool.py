"""Deformable position-sensitive region pooling, as plain torch.

Nothing in the official tree calls it, whatever the configuration; it is here so that a script of one's own that calls
the extension gets the official numbers.

Legend: R regions `(picture, x1, y1, x2, y2)`, D output channels, S the pooled side, M samples a cell.
"""

from __future__ import annotations

import torch
from torch import Tensor


def deform_psroi_pooling_forward(
    input: Tensor,
    bbox: Tensor,
    trans: Tensor,
    out: Tensor,
    top_count: Tensor,
    no_trans: int,
    spatial_scale: float,
    output_dim: int,
    group_size: int,
    pooled_size: int,
    part_size: int,
    sample_per_part: int,
    trans_std: float,
) -> None:
    """Writes the means into `out` [R, D, S, S] and the number of samples inside the picture into `top_count`."""
    pooled, count = deform_psroi_pooling(
        input, bbox, None if no_trans else trans, spatial_scale, output_dim, group_size, pooled_size, part_size,
        sample_per_part, trans_std,
    )  # fmt: skip
    out.copy_(pooled)
    top_count.copy_(count)


def deform_psroi_pooling_backward(
    out_grad: Tensor,
    input: Tensor,
    bbox: Tensor,
    trans: Tensor,
    top_count: Tensor,
    input_grad: Tensor,
    trans_grad: Tensor,
    no_trans: int,
    spatial_scale: float,
    output_dim: int,
    group_size: int,
    pooled_size: int,
    part_size: int,
    sample_per_part: int,
    trans_std: float,
) -> None:
    """Adds to `input_grad` and, with offsets, to `trans_grad`."""
    with torch.enable_grad():
        leaves = [input.detach().requires_grad_()]
        if not no_trans:
            leaves.append(trans.detach().requires_grad_())
        pooled, _ = deform_psroi_pooling(
            leaves[0], bbox, None if no_trans else leaves[1], spatial_scale, output_dim, group_size, pooled_size,
            part_size, sample_per_part, trans_std,
        )  # fmt: skip
        grads = torch.autograd.grad(pooled, leaves, out_grad)
    input_grad.add_(grads[0])
    if not no_trans:
        trans_grad.add_(grads[1])


def deform_psroi_pooling(
    input: Tensor,
    rois_R5: Tensor,
    trans: Tensor | None,
    spatial_scale: float,
    output_dim: int,
    group_size: int,
    pooled_size: int,
    part_size: int,
    sample_per_part: int,
    trans_std: float,
) -> tuple[Tensor, Tensor]:
    """`input` [B, D x group_size^2, H, W]; `trans` [R, 2 x classes, part_size, part_size], x before y, or None.

    The mean of each cell [R, D, S, S] and how many of its samples lay inside the picture, same shape.
    """
    height, width = input.shape[2:]
    device, kind = input.device, input.dtype
    starts_R2 = _round(rois_R5[:, 1:3]) * spatial_scale - 0.5
    ends_R2 = (_round(rois_R5[:, 3:5]) + 1) * spatial_scale - 0.5
    sides_R2 = (ends_R2 - starts_R2).clamp(min=0.1)

    cells_S = torch.arange(pooled_size, device=device)
    parts_S = (cells_S.to(kind) / pooled_size * part_size).floor().long()
    groups_S = (cells_S * group_size // pooled_size).clamp(0, group_size - 1)

    shift_RDSS2 = _shifts(trans, len(rois_R5), output_dim, parts_S, trans_std, sides_R2)
    bins_R2 = sides_R2 / pooled_size
    rows_S, columns_S = cells_S.to(kind).view(-1, 1), cells_S.to(kind).view(1, -1)
    x_RDSS = columns_S * bins_R2[:, 0].view(-1, 1, 1, 1) + starts_R2[:, 0].view(-1, 1, 1, 1) + shift_RDSS2[..., 0]
    y_RDSS = rows_S * bins_R2[:, 1].view(-1, 1, 1, 1) + starts_R2[:, 1].view(-1, 1, 1, 1) + shift_RDSS2[..., 1]

    samples_M = torch.arange(sample_per_part, device=device).to(kind) / sample_per_part
    x = x_RDSS[..., None, None] + samples_M.view(1, -1) * bins_R2[:, 0].view(-1, 1, 1, 1, 1, 1)
    y = y_RDSS[..., None, None] + samples_M.view(-1, 1) * bins_R2[:, 1].view(-1, 1, 1, 1, 1, 1)
    x, y = x + torch.zeros_like(y), y + torch.zeros_like(x)
    inside = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    x, y = x.clamp(0, width - 1), y.clamp(0, height - 1)

    outputs_D = torch.arange(output_dim, device=device).view(1, -1, 1, 1, 1, 1)
    channel = (outputs_D * group_size + groups_S.view(1, 1, -1, 1, 1, 1)) * group_size + groups_S.view(
        1, 1, 1, -1, 1, 1
    )
    picture = rois_R5[:, 0].long().view(-1, 1, 1, 1, 1, 1)
    values = _bilinear(input, picture, channel, y, x) * inside
    count = inside.sum(dim=(-2, -1))
    return values.sum(dim=(-2, -1)) / count.clamp(min=1), count.to(kind)


def _shifts(
    trans: Tensor | None, regions: int, output_dim: int, parts_S: Tensor, trans_std: float, sides_R2: Tensor
) -> Tensor:
    if trans is None:
        return sides_R2.new_zeros(regions, 1, 1, 1, 2)
    classes = trans.shape[1] // 2
    of_output_D = torch.arange(output_dim, device=trans.device) // (output_dim // classes)
    by_class = trans.reshape(len(trans), classes, 2, *trans.shape[2:])[:, of_output_D]
    by_cell = by_class[..., parts_S, :][..., parts_S]
    return by_cell.movedim(2, -1) * trans_std * sides_R2.view(-1, 1, 1, 1, 2)


def _bilinear(input: Tensor, picture: Tensor, channel: Tensor, y: Tensor, x: Tensor) -> Tensor:
    # The upper corner is the ceiling: at a whole coordinate both corners coincide and the slope is zero, as officially.
    top, left = y.detach().floor(), x.detach().floor()
    bottom, right = y.detach().ceil(), x.detach().ceil()
    dy, dx = y - top, x - left

    def at(row: Tensor, column: Tensor) -> Tensor:
        return input[picture, channel, row.long(), column.long()]

    upper = (1 - dx) * at(top, left) + dx * at(top, right)
    lower = (1 - dx) * at(bottom, left) + dx * at(bottom, right)
    return (1 - dy) * upper + dy * lower


def _round(values: Tensor) -> Tensor:
    """Halves away from zero, as C does."""
    return values.sign() * (values.abs() + 0.5).floor()
