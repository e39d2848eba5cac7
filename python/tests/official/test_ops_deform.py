from __future__ import annotations

import math

import pytest
import references
import torch
from torch import Tensor

from glip_worker.engines.official.compat.accelerate.deform import gathered_deform_conv
from glip_worker.engines.official.compat.extension import build_extension
from glip_worker.engines.official.compat.ops.deform import deform_conv, modulated_deform_conv

#: Input sides, sides of the offset map, stride. In the last the map is larger than the output, as in DyConv.
SHAPES = {
    "same": ((5, 6), (5, 6), 1),
    "stride 2": ((9, 11), (5, 6), 2),
    "oversized": ((4, 5), (8, 9), 1),
}


def leaves(sides: tuple[int, int], maps: tuple[int, int], offset_groups: int = 1, groups: int = 1) -> list[Tensor]:
    torch.manual_seed(0)
    shapes = [
        (2, 4, *sides),
        (2, 18 * offset_groups, *maps),
        (2, 9 * offset_groups, *maps),
        (4, 4 // groups, 3, 3),
        (4,),
    ]
    values = [torch.randn(shape, dtype=torch.double) for shape in shapes]
    values[1] *= 2
    values[2] = values[2].sigmoid()
    return [value.requires_grad_() for value in values]


def gradients(output: Tensor, inputs: list[Tensor]) -> tuple[Tensor, ...]:
    torch.manual_seed(1)
    return torch.autograd.grad(output, inputs, torch.randn(output.shape, dtype=output.dtype))


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("function", [modulated_deform_conv, gathered_deform_conv])
def test_version_2(name: str, function: object) -> None:
    sides, maps, stride = SHAPES[name]
    inputs = leaves(sides, maps)
    expected = references.deform_conv(*inputs, stride=(stride, stride), padding=(1, 1))
    got = function(*inputs, stride=stride, padding=1)  # type: ignore[operator]
    torch.testing.assert_close(got, expected)
    for one, reference in zip(gradients(got, inputs), gradients(expected, inputs), strict=True):
        torch.testing.assert_close(one, reference)


def test_version_2_with_groups_dilation_and_a_27_channel_map() -> None:
    inputs = leaves((7, 6), (5, 5), offset_groups=2, groups=2)
    geometry = {"stride": (2, 1), "padding": (2, 1), "dilation": (1, 2)}
    rows = (7 + 4 - 2 - 1) // 2 + 1
    columns = (6 + 2 - 4 - 1) // 1 + 1
    assert rows * columns <= 25, "the maps hold enough"
    expected = references.deform_conv(*inputs, **geometry, groups=2, offset_groups=2)
    got = modulated_deform_conv(*inputs, **geometry, groups=2, deformable_groups=2)
    torch.testing.assert_close(got, expected)
    # DyConv hands in views of one map of 27 channels.
    both = torch.randn(2, 27, 8, 9, dtype=torch.double)
    sides = leaves((4, 5), (8, 9))
    views = [sides[0], both[:, :18], both[:, 18:].sigmoid(), sides[3], sides[4]]
    torch.testing.assert_close(modulated_deform_conv(*views, padding=1), references.deform_conv(*views, padding=(1, 1)))


def test_version_1() -> None:
    input, offset, _, weight, _ = leaves((5, 6), (5, 6))
    expected = references.deform_conv(input, offset, None, weight, None, padding=(1, 1))
    got = deform_conv(input, offset, weight, padding=1)
    torch.testing.assert_close(got, expected)
    inputs = [input, offset, weight]
    for one, reference in zip(gradients(got, inputs), gradients(expected, inputs), strict=True):
        torch.testing.assert_close(one, reference)


@pytest.mark.parametrize("function", [modulated_deform_conv, gathered_deform_conv])
def test_gradcheck(function: object) -> None:
    torch.manual_seed(0)
    inputs = [
        torch.randn(1, 2, 4, 4, dtype=torch.double),
        torch.rand(1, 18, 4, 4, dtype=torch.double) * 0.6 + 0.2,  # away from whole pixels, where there is no slope
        torch.rand(1, 9, 4, 4, dtype=torch.double),
        torch.randn(2, 2, 3, 3, dtype=torch.double),
        torch.randn(2, dtype=torch.double),
    ]
    inputs = [value.requires_grad_() for value in inputs]
    assert torch.autograd.gradcheck(lambda *values: function(*values, padding=1), inputs, fast_mode=True)  # type: ignore[operator]


@pytest.mark.parametrize("name", SHAPES)
def test_the_raw_entry_points_of_version_2(name: str) -> None:
    sides, maps, stride = SHAPES[name]
    inputs = leaves(sides, maps)
    expected = references.deform_conv(*inputs, stride=(stride, stride), padding=(1, 1))
    raw, empty = build_extension(), torch.empty(0)
    input, offset, mask, weight, bias = (value.detach() for value in inputs)
    geometry = (3, 3, stride, stride, 1, 1, 1, 1, 1, 1, True)
    output = torch.empty_like(expected)
    raw.modulated_deform_conv_forward(input, weight, bias, empty, offset, mask, output, empty, *geometry)
    torch.testing.assert_close(output, expected)

    references_grads = gradients(expected, inputs)
    torch.manual_seed(1)
    grad = torch.randn(expected.shape, dtype=expected.dtype)
    grads = [torch.zeros_like(value) for value in (input, weight, bias, offset, mask)]
    raw.modulated_deform_conv_backward(input, weight, bias, empty, offset, mask, empty, *grads, grad, *geometry)
    for one, index in zip(grads, (0, 3, 4, 1, 2), strict=True):
        torch.testing.assert_close(one, references_grads[index])


def test_the_raw_entry_points_of_version_1() -> None:
    input, offset, _, weight, _ = leaves((5, 6), (5, 6))
    expected = references.deform_conv(input, offset, None, weight, None, padding=(1, 1))
    expected_grads = gradients(expected, [input, offset, weight])
    raw, empty = build_extension(), torch.empty(0)
    input, offset, weight = input.detach(), offset.detach(), weight.detach()
    geometry = (3, 3, 1, 1, 1, 1, 1, 1, 1, 1)
    output = torch.empty_like(expected)
    assert raw.deform_conv_forward(input, weight, offset, output, empty, empty, *geometry, 2) == 1
    torch.testing.assert_close(output, expected)
    torch.manual_seed(1)
    grad = torch.randn(expected.shape, dtype=expected.dtype)
    grads = [torch.zeros_like(value) for value in (input, offset, weight)]
    raw.deform_conv_backward_input(input, offset, grad, grads[0], grads[1], weight, empty, *geometry, 2)
    raw.deform_conv_backward_parameters(input, offset, grad, grads[2], empty, empty, *geometry, 1.0, 2)
    for one, reference in zip(grads, expected_grads, strict=True):
        torch.testing.assert_close(one, reference)


@pytest.mark.parametrize("function", [modulated_deform_conv, gathered_deform_conv])
def test_a_map_that_is_too_small_is_refused(function: object) -> None:
    input, offset, mask, weight, bias = leaves((8, 8), (3, 3))
    with pytest.raises(ValueError, match=r"offset: expected at least 1152 values a picture \(18x8x8\), got 162"):
        function(input, offset, mask, weight, bias, padding=1)  # type: ignore[operator]


def test_points_exactly_on_the_outer_edge_have_no_slope() -> None:
    input, offset, mask, weight, bias = leaves((4, 4), (4, 4))
    offset = torch.zeros_like(offset).requires_grad_()
    inputs = [input, offset, mask, weight, bias]
    expected = gradients(references.deform_conv(*inputs, padding=(1, 1)), inputs)
    for function in (modulated_deform_conv, gathered_deform_conv):
        for one, reference in zip(gradients(function(*inputs, padding=1), inputs), expected, strict=True):
            torch.testing.assert_close(one, reference)


def test_offsets_that_are_no_number_give_no_number_and_touch_nothing_else() -> None:
    input, offset, mask, weight, bias = leaves((6, 6), (6, 6))
    expected = modulated_deform_conv(input, offset, mask, weight, bias, padding=1)
    broken = offset.detach().clone()
    broken[0, 3, 2, 4] = math.nan
    broken[1, 7, 0, 0] = math.inf
    broken.requires_grad_()
    got = modulated_deform_conv(input, broken, mask, weight, bias, padding=1)
    wrong = got.isnan()
    assert wrong[0, :, 2, 4].all()
    assert wrong.sum() == got.shape[1]
    same = ~wrong
    same[1, :, 0, 0] = False
    torch.testing.assert_close(got[same], expected[same])
    got.nan_to_num().sum().backward()


@pytest.mark.cuda
@pytest.mark.parametrize("name", SHAPES)
def test_cuda_equals_the_cpu(name: str) -> None:
    sides, maps, stride = SHAPES[name]
    inputs = leaves(sides, maps)
    on_cuda = [value.detach().cuda().requires_grad_() for value in inputs]
    got, expected = (modulated_deform_conv(*values, stride=stride, padding=1) for values in (on_cuda, inputs))
    torch.testing.assert_close(got.cpu(), expected)
    grad = torch.randn_like(expected)
    for one, reference in zip(
        torch.autograd.grad(got, on_cuda, grad.cuda()), torch.autograd.grad(expected, inputs, grad), strict=True
    ):
        torch.testing.assert_close(one.cpu(), reference)
