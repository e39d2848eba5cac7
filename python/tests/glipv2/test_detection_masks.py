"""Masks of found objects: run lengths against pycocotools, and pixels on cases that are known."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from pycocotools import mask as coco
from torch import Tensor

from glipv2.data.masks import Bitmap, bitmap
from glipv2.data.records import Mask
from glipv2.detection.masks import MaskParts, masks_of
from glipv2.detection.rle import encoded

Size = tuple[int, int]


def by_coco(part: Bitmap, corner: Size, size: Size) -> str:
    whole = np.zeros(size, np.uint8, order="F")
    whole[corner[0] : corner[0] + part.shape[0], corner[1] : corner[1] + part.shape[1]] = part
    text: str = coco.encode(whole)["counts"].decode()
    return text


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.98, 1.0])
@pytest.mark.parametrize(("part", "corner"), [((9, 7), (0, 0)), ((4, 7), (0, 0)), ((9, 3), (0, 2)), ((1, 1), (8, 6))])
def test_run_lengths_are_pycocotools(part: Size, corner: Size, share: float) -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        pixels = rng.random(part) < share
        assert encoded(pixels, corner, (9, 7)) == by_coco(pixels, corner, (9, 7))


def test_long_runs() -> None:
    pixels = np.ones((700, 900), np.bool_)
    pixels[350] = False
    assert encoded(pixels, (0, 50), (700, 1000)) == by_coco(pixels, (0, 50), (700, 1000))


def found(logits_HW: Tensor, box: list[float], seen: Size, picture: Size) -> Bitmap:
    """The mask of an object whose logits these are: one channel, which its network hands on."""
    # Only what is above 0 passes a hidden layer: 1 is added before, and taken away behind.
    keeps = torch.tensor([[1.0, 0, 0, 0, 1, 0, 1, -1]])
    parts = MaskParts(logits_HW[None] + 1, keeps, torch.tensor([[0.0, 0, 31, 31]]), torch.tensor([box]))
    [text] = masks_of(parts, torch.tensor([0]), seen, picture)
    return bitmap(Mask(json.dumps({"size": picture, "counts": text}).encode()), picture)


def test_a_mask_as_large_as_it_is_seen() -> None:
    logits_HW = torch.full((8, 8), -1.0)
    logits_HW[2:6, 1:4] = 1.0
    pixels = found(logits_HW, [0.0, 0, 31, 31], (32, 32), (32, 32))
    # Half way between two places is where one pixel ends and the next begins.
    expected = np.zeros((32, 32), np.bool_)
    expected[8:24, 4:16] = True
    # Corners are less likely than edges: bilinear.
    assert (pixels != expected).sum() <= 4
    assert pixels[10:22, 4:16].all()


@pytest.mark.parametrize("scale", [0.5, 2, 5])
def test_it_grows_with_the_picture(scale: float) -> None:
    logits_HW = torch.full((8, 8), -1.0)
    logits_HW[2:6, 1:4] = 1.0
    size = (int(32 * scale), int(24 * scale))
    pixels = found(logits_HW, [0.0, 0, 23, 31], (32, 24), size)
    assert pixels.shape == size
    assert pixels.mean() == pytest.approx(16 * 12 / (32 * 24), rel=0.05)
    rows, columns = pixels.any(axis=1).nonzero()[0], pixels.any(axis=0).nonzero()[0]
    assert (rows[0], rows[-1] + 1) == (8 * scale, 24 * scale)
    assert (columns[0], columns[-1] + 1) == (4 * scale, 16 * scale)


def test_it_ends_at_its_box() -> None:
    everywhere = torch.full((8, 8), 1.0)
    rows, columns = found(everywhere, [4.0, 8.0, 11.0, 20.0], (32, 32), (64, 64)).nonzero()
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (16, 41, 8, 23)
    # Boxes that reach out of the picture, lie beyond it, or have no size.
    assert found(everywhere, [-50.0, -50, 100, 100], (32, 32), (20, 30)).all()
    assert found(everywhere, [31.0, 31, 31, 31], (32, 32), (20, 30)).sum() == 1
    assert found(everywhere, [40.0, 40, 50, 50], (32, 32), (20, 30)).sum() == 1
    assert not found(-everywhere, [0.0, 0, 31, 31], (32, 32), (20, 30)).any()


def test_what_is_no_number_is_no_objects() -> None:
    assert not found(torch.full((8, 8), float("nan")), [0.0, 0, 31, 31], (32, 32), (20, 30)).any()


def test_many_objects_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glipv2.detection.masks.TOGETHER", 2)
    generator = torch.Generator().manual_seed(0)
    boxes_N4 = torch.tensor([[0.0, 0, 10, 10], [5, 5, 31, 31], [0, 8, 31, 20], [3, 3, 6, 30], [9, 2, 30, 9]])
    pixels_EHW, weights_NK = (torch.randn(*shape, generator=generator) for shape in ((4, 8, 8), (5, 53)))
    parts = MaskParts(pixels_EHW, weights_NK, boxes_N4, boxes_N4)
    every = masks_of(parts, torch.arange(5), (32, 32), (50, 60))
    assert masks_of(parts, torch.tensor([4, 1, 2]), (32, 32), (50, 60)) == [every[4], every[1], every[2]]
    assert masks_of(parts, torch.arange(0), (32, 32), (50, 60)) == []
