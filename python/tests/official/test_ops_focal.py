from __future__ import annotations

import references
import torch

from glip_worker.engines.official.compat.ops import focal


def test_forward_and_backward() -> None:
    logits = torch.randn(40, 7, dtype=torch.double, requires_grad=True)
    targets = torch.randint(-1, 8, (40,), dtype=torch.int32)
    expected = references.focal_loss(logits, targets, 2.0, 0.25)
    torch.testing.assert_close(focal.sigmoid_focalloss_forward(logits, targets, 7, 2.0, 0.25), expected)
    grad = torch.randn_like(expected)
    (expected_grad,) = torch.autograd.grad(expected, logits, grad)
    got = focal.sigmoid_focalloss_backward(logits.detach(), targets, grad, 7, 2.0, 0.25)
    torch.testing.assert_close(got, expected_grad)


def test_left_out_rows_cost_nothing() -> None:
    logits, targets = torch.randn(3, 4), torch.tensor([-1, -1, -1])
    assert focal.sigmoid_focalloss_forward(logits, targets, 4, 2.0, 0.25).abs().sum() == 0


def test_large_logits_stay_finite() -> None:
    logits, targets = torch.tensor([[-500.0, 500.0]]), torch.tensor([1])
    assert focal.sigmoid_focalloss_forward(logits, targets, 2, 2.0, 0.25).isfinite().all()
    assert focal.sigmoid_focalloss_backward(logits, targets, torch.ones(1, 2), 2, 2.0, 0.25).isfinite().all()
