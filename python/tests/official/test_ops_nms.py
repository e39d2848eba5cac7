from __future__ import annotations

import pytest
import references
import torch
from torch import Tensor

from glip_worker.engines.official.compat.ops.nms import ml_nms, nms, soft_nms


def scene(count: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    corners = torch.rand(count, 2, generator=draw) * 60
    boxes = torch.cat([corners, corners + torch.rand(count, 2, generator=draw) * 30], dim=1)
    return boxes, torch.rand(count, generator=draw), torch.randint(1, 4, (count,), generator=draw)


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.6])
def test_ml_nms_is_the_cuda_kernel(threshold: float) -> None:
    boxes, scores, labels = scene(300)
    kept = ml_nms(boxes, scores, labels.float(), threshold)
    assert kept.tolist() == references.ml_nms(boxes.double(), scores, labels, threshold)
    assert kept.tolist() == sorted(kept.tolist()), "ascending, not by score"


def test_one_label_does_not_suppress_another() -> None:
    boxes, scores = torch.tensor([[0.0, 0, 9, 9], [0, 0, 9, 9]]), torch.tensor([0.9, 0.8])
    assert ml_nms(boxes, scores, torch.tensor([1.0, 2.0]), 0.5).tolist() == [0, 1]
    assert ml_nms(boxes, scores, torch.tensor([1.0, 1.0]), 0.5).tolist() == [0]


def test_a_box_ends_one_pixel_after_its_last_coordinate() -> None:
    # 10 pixels each, 5 of them shared: 5 / 15; with plain widths it would be 4 / 14.
    boxes, scores = torch.tensor([[0.0, 0, 9, 0], [5, 0, 14, 0]]), torch.tensor([0.9, 0.8])
    same = torch.ones(2)
    assert ml_nms(boxes, scores, same, 0.33).tolist() == [0]
    assert ml_nms(boxes, scores, same, 0.34).tolist() == [0, 1]


def test_the_threshold_itself_suppresses_on_the_cpu_alone() -> None:
    # Overlap exactly 0.5: the kernel of `nms` for the CPU says >=, that of `ml_nms` says >.
    boxes, scores = torch.tensor([[0.0, 0, 9, 0], [0, 0, 4, 0]]), torch.tensor([0.9, 0.8])
    assert nms(boxes, scores, 0.5).tolist() == [0]
    assert ml_nms(boxes, scores, torch.ones(2), 0.5).tolist() == [0, 1]


def test_nms_is_ml_nms_with_one_label() -> None:
    boxes, scores, _ = scene(200, seed=1)
    assert nms(boxes, scores, 0.5).tolist() == ml_nms(boxes, scores, torch.ones(200), 0.5).tolist()


@pytest.mark.parametrize(("threshold", "sigma"), [(0.05, 0.5), (0.3, 0.2), (0.0, 1.0)])
def test_soft_nms(threshold: float, sigma: float) -> None:
    boxes, scores, _ = scene(80, seed=2)
    indices, lowered = soft_nms(boxes.double(), scores.double(), threshold, sigma)
    expected, expected_scores = references.soft_nms(boxes.double(), scores.double(), threshold, sigma)
    assert indices.tolist() == expected
    torch.testing.assert_close(lowered, torch.tensor(expected_scores, dtype=torch.float64))


def test_no_boxes() -> None:
    boxes, scores = torch.zeros(0, 4), torch.zeros(0)
    assert nms(boxes, scores, 0.5).shape == (0,)
    assert ml_nms(boxes, scores, scores, 0.5).dtype == torch.long
    assert [part.shape[0] for part in soft_nms(boxes, scores, 0.5, 0.5)] == [0, 0]


@pytest.mark.cuda
def test_cuda_keeps_the_same_boxes() -> None:
    boxes, scores, labels = scene(500, seed=3)
    on_cuda = ml_nms(boxes.cuda(), scores.cuda(), labels.cuda(), 0.5)
    assert on_cuda.tolist() == ml_nms(boxes, scores, labels, 0.5).tolist()
