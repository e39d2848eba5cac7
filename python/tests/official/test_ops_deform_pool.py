from __future__ import annotations

import pytest
import references
import torch

from glip_worker.engines.official.compat.ops import deform_pool

#: scale, output channels, group, pooled side, part, samples, spread of the offsets
ARGUMENTS = (0.5, 2, 2, 3, 3, 2, 0.1)


@pytest.mark.parametrize("no_trans", [0, 1])
def test_forward_and_backward(no_trans: int) -> None:
    torch.manual_seed(0)
    input = torch.randn(2, 8, 9, 10, dtype=torch.double, requires_grad=True)
    rois = torch.tensor([[0, 1.0, 2.0, 11.0, 13.0], [1, -4.0, 3.0, 6.0, 30.0]], dtype=torch.double)
    trans = torch.randn(2, 4, 3, 3, dtype=torch.double, requires_grad=True)
    expected = references.psroi(input, rois, None if no_trans else trans, *ARGUMENTS)

    out, count = torch.empty_like(expected), torch.empty_like(expected)
    deform_pool.deform_psroi_pooling_forward(input.detach(), rois, trans.detach(), out, count, no_trans, *ARGUMENTS)
    torch.testing.assert_close(out, expected)
    assert count.max() == 4

    grad = torch.randn_like(expected)
    leaves = [input] if no_trans else [input, trans]
    expected_grads = torch.autograd.grad(expected, leaves, grad)
    grads = [torch.zeros_like(input), torch.zeros_like(trans)]
    deform_pool.deform_psroi_pooling_backward(
        grad, input.detach(), rois, trans.detach(), count, *grads, no_trans, *ARGUMENTS
    )
    for one, reference in zip(grads, expected_grads, strict=False):
        torch.testing.assert_close(one, reference)
