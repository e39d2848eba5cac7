"""The grounding loss against the official ATSSLossComputation, and by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from glipv2.detection.anchors import anchors
from glipv2.detection.boxes import encode
from glipv2.losses import focal
from glipv2.losses.assignment import assign, assigned, overlaps
from glipv2.losses.focal import ALPHA, GAMMA, token_focal_loss
from glipv2.losses.grounding import GroundingLosses, Targets, grounding_loss
from glipv2.model import STRIDES, Output

SIZES = ((32, 24), (16, 12), (8, 6), (4, 3), (2, 2))
REGIONS = sum(height * width for height, width in SIZES)
WIDTH, HEIGHT = 192, 256
TOKENS = 19


def random_boxes(generator: torch.Generator, count: int) -> Tensor:
    corner = torch.rand(count, 2, generator=generator) * torch.tensor([WIDTH - 60.0, HEIGHT - 60.0])
    return torch.cat([corner, corner + 6 + 120 * torch.rand(count, 2, generator=generator).square()], dim=1)


def case(counts: list[int], seed: int = 0) -> tuple[Output, Targets, Tensor]:
    """Random outputs with gradients, boxes that overlap, texts of different lengths."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        return torch.randn(len(counts), REGIONS, *shape, generator=generator).requires_grad_()

    empty = torch.empty(0)
    output = Output(random(TOKENS), random(4), random(), SIZES, empty, empty, empty)
    boxes = [random_boxes(generator, count) for count in counts]
    maps = [torch.rand(count, TOKENS - 2, generator=generator) > 0.8 for count in counts]
    lengths = torch.tensor([TOKENS - picture for picture in range(len(counts))])
    return output, Targets(boxes, maps), torch.arange(TOKENS) < lengths[:, None]


def losses_of(output: Output, targets: Targets, mask_BT: Tensor) -> GroundingLosses:
    found = assigned(targets.boxes_M4, output.sizes, mask_BT.device)
    return grounding_loss(output, found, targets.tokens_MT, mask_BT)


def total(losses: GroundingLosses) -> Tensor:
    return torch.stack(list(losses)).sum()


def gradients(output: Output, loss: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, output[:3]))


@pytest.fixture(scope="module")
def reference(official: Any, checkout: Path) -> Any:
    from maskrcnn_benchmark.modeling.rpn.loss import ATSSLossComputation
    from maskrcnn_benchmark.modeling.rpn.vldyhead import BoxCoder

    from glip_worker.engines.official.compat.installation import text_encoder
    from glipv2.text.wordpiece import VOCABULARY

    cfg = official.clone()
    cfg.merge_from_file(str(checkout / "configs" / "pretrain" / "glip_Swin_T_O365_GoldG.yaml"))
    with text_encoder(VOCABULARY.parent):
        return ATSSLossComputation(cfg, BoxCoder(cfg))


def official_losses(reference: Any, output: Output, targets: Targets, mask_BT: Tensor) -> list[Tensor]:
    from maskrcnn_benchmark.structures.bounding_box import BoxList

    window = 256
    lists, places = [], anchors(SIZES).split([height * width for height, width in SIZES])
    for boxes in targets.boxes_M4:
        one = BoxList(boxes, (WIDTH, HEIGHT), mode="xyxy")
        one.add_field("labels", torch.ones(len(boxes), dtype=torch.long))
        lists.append(one)
    grid = [[BoxList(level, (WIDTH, HEIGHT), mode="xyxy") for level in places] for _ in lists]

    def levels(values: Tensor) -> list[Tensor]:
        """[B, N, C] as a map for each level."""
        parts = values.split([len(level) for level in places], dim=1)
        return [part.transpose(1, 2).unflatten(2, size) for part, size in zip(parts, SIZES, strict=True)]

    def padded(values: Tensor) -> Tensor:
        return torch.nn.functional.pad(values, (0, window - values.shape[-1]))

    _, boxes, centerness, _, _, tokens, _ = reference(
        levels(torch.zeros(len(lists), REGIONS, 80)),
        levels(output.deltas_BN4),
        levels(output.centerness_BN[..., None]),
        lists,
        grid,
        positive_map=padded(torch.cat(list(targets.tokens_MT)).float()),
        dot_product_logits=list(padded(output.logits_BNT).split([len(level) for level in places], dim=1)),
        text_masks=padded(mask_BT.long()),
    )
    return [tokens, boxes, centerness]


@pytest.mark.official
@pytest.mark.parametrize("counts", [[3], [1, 7], [2, 12, 5], [40]])
def test_losses_and_gradients_are_the_official_ones(reference: Any, counts: list[int]) -> None:
    output, targets, mask_BT = case(counts, seed=sum(counts))
    expected = official_losses(reference, output, targets, mask_BT)
    losses = losses_of(output, targets, mask_BT)
    torch.testing.assert_close(torch.stack(list(losses)), torch.stack(expected), atol=1e-5, rtol=1e-5)
    for one, other in zip(gradients(output, total(losses)), gradients(output, sum(expected)), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def test_golden_losses() -> None:
    losses = losses_of(*case([2, 0, 5]))
    torch.testing.assert_close(torch.stack(list(losses)), torch.tensor(GOLDEN), atol=1e-4, rtol=1e-5)


def test_a_picture_without_boxes_teaches_what_is_background() -> None:
    output, targets, mask_BT = case([0, 0])
    losses = losses_of(output, targets, mask_BT)
    assert losses.boxes == losses.centerness == 0
    p = torch.sigmoid(output.logits_BNT)
    expected = -(1 - ALPHA) * p**GAMMA * torch.log(1 - p) * mask_BT[:, None]
    torch.testing.assert_close(losses.tokens, expected.sum())
    of_logits, of_deltas, of_centerness = gradients(output, total(losses))
    assert of_logits.any()
    assert not of_deltas.any()
    assert not of_centerness.any()


def test_what_is_right_costs_next_to_nothing() -> None:
    output, targets, mask_BT = case([4])
    grid = anchors(SIZES)
    box_N = assign(targets.boxes_M4[0][None], torch.ones(1, 4, dtype=torch.bool), grid, SIZES)[0]
    near = torch.nn.functional.pad(targets.tokens_MT[0], (0, 2))[box_N] & (box_N >= 0)[:, None]
    deltas = encode(targets.boxes_M4[0][box_N], grid)
    right = output._replace(logits_BNT=torch.where(near, 20.0, -20.0)[None], deltas_BN4=deltas[None])
    losses = losses_of(right, targets, mask_BT)
    assert losses.tokens < 1e-6
    assert losses.boxes < 1e-4


def test_focal_loss_of_one_pair() -> None:
    logits = torch.tensor([[[0.0, 2.0]]])
    none = torch.empty(0, dtype=torch.long)
    mask = torch.tensor([[True, False]])
    alone = token_focal_loss(logits, mask, none, torch.empty(0, 2, dtype=torch.bool))
    torch.testing.assert_close(alone, torch.tensor(0.75 * 0.25 * 0.693147))
    positive = token_focal_loss(logits, mask, torch.tensor([0]), torch.tensor([[True, False]]))
    torch.testing.assert_close(positive, torch.tensor(0.25 * 0.25 * 0.693147))


@pytest.mark.parametrize("logits", [2**18, 3 * 2 * 4])
def test_focal_loss_has_the_gradients_of_its_differences(logits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All logits at once, and those of some regions at a time: 4 regions of 2 pictures, 3 tokens."""
    monkeypatch.setattr(focal, "LOGITS_CPU", logits)
    generator = torch.Generator().manual_seed(0)
    logits_BNT = (6 * torch.randn(2, 10, 3, generator=generator, dtype=torch.double)).requires_grad_()
    mask_BT = torch.tensor([[True, True, True], [True, True, False]])
    positive_P, tokens_PT = torch.tensor([4, 13]), torch.tensor([[True, False, True], [False, True, False]])
    assert torch.autograd.gradcheck(lambda one: token_focal_loss(one, mask_BT, positive_P, tokens_PT), [logits_BNT])


def test_regions_of_a_box_lie_inside_of_it_and_overlap_it_most() -> None:
    boxes = torch.tensor([[[40.0, 40.0, 103.0, 103.0], [140.0, 140.0, 150.0, 152.0]]])
    present = torch.ones(1, 2, dtype=torch.bool)
    grid = anchors(SIZES)
    box_N = assign(boxes, present, grid, SIZES)[0]
    centres = (grid[:, :2] + grid[:, 2:]) / 2
    for index in (0, 1):
        mine = centres[box_N == index]
        assert len(mine) > 0
        assert (mine > boxes[0, index, :2]).all()
        assert (mine < boxes[0, index, 2:]).all()
    # The anchors of the finest level are 64 pixels wide, as the first box is: its regions are of that level.
    assert (box_N == 0).nonzero().max() < SIZES[0][0] * SIZES[0][1]


def test_a_box_between_all_centres_has_no_region() -> None:
    boxes = torch.tensor([[[8.2, 8.2, 10.9, 10.9]]])
    assert (assign(boxes, torch.ones(1, 1, dtype=torch.bool), anchors(SIZES), SIZES) == -1).all()


def test_padding_has_no_region() -> None:
    generator = torch.Generator().manual_seed(1)
    boxes = random_boxes(generator, 3)
    alone = assign(boxes[None, :2], torch.ones(1, 2, dtype=torch.bool), anchors(SIZES), SIZES)
    padded = assign(boxes[None], torch.tensor([[True, True, False]]), anchors(SIZES), SIZES)
    assert torch.equal(alone, padded)


def test_more_boxes_than_regions() -> None:
    output, targets, mask_BT = case([REGIONS + 5])
    assert all(torch.isfinite(one) for one in losses_of(output, targets, mask_BT))


def test_overlap_counts_the_last_pixel() -> None:
    grid = torch.tensor([[0.0, 0.0, 9.0, 9.0]])
    torch.testing.assert_close(overlaps(torch.tensor([[[5.0, 0.0, 14.0, 9.0]]]), grid)[0, 0, 0], torch.tensor(50 / 150))


def test_names_of_the_losses() -> None:
    assert GroundingLosses._fields == ("tokens", "boxes", "centerness")
    assert len(STRIDES) == len(SIZES)


#: Of `case([2, 0, 5])`.
GOLDEN = [460.18069, 1.55425, 0.82347]
