from __future__ import annotations

from typing import ClassVar

import pytest
import torch
from torch import Tensor
from torchvision.ops import deform_conv2d
from weights import waves

from glipv2.head.deform import KERNEL, Reading, Source, convolve, geometry, output_size, reading
from glipv2.pyramid import Pyramid, Sizes

SIZES: Sizes = ((9, 14), (5, 7), (3, 4))
CHANNELS = 6
SOURCES = (Source(0, 1), Source(2, 1), Source(0, 2), Source(1, 2))


def maps(batch: int = 2) -> list[Tensor]:
    return [waves(batch, CHANNELS, *size, phase=number).double() for number, size in enumerate(SIZES)]


def offsets(batch: int, source: Source, reach: float) -> Tensor:
    """[B, 18, H, W], some of which lead out of the level."""
    size = output_size(SIZES[source.level], source.stride)
    return reach * waves(batch, 2 * KERNEL, *size, phase=source.stride).double()


def mask(batch: int, source: Source) -> Tensor:
    return waves(batch, KERNEL, *output_size(SIZES[source.level], source.stride), phase=5).double().sigmoid()


def weights() -> tuple[Tensor, Tensor]:
    return waves(CHANNELS + 1, CHANNELS, 3, 3).double(), waves(CHANNELS + 1).double()


def ours(levels: list[Tensor], moved: list[Tensor], masks: list[Tensor], weight: Tensor, bias: Tensor) -> Tensor:
    """[B, M, C'] of all of `SOURCES`."""
    pyramid = Pyramid.of(levels)
    at = geometry(SIZES, SOURCES, levels[0].device)
    offsets_BMK2 = torch.cat([one.unflatten(1, (KERNEL, 2)).flatten(3).permute(0, 3, 1, 2) for one in moved], dim=1)
    mask_BMK = torch.cat([one.flatten(2).transpose(1, 2) for one in masks], dim=1)
    read = reading(offsets_BMK2, mask_BMK, at, pyramid.features_BNC.shape[1])
    return convolve(pyramid.features_BNC.flatten(0, 1), read, weight, bias)


def theirs(levels: list[Tensor], moved: list[Tensor], masks: list[Tensor], weight: Tensor, bias: Tensor) -> Tensor:
    found = [
        deform_conv2d(levels[source.level], one, weight, bias, source.stride, padding=1, mask=share)
        for source, one, share in zip(SOURCES, moved, masks, strict=True)
    ]
    return torch.cat([one.flatten(2).transpose(1, 2) for one in found], dim=1)


@pytest.mark.parametrize("reach", [0.0, 0.7, 6.0])
@pytest.mark.parametrize("batch", [1, 2])
def test_it_is_the_known_operator(batch: int, reach: float) -> None:
    """With the one of torchvision, level by level; with a share of the outputs that is no multiple of the slices."""
    inputs = maps(batch), [offsets(batch, one, reach) for one in SOURCES], [mask(batch, one) for one in SOURCES]
    expected = theirs(*inputs, *weights())
    torch.testing.assert_close(ours(*inputs, *weights()), expected)
    with torch.inference_mode():
        torch.testing.assert_close(ours(*inputs, *weights()), expected)


def test_gradients_are_those_of_the_known_operator() -> None:
    gradients = []
    for function in (ours, theirs):
        levels, weight = maps(), weights()
        moved, masks = [offsets(2, one, 1.3) for one in SOURCES], [mask(2, one) for one in SOURCES]
        parameters = [*levels, *moved, *masks, *weight]
        for one in parameters:
            one.requires_grad_()
        found = function(levels, moved, masks, *weight)
        gradients.append(torch.autograd.grad((found * waves(*found.shape)).sum(), parameters, allow_unused=True))
    for mine, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, expected)


class TestEdges:
    """Of one kernel on one level of 3 x 4 whose features are 1."""

    LEVEL: ClassVar[Sizes] = ((3, 4),)

    def shares(self, down: float) -> tuple[Reading, Tensor]:
        moved = torch.full((1, 12, KERNEL, 2), 0.0)
        moved[..., 0] = down
        moved.requires_grad_()
        at = geometry(self.LEVEL, (Source(0, 1),), moved.device)
        return reading(moved, torch.ones(1, 12, KERNEL), at, 12), moved

    def test_one_place_outside_reads_nothing_and_has_no_slope(self) -> None:
        read, moved = self.shares(0.0)
        read.shares.sum().backward()
        assert moved.grad is not None
        # The first row's upper kernel positions are at -1 exactly.
        assert read.shares[0, 0, :3].sum() == 0
        assert moved.grad[0, 0, :3, 0].abs().max() == 0

    @pytest.mark.parametrize("down", [1e9, -1e9, float("nan"), float("inf")])
    def test_whatever_the_offset_rows_are_of_the_level(self, down: float) -> None:
        read, _ = self.shares(down)
        assert read.rows.min() >= 0
        assert read.rows.max() < 12

    def test_no_number_gives_no_number(self) -> None:
        read, _ = self.shares(float("nan"))
        found = convolve(torch.ones(12, CHANNELS), read, weights()[0].float(), None)
        assert found.isnan().all()
