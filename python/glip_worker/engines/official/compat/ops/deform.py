"""Deformable convolutions, version 1 (offsets) and 2 (offsets and a mask): the functions, and the raw entry points.

The functions have gradients for everything; they stand in for `DeformConvFunction.apply` and
`ModulatedDeformConvFunction.apply`, which refuse the CPU. The raw entry points have the signatures of the compiled
extension and write into the tensors that they are handed.

Version 2 accepts an offset map with more positions than the output has. The official kernel never compares the two:
it walks each picture's offsets as one flat buffer laid out for the OUTPUT's size. DyConv depends on it where it hands
the offsets of one level to the convolution of the next smaller one, so released weights need the same reading.

Legend: B pictures, C channels, H W the input's sides, P Q the output's, K kernel positions, G offset groups.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torchvision  # noqa: F401  registers torch.ops.torchvision
from torch import Tensor

Pair = int | tuple[int, int]


class Geometry(NamedTuple):
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    offset_groups: int

    def output_size(self, input_BCHW: Tensor, weight: Tensor) -> tuple[int, int]:
        sides = [
            (input_BCHW.shape[2 + i] + 2 * self.padding[i] - (self.dilation[i] * (weight.shape[2 + i] - 1) + 1))
            // self.stride[i]
            + 1
            for i in (0, 1)
        ]
        if min(sides) < 1:
            raise ValueError(f"the convolution's input is too small: its output would be {sides[0]}x{sides[1]}")
        return sides[0], sides[1]


def pair(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def deform_conv(
    input: Tensor,
    offset: Tensor,
    weight: Tensor,
    stride: Pair = 1,
    padding: Pair = 0,
    dilation: Pair = 1,
    groups: int = 1,
    deformable_groups: int = 1,
    im2col_step: int = 64,
) -> Tensor:
    """Version 1. `im2col_step` only divides the official kernel's work; it is not used."""
    geometry = Geometry(pair(stride), pair(padding), pair(dilation), groups, deformable_groups)
    size = geometry.output_size(input, weight)
    if tuple(offset.shape[2:]) != size:
        raise ValueError(f"offset: expected {size[0]}x{size[1]} positions, got {offset.shape[2]}x{offset.shape[3]}")
    return _convolve(input, offset, None, weight, None, geometry)


def modulated_deform_conv(
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
    """Version 2. `offset` [B, 2GK, >=P, >=Q] and `mask` [B, GK, >=P, >=Q] may be larger than the output."""
    geometry = Geometry(pair(stride), pair(padding), pair(dilation), groups, deformable_groups)
    size = geometry.output_size(input, weight)
    positions = deformable_groups * weight.shape[2] * weight.shape[3]
    offset = flat_reading(offset, 2 * positions, size, "offset")
    mask = flat_reading(mask, positions, size, "mask")
    return _convolve(input, offset, mask, weight, bias, geometry)


def flat_reading(maps: Tensor, channels: int, size: tuple[int, int], name: str) -> Tensor:
    """`maps` [B, channels, *, *] as [B, channels, P, Q]: each picture's first values in memory order."""
    height, width = size
    if maps.shape[1] == channels and tuple(maps.shape[2:]) == size:
        return maps
    flat = maps.flatten(1)
    needed = channels * height * width
    if flat.shape[1] < needed:
        raise ValueError(f"{name}: expected at least {needed} values a picture ({channels}x{height}x{width}), "
                         f"got {flat.shape[1]} ({'x'.join(map(str, maps.shape[1:]))})")  # fmt: skip
    return flat[:, :needed].reshape(-1, channels, height, width)


def grid(weight: Tensor, size: tuple[int, int], geometry: Geometry) -> tuple[Tensor, Tensor]:
    """Where each kernel position reads without offsets: rows and columns [K, S]."""
    kind = weight.dtype
    starts = [
        torch.arange(size[i], dtype=kind, device=weight.device) * geometry.stride[i] - geometry.padding[i]
        for i in (0, 1)
    ]
    steps = [torch.arange(weight.shape[2 + i], dtype=kind, device=weight.device) * geometry.dilation[i] for i in (0, 1)]
    y = steps[0].view(-1, 1, 1, 1) + starts[0].view(1, 1, -1, 1)
    x = steps[1].view(1, -1, 1, 1) + starts[1].view(1, 1, 1, -1)
    zeros = torch.zeros_like(y) + torch.zeros_like(x)
    return (y + zeros).reshape(-1, size[0] * size[1]), (x + zeros).reshape(-1, size[0] * size[1])


def edge(offset: Tensor, weight: Tensor, geometry: Geometry) -> Tensor:
    """Which coordinates of `offset` [B, 2GK, P, Q] lie exactly one pixel outside, before the first row or column.

    The official kernel gives them no slope, torchvision's one; offsets of zero with a padding put them there.
    """
    kernel = weight.shape[2] * weight.shape[3]
    size = offset.shape[2], offset.shape[3]
    grid_K2S = torch.stack(grid(weight.detach(), size, geometry), dim=1)
    points = offset.detach().reshape(len(offset), geometry.offset_groups, kernel, 2, -1) + grid_K2S
    return (points == -1).view_as(offset)


#: An offset that leads out of every picture.
OUTSIDE = -1e9


def _convolve(
    input: Tensor, offset: Tensor, mask: Tensor | None, weight: Tensor, bias: Tensor | None, geometry: Geometry
) -> Tensor:
    # Under autocast the tensors arrive in two precisions; the official layers cast to single.
    kind = torch.promote_types(input.dtype, weight.dtype)
    input, offset, weight = input.to(kind), offset.to(kind), weight.to(kind)
    mask = offset.new_zeros(offset.shape[0], 1) if mask is None else mask.to(kind)
    use_mask = mask.dim() == 4
    if offset.requires_grad:
        offset = torch.where(edge(offset, weight, geometry), offset.detach(), offset)
    bias = input.new_zeros(weight.shape[0]) if bias is None else bias.to(kind)
    # torchvision's CPU kernel takes NaN for a place in memory and crashes; the CUDA kernels give NaN.
    nowhere = torch.isnan(offset) if offset.device.type == "cpu" else None
    if nowhere is not None and not nowhere.any():
        nowhere = None
    if nowhere is not None:
        offset = offset.masked_fill(nowhere, OUTSIDE)
    result: Tensor = torch.ops.torchvision.deform_conv2d(
        input, weight, offset, mask, bias, *_arguments(geometry), use_mask
    )
    return result if nowhere is None else result.masked_fill(nowhere.any(1, keepdim=True), math.nan)


def _arguments(geometry: Geometry) -> tuple[int, ...]:
    return (
        *geometry.stride,
        *geometry.padding,
        *geometry.dilation,
        geometry.groups,
        geometry.offset_groups,
    )


# The raw entry points. The official ones name width before height in version 1 and height before width in version 2.


def deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    output: Tensor,
    columns: Tensor,
    ones: Tensor,
    kernel_w: int,
    kernel_h: int,
    stride_w: int,
    stride_h: int,
    pad_w: int,
    pad_h: int,
    dilation_w: int,
    dilation_h: int,
    group: int,
    deformable_group: int,
    im2col_step: int,
) -> int:
    geometry = Geometry((stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w), group, deformable_group)
    output.copy_(deform_conv(input, offset, weight, *geometry))
    return 1


def deform_conv_backward_input(
    input: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_input: Tensor,
    grad_offset: Tensor,
    weight: Tensor,
    columns: Tensor,
    kernel_w: int,
    kernel_h: int,
    stride_w: int,
    stride_h: int,
    pad_w: int,
    pad_h: int,
    dilation_w: int,
    dilation_h: int,
    group: int,
    deformable_group: int,
    im2col_step: int,
) -> int:
    geometry = Geometry((stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w), group, deformable_group)
    grads = _gradients(grad_output, input, weight, offset, None, geometry)
    grad_input.copy_(grads.input)
    grad_offset.copy_(grads.offset)
    return 1


def deform_conv_backward_parameters(
    input: Tensor,
    offset: Tensor,
    grad_output: Tensor,
    grad_weight: Tensor,
    columns: Tensor,
    ones: Tensor,
    kernel_w: int,
    kernel_h: int,
    stride_w: int,
    stride_h: int,
    pad_w: int,
    pad_h: int,
    dilation_w: int,
    dilation_h: int,
    group: int,
    deformable_group: int,
    scale: float,
    im2col_step: int,
) -> int:
    """Adds `scale` times the gradient to `grad_weight`, as the official kernel does."""
    geometry = Geometry((stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w), group, deformable_group)
    grads = _gradients(grad_output, input, grad_weight, offset, None, geometry)
    grad_weight.add_(grads.weight, alpha=scale)
    return 1


def modulated_deform_conv_forward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    output: Tensor,
    columns: Tensor,
    kernel_h: int,
    kernel_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    group: int,
    deformable_group: int,
    with_bias: bool,
) -> None:
    geometry = Geometry((stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w), group, deformable_group)
    output.copy_(modulated_deform_conv(input, offset, mask, weight, bias if with_bias else None, *geometry))


def modulated_deform_conv_backward(
    input: Tensor,
    weight: Tensor,
    bias: Tensor,
    ones: Tensor,
    offset: Tensor,
    mask: Tensor,
    columns: Tensor,
    grad_input: Tensor,
    grad_weight: Tensor,
    grad_bias: Tensor,
    grad_offset: Tensor,
    grad_mask: Tensor,
    grad_output: Tensor,
    kernel_h: int,
    kernel_w: int,
    stride_h: int,
    stride_w: int,
    pad_h: int,
    pad_w: int,
    dilation_h: int,
    dilation_w: int,
    group: int,
    deformable_group: int,
    with_bias: bool,
) -> None:
    """Adds to the gradients of the parameters, sets the others; oversized maps have zeros after what was read."""
    geometry = Geometry((stride_h, stride_w), (pad_h, pad_w), (dilation_h, dilation_w), group, deformable_group)
    size = geometry.output_size(input, weight)
    positions = deformable_group * kernel_h * kernel_w
    read_offset = flat_reading(offset, 2 * positions, size, "offset")
    read_mask = flat_reading(mask, positions, size, "mask")
    grads = _gradients(grad_output, input, weight, read_offset, read_mask, geometry)
    grad_input.copy_(grads.input)
    _write_flat(grad_offset, grads.offset)
    _write_flat(grad_mask, grads.mask)
    grad_weight.add_(grads.weight)
    if with_bias:
        grad_bias.add_(grads.bias)


class _Gradients(NamedTuple):
    input: Tensor
    weight: Tensor
    offset: Tensor
    mask: Tensor
    bias: Tensor


def _gradients(
    grad: Tensor, input: Tensor, weight: Tensor, offset: Tensor, mask: Tensor | None, geometry: Geometry
) -> _Gradients:
    use_mask = mask is not None
    mask = offset.new_zeros(offset.shape[0], 1) if mask is None else mask.contiguous()
    grads = torch.ops.torchvision._deform_conv2d_backward(
        grad.contiguous(),
        input.contiguous(),
        weight.detach().contiguous(),
        offset.contiguous(),
        mask,
        input.new_zeros(weight.shape[0]),
        *_arguments(geometry),
        use_mask,
    )
    found = _Gradients(*grads)
    return found._replace(offset=found.offset.masked_fill(edge(offset, weight, geometry), 0))


def _write_flat(target: Tensor, values: Tensor) -> None:
    flat = torch.zeros_like(target).flatten(1)
    flat[:, : values[0].numel()] = values.flatten(1)
    target.copy_(flat.view_as(target))
