from __future__ import annotations

import references
import torch

from glip_worker.engines.official.compat.ops import roi

ROIS = torch.tensor(
    [[0, 1.2, 2.3, 12.1, 13.7], [1, 0.0, 0.0, 5.0, 3.0], [1, 9.0, 4.0, 9.2, 4.1], [0, -3.0, -2.0, 30.0, 8.0]]
)


def test_roi_align() -> None:
    input = torch.randn(2, 3, 16, 15, dtype=torch.double, requires_grad=True)
    expected = references.roi_align(input, ROIS.double(), 0.5, 3, 4, 2)
    pooled = roi.roi_align_forward(input.detach(), ROIS, 0.5, 3, 4, 2)
    torch.testing.assert_close(pooled, expected)
    grad = torch.randn_like(pooled)
    (expected_grad,) = torch.autograd.grad(expected, input, grad)
    got = roi.roi_align_backward(grad, ROIS, 0.5, 3, 4, 2, 3, 16, 15, 2)
    torch.testing.assert_close(got, expected_grad)


def test_roi_pool() -> None:
    input = torch.randn(2, 3, 16, 15, dtype=torch.double, requires_grad=True)
    expected = references.roi_pool(input, ROIS.double(), 0.5, 3, 4)
    pooled, argmax = roi.roi_pool_forward(input.detach(), ROIS, 0.5, 3, 4)
    torch.testing.assert_close(pooled, expected)
    grad = torch.randn_like(pooled)
    (expected_grad,) = torch.autograd.grad(expected, input, grad)
    got = roi.roi_pool_backward(grad, input.detach(), ROIS, argmax, 0.5, 3, 4, 2, 3, 16, 15)
    torch.testing.assert_close(got, expected_grad)


def test_no_regions() -> None:
    empty = torch.zeros(0, 5)
    assert roi.roi_align_forward(torch.randn(1, 2, 8, 8), empty, 1.0, 7, 7, 2).shape == (0, 2, 7, 7)
    assert roi.roi_pool_forward(torch.randn(1, 2, 8, 8), empty, 1.0, 7, 7)[0].shape == (0, 2, 7, 7)
