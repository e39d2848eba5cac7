"""The loss of masks, on cases worked by hand, and in a model that learns a few rectangles."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from tiny_runs import MASKED
from torch import Tensor

from glipv2.data.batches import Asked, Batch, of_boxes
from glipv2.fusion.attention import FusionConfig
from glipv2.losses import masks as losses_masks
from glipv2.losses.assignment import Assigned
from glipv2.losses.grounding import Targets
from glipv2.losses.masks import around, mask_loss, shares
from glipv2.losses.total import total_loss
from glipv2.losses.weights import LossWeights
from glipv2.model import GLIP

#: Nothing is dropped.
CONFIG = replace(
    MASKED,
    swin=replace(MASKED.swin, drop_path=0.0),
    fpn=replace(MASKED.fpn, drop_block=0.0),
    text=replace(MASKED.text, dropout=0.0),
    fusion=FusionConfig(width=64, heads=2, dropout=0.0),
)


def regions_of(boxes: list[tuple[int, int, list[float]]]) -> Assigned:
    """Picture, row of the box, and the box of each region; region n is the n-th."""
    picture_P, box_P = torch.tensor([one[0] for one in boxes]), torch.tensor([one[1] for one in boxes])
    boxes_P4 = torch.tensor([one[2] for one in boxes])
    return Assigned(picture_P, torch.arange(len(boxes)), box_P, boxes_P4, boxes_P4)


def loss_of(
    pixels_BEHW: Tensor, assigned: Assigned, masks_MHW: list[Tensor], model: GLIP, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """And the regions' features, which get gradients."""
    assert model.masks is not None
    generator = torch.Generator().manual_seed(seed)
    regions_BNC = torch.randn(len(pixels_BEHW), 6, 32, generator=generator).requires_grad_()
    return mask_loss(model.masks, pixels_BEHW, regions_BNC, assigned, masks_MHW, generator), regions_BNC


@pytest.fixture
def model() -> GLIP:
    torch.manual_seed(0)
    return GLIP(CONFIG)


def say_always(model: GLIP, logit: float) -> None:
    """Every pixel is an object's as likely as that."""
    assert model.masks is not None
    with torch.no_grad():
        model.masks.filters.weight.zero_()
        model.masks.filters.bias.zero_()
        model.masks.filters.bias[-1] = logit


def test_of_a_mask_that_is_right(model: GLIP) -> None:
    say_always(model, 20.0)
    pixels_BEHW = torch.zeros(1, 4, 8, 8)
    loss, _ = loss_of(pixels_BEHW, regions_of([(0, 0, [0.0, 0, 31, 31])]), [torch.ones(1, 32, 32).bool()], model)
    assert loss.item() == pytest.approx(0, abs=1e-6)


def test_of_one_that_is_not_sure(model: GLIP) -> None:
    say_always(model, 0.0)
    pixels_BEHW = torch.zeros(1, 4, 8, 8)
    loss, _ = loss_of(pixels_BEHW, regions_of([(0, 0, [0.0, 0, 31, 31])]), [torch.ones(1, 32, 32).bool()], model)
    dice = 1 - (2 * 64 / 2 + 1) / (64 / 4 + 64 + 1)
    assert loss.item() == pytest.approx(math.log(2) + dice, rel=1e-5)


def test_regions_count_alike_and_only_those_with_a_mask(model: GLIP) -> None:
    """A large object in the first picture, a small one in the second, one without a mask beside it."""
    say_always(model, 1.0)
    pixels_BEHW = torch.zeros(2, 4, 8, 8)
    large, small = torch.zeros(1, 32, 32).bool(), torch.zeros(2, 32, 32).bool()
    large[0, :, :16] = True
    small[1, 4:8, 4:8] = True
    boxes = [(0, 0, [0.0, 0, 15, 31]), (1, 0, [20.0, 20, 30, 30]), (1, 1, [4.0, 4, 7, 7])]
    both, _ = loss_of(pixels_BEHW, regions_of(boxes), [large, small], model)
    each = [
        loss_of(pixels_BEHW, regions_of(boxes[:1]), [large, small], model)[0],
        loss_of(pixels_BEHW, regions_of(boxes[2:]), [large, small], model)[0],
    ]
    assert both.item() == pytest.approx((each[0].item() + each[1].item()) / 2, rel=1e-5)


def test_data_without_masks_teaches_nothing(model: GLIP) -> None:
    pixels_BEHW = torch.randn(2, 4, 8, 8, requires_grad=True)
    nothing = [torch.zeros(1, 32, 32).bool(), torch.zeros(0, 32, 32).bool()]
    loss, _ = loss_of(pixels_BEHW, regions_of([(0, 0, [0.0, 0, 31, 31])]), nothing, model)
    assert loss.item() == 0
    loss.backward()
    assert pixels_BEHW.grad is not None
    assert not pixels_BEHW.grad.any()


def test_what_is_far_from_the_box_is_nobodys_concern(model: GLIP) -> None:
    model.eval()
    pixels_BEHW = torch.randn(1, 4, 8, 8, requires_grad=True)
    mask = torch.zeros(1, 32, 32).bool()
    mask[0, :8, :8] = True
    loss, _ = loss_of(pixels_BEHW, regions_of([(0, 0, [0.0, 0, 7, 7])]), [mask], model)
    loss.backward()
    assert pixels_BEHW.grad is not None
    concerned = pixels_BEHW.grad.abs().sum(dim=(0, 1)) > 0
    assert concerned[:2, :2].any()
    assert not concerned[3:].any()
    assert not concerned[:, 3:].any()


def test_around_a_box() -> None:
    # 8 x 4 pixels, larger by 3.6 and 2.8 on each side; places' centres are at 1.5, 5.5, 9.5, ...
    [one, tiny] = around(torch.tensor([[8.0, 8, 15, 11], [5.0, 5, 5, 5]]), 6, 6)
    assert one.nonzero().tolist() == [[row, column] for row in (1, 2, 3) for column in (1, 2, 3, 4)]
    assert tiny.nonzero().tolist() == [[1, 1]]


def test_places_have_the_share_of_their_pixels() -> None:
    masks_MHW = torch.zeros(2, 10, 8).bool()
    masks_MHW[1, :, :6] = True
    whole, empty, again = shares(masks_MHW, torch.tensor([1, 0, 1]))
    assert whole.tolist() == [[1.0, 0.5]] * 3, "the last row of places has two rows of pixels"
    assert torch.equal(whole, again)
    assert not empty.any()


def test_too_many_regions_take_part_by_lot(model: GLIP, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses_masks, "REGIONS", 2)
    boxes = [(0, 0, [0.0, 0, 15, 15])] * 5
    taken = set()
    for seed in range(6):
        pixels_BEHW, whole = torch.ones(1, 4, 8, 8), torch.ones(1, 32, 32).bool()
        loss, regions_BNC = loss_of(pixels_BEHW, regions_of(boxes), [whole], model, seed)
        loss.backward()
        assert regions_BNC.grad is not None
        rows = regions_BNC.grad[0].any(dim=1).nonzero().flatten().tolist()
        assert len(rows) == 2
        taken |= set(rows)
    assert len(taken) > 2


def rectangles() -> Batch:
    """Two pictures of a bright rectangle each, which is cut out of by a dark one."""
    pictures = torch.full((2, 3, 96, 96), 90, dtype=torch.uint8)
    masks, boxes = [], []
    for picture, (x1, y1, x2, y2) in zip(pictures, ((8, 16, 71, 63), (24, 8, 87, 87)), strict=True):
        mask = torch.zeros(96, 96).bool()
        mask[y1 : y2 + 1, x1 : x2 + 1] = True
        mask[y1 + 16 : y2 - 8, x1 + 24 : x2 + 1] = False
        picture[:, mask] = 230
        masks.append(mask[None])
        boxes.append(torch.tensor([[x1, y1, x2, y2]]).float())
    asked = [Asked(("square",), torch.eye(4)[1:2].bool(), ((0,),))] * 2
    ids = torch.tensor([[101, 2675, 102, 0]] * 2)
    targets = Targets(boxes, [of_boxes(one) for one in asked])
    return Batch(pictures, [(96, 96)] * 2, ids, ids > 0, targets, asked, masks)


@pytest.mark.timeout(120)
def test_it_is_learnt(model: GLIP) -> None:
    batch, generator = rectangles(), torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    told = []
    for _ in range(60):
        losses = total_loss(model.train(), None, batch, LossWeights(masks=1.0), generator)
        assert [*losses.parts] == ["tokens", "boxes", "centerness", "masks"]
        told.append(losses.parts["masks"].item())
        optimizer.zero_grad()
        losses.total.backward()
        optimizer.step()
    assert told[0] > 0.8
    assert told[-1] < 0.3 * told[0]
