from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor
from weights import Naming, drawn, filled, waves

from glipv2.checkpoints import names_head
from glipv2.head.dyconv import DyConv
from glipv2.head.dyrelu import DyReLU, larger
from glipv2.pyramid import Pyramid, Sizes

NAMING = Naming("rpn.head.dyhead_tower.0.", "tower.0.", names_head.RULES, names_head.DERIVED)
CHANNELS, GROUPS = 16, 4
SIZES: tuple[Sizes, ...] = (
    ((12, 16), (6, 8), (3, 4), (2, 2), (1, 1)),
    ((13, 9), (7, 5), (4, 3), (2, 2), (1, 1)),
    ((40, 30), (20, 15), (10, 8), (5, 4), (3, 2)),
)

#: Of the small block of `filled` weights on the second of `SIZES`: each level's sum of absolute values, and some
#: channels of a place.
GOLDEN_SUMS = torch.tensor([536.574, 130.278, 48.886, 18.164, 5.293])
GOLDEN_PLACE = torch.tensor([0.141844, 0.005424, 0.173979, 0.006221])


def maps(sizes: Sizes, batch: int = 2) -> list[Tensor]:
    return [2 * waves(batch, CHANNELS, *size, phase=level) for level, size in enumerate(sizes)]


def small() -> DyConv:
    block = filled(DyConv(CHANNELS, GROUPS))
    assert isinstance(block, DyConv)
    return block


def assert_golden(levels: list[Tensor]) -> None:
    torch.testing.assert_close(torch.stack([one.abs().sum() for one in levels]), GOLDEN_SUMS, atol=1e-2, rtol=0)
    torch.testing.assert_close(levels[1][1, :4, 3, 2], GOLDEN_PLACE, atol=1e-5, rtol=0)


def test_golden_outputs() -> None:
    assert_golden(small()(Pyramid.of(maps(SIZES[1]))).maps())


@pytest.mark.parametrize("sizes", SIZES)
def test_in_slices_it_is_the_same(sizes: Sizes) -> None:
    block, pyramid = small(), Pyramid.of(maps(sizes))
    expected = block(pyramid).features_BNC
    with torch.inference_mode():
        torch.testing.assert_close(block(pyramid).features_BNC, expected, atol=1e-5, rtol=0)


def test_a_batch_is_its_pictures() -> None:
    block, levels = small(), maps(SIZES[0], batch=3)
    together = block(Pyramid.of(levels)).features_BNC
    for number in range(3):
        alone = block(Pyramid.of([one[number : number + 1] for one in levels])).features_BNC
        torch.testing.assert_close(together[number], alone[0], atol=1e-5, rtol=0)


def test_a_dynamic_relu_starts_near_relu() -> None:
    """Where the network that decides says nothing."""
    relu = DyReLU(8)
    for one in relu.parameters():
        torch.nn.init.zeros_(one)
    x_BNC = waves(1, 20, 8)
    torch.testing.assert_close(larger(x_BNC, relu(torch.zeros(1, 8))), x_BNC.clamp(min=0))


class TestParity:
    """With the official block, on the same weights."""

    pytestmark: ClassVar = [pytest.mark.official, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]

    @pytest.mark.parametrize("reach", [0.0, 1.0, 8.0])
    @pytest.mark.parametrize("sizes", SIZES)
    @torch.no_grad()
    def test_small(self, official: Any, sizes: Sizes, reach: float) -> None:
        """Whatever the reach of the offsets: 8 leads far out of every level."""
        reference, ours = pair(reach)
        levels = maps(sizes)
        for mine, expected in zip(ours(Pyramid.of(levels)).maps(), run(reference, levels), strict=True):
            torch.testing.assert_close(mine, expected, atol=2e-5, rtol=0)

    def test_golden_outputs_are_official(self, official: Any) -> None:
        reference, _ = pair(1.0)
        NAMING.copy_back(small(), reference)
        assert_golden(run(reference, maps(SIZES[1])))

    def test_gradients(self, official: Any) -> None:
        reference, ours = pair(1.0)
        levels = maps(SIZES[1])
        for made in (run(reference, levels), ours(Pyramid.of(levels)).maps()):
            sum((one * waves(*one.shape)).sum() for one in made).backward()  # type: ignore[union-attr]
        theirs = NAMING.ours({key: one.grad for key, one in reference.named_parameters()})
        mine = {key: one.grad for key, one in ours.named_parameters()}
        torch.testing.assert_close(mine, theirs, atol=2e-4, rtol=1e-3)


def run(reference: Any, levels: list[Tensor]) -> list[Tensor]:
    made: list[Tensor] = reference({"visual": levels, "lang": {}})["visual"]
    return made


def pair(reach: float) -> tuple[Any, DyConv]:
    """The official block with drawn weights, whose offsets are this times larger, and ours with the same."""
    from maskrcnn_benchmark.modeling.rpn.vldyhead import Conv3x3Norm
    from maskrcnn_benchmark.modeling.rpn.vldyhead import DyConv as Reference

    convolution = partial(Conv3x3Norm, deformable=True, bn_type=["gn", GROUPS])
    reference: Any = drawn(
        Reference(CHANNELS, CHANNELS, conv_func=convolution, use_dyfuse=True, use_dyrelu=True, use_deform=True), seed=3
    )
    with torch.no_grad():
        for one in reference.offset.parameters():
            one[:18] *= reach
    ours = DyConv(CHANNELS, GROUPS).eval()
    NAMING.copy(reference, ours)
    return reference, ours
