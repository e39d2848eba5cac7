from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor
from weights import Naming, drawn, filled, waves

from glipv2.checkpoints.names_vision import DERIVED, RULES
from glipv2.vision.fpn import FPN, DropBlock, FpnConfig

NAMING = Naming("backbone.fpn.", "fpn.", RULES, DERIVED)
WIDTHS = (24, 32, 48)
SMALL = FpnConfig(channels=32)
VARIANTS = {"GLIP": SMALL, "normalised": replace(SMALL, norm_groups=16), "rectified": replace(SMALL, relu=True)}
SIZES = [(16, 24), (13, 19), (1, 2)]

#: Of the small pyramid of `filled` weights on `maps` of 13 x 19: each level's sum of absolute values, and the first
#: channels of the first place of the finest.
GOLDEN_SUMS = [4278.36, 1060.969, 194.812, 51.756, 6.623]
GOLDEN_PLACE = torch.tensor([-0.364869, 0.713791, -0.405984, -0.323901])


def maps(batch: int, height: int, width: int) -> list[Tensor]:
    """As of a backbone: finest first, half the sides each time, rounded up."""
    sides = [(-(-height // 2**level), -(-width // 2**level)) for level in range(len(WIDTHS))]
    return [waves(batch, channels, *side, phase=channels) for channels, side in zip(WIDTHS, sides, strict=True)]


def small() -> FPN:
    model = filled(FPN(WIDTHS, SMALL))
    assert isinstance(model, FPN)
    return model


def assert_golden(levels: list[Tensor]) -> None:
    sums = torch.stack([one.abs().sum() for one in levels])
    torch.testing.assert_close(sums, torch.tensor(GOLDEN_SUMS), atol=1e-2, rtol=0)
    torch.testing.assert_close(levels[0][0, :4, 0, 0], GOLDEN_PLACE, atol=1e-5, rtol=0)


def test_golden_outputs() -> None:
    assert_golden(small()(maps(1, 13, 19)))


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_two_levels_on_top_at_half_the_sides_each_time(height: int, width: int) -> None:
    levels = small()(maps(2, height, width))
    sides = [[-(-height // 2**level), -(-width // 2**level)] for level in range(5)]
    assert [list(one.shape) for one in levels] == [[2, 32, *side] for side in sides]


def test_channels_last_goes_through() -> None:
    model = small()
    inputs = maps(2, 13, 19)
    last = model([one.contiguous(memory_format=torch.channels_last) for one in inputs])
    for one, other in zip(last, model(inputs), strict=True):
        assert one.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_squares_are_dropped_in_training_alone_and_keep_the_sum(size: int) -> None:
    drop, ones = DropBlock(0.3, size), torch.ones(2, 3, 40, 50)
    assert drop.eval()(ones) is ones
    torch.manual_seed(0)
    dropped = drop.train()(ones)
    assert dropped.shape == ones.shape
    assert torch.equal(dropped[:, 0], dropped[:, 2])
    assert 0.15 < (dropped == 0).float().mean() < 0.35
    torch.testing.assert_close(dropped.sum(), ones.sum())


def test_a_level_dropped_as_a_whole_is_zero() -> None:
    assert torch.equal(DropBlock(1.0, 1).train()(torch.ones(1, 2, 1, 1)), torch.zeros(1, 2, 1, 1))


class TestParity:
    """With the official pyramid, on the same weights."""

    pytestmark: ClassVar = [pytest.mark.official, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]

    @pytest.mark.parametrize("variant", VARIANTS)
    @pytest.mark.parametrize("batch", [1, 3])
    @pytest.mark.parametrize(("height", "width"), SIZES)
    def test_small(self, official: Any, variant: str, batch: int, height: int, width: int) -> None:
        reference, ours = pair(VARIANTS[variant])
        inputs = maps(batch, height, width)
        for mine, expected in zip(ours(inputs), reference(inputs), strict=True):
            torch.testing.assert_close(mine, expected, atol=1e-5, rtol=0)

    def test_golden_outputs_are_official(self, official: Any) -> None:
        reference, _ = pair(SMALL)
        NAMING.copy_back(small(), reference)
        assert_golden(reference(maps(1, 13, 19)))

    def test_gradients_with_dropped_squares(self, official: Any) -> None:
        reference, ours = pair(SMALL)
        for model in (reference, ours):
            model.train()
            torch.manual_seed(0)
            sum((one.square() * waves(*one.shape)).sum() for one in model(maps(2, 13, 19))).backward()
        theirs = NAMING.ours({key: one.grad for key, one in reference.named_parameters()})
        mine = {key: one.grad for key, one in ours.named_parameters()}
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)


def pair(config: FpnConfig) -> tuple[Any, FPN]:
    """The official pyramid with drawn weights, and ours with the same."""
    from maskrcnn_benchmark.layers import DropBlock2D
    from maskrcnn_benchmark.modeling.backbone.fpn import FPN as Reference
    from maskrcnn_benchmark.modeling.backbone.fpn import LastLevelP6P7
    from maskrcnn_benchmark.modeling.make_layers import conv_with_kaiming_uniform

    channels = config.channels
    reference: Any = drawn(
        Reference(
            in_channels_list=[0, *WIDTHS],
            out_channels=channels,
            conv_block=conv_with_kaiming_uniform(config.norm_groups is not None, config.relu),
            top_blocks=LastLevelP6P7(channels, channels),
            drop_block=DropBlock2D(config.drop_block, config.drop_block_size),
        ),
        seed=3,
    )
    ours = FPN(WIDTHS, config).eval()
    NAMING.copy(reference, ours)
    return reference, ours
