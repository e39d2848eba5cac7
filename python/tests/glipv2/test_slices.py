from __future__ import annotations

import pytest
import torch
from torch import Tensor
from weights import waves

from glipv2.ops.slices import in_slices


class Noted:
    """Squares rows and notes how many came at a time."""

    def __init__(self) -> None:
        self.lengths: list[int] = []

    def __call__(self, rows: Tensor) -> Tensor:
        self.lengths.append(len(rows))
        return rows.square()


@pytest.mark.parametrize(
    ("rows", "lengths"), [(10, [4, 4, 2]), (8, [4, 4]), (4, [4]), (3, [3]), (0, [0])], ids=lambda one: str(one)
)
def test_slices_without_gradients(rows: int, lengths: list[int]) -> None:
    function, x = Noted(), waves(rows, 3)
    with torch.no_grad():
        assert torch.equal(in_slices(function, x, size=4), x.square())
    assert function.lengths == lengths


def test_all_at_once_with_gradients() -> None:
    function, x = Noted(), waves(10, 3).requires_grad_()
    in_slices(function, x, size=4).sum().backward()
    assert function.lengths == [10]
    torch.testing.assert_close(x.grad, 2 * x.detach())


@pytest.mark.cuda
def test_all_at_once_on_a_gpu() -> None:
    function = Noted()
    with torch.no_grad():
        in_slices(function, waves(10, 3).cuda(), size=4)
    assert function.lengths == [10]
