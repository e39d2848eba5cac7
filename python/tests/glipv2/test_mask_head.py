"""The mask head: what it takes, what it gives, and that a model without it is what it was."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_runs import MASKED, TINY
from torch import Tensor
from torch.nn import functional as F

from glipv2.checkpoints.empty import shapes
from glipv2.config import CONFIGS
from glipv2.head.masks import MaskConfig, MaskHead, mask_logits
from glipv2.model import GLIP
from glipv2.pyramid import Pyramid


def test_it_is_small_beside_nano() -> None:
    nano = CONFIGS["glip-nano"]
    without, masked = shapes(nano), shapes(replace(nano, masks=MaskConfig()))
    added = {name: shape for name, shape in masked.items() if name not in without}
    assert without.items() <= masked.items()
    assert all(name.startswith("masks.") for name in added)
    assert sum(torch.Size(shape).numel() for shape in added.values()) <= 250_000


def test_a_model_with_it_is_otherwise_the_same() -> None:
    torch.manual_seed(0)
    plain = GLIP(TINY).eval()
    torch.manual_seed(0)
    masked = GLIP(MASKED).eval()
    assert all(torch.equal(one, masked.state_dict()[name]) for name, one in plain.state_dict().items())
    pictures = torch.randn(2, 3, 96, 128)
    seen, looked = plain.look(pictures), masked.look(pictures)
    assert seen.detail_BDHW is None
    assert torch.equal(seen.features_BNC, looked.features_BNC)
    assert looked.detail_BDHW is not None
    assert looked.detail_BDHW.shape == (2, 16, 24, 32)


@torch.no_grad()
def test_pixels_of_fused_pictures() -> None:
    torch.manual_seed(0)
    model = GLIP(MASKED).eval()
    head = model.masks
    assert head is not None
    pyramid = model.look(torch.randn(2, 3, 96, 128))
    ids_BT = torch.randint(1000, 2000, (2, 7))
    texts = model.encode_text(ids_BT, torch.ones_like(ids_BT, dtype=torch.bool))
    fused = pyramid.replaced(model.read(pyramid, texts).regions_BNC)
    pixels_BEHW = head(fused)
    assert pixels_BEHW.shape == (2, 4, 24, 32)
    for row in range(2):
        torch.testing.assert_close(head(fused.rows([row]))[0], pixels_BEHW[row], rtol=1e-4, atol=1e-5)
    # One picture, read with two texts.
    one = pyramid.rows([0])
    both = head(one.replaced(model.read(one, texts).regions_BNC))
    assert both.shape == pixels_BEHW.shape
    torch.testing.assert_close(both[0], pixels_BEHW[0], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(both[1], both[0]), "they depend on the text"


def by_definition(pixels_EHW: Tensor, weights_K: Tensor, anchor_4: Tensor) -> Tensor:
    """A region's network at each place for itself."""
    channels, height, width = pixels_EHW.shape
    sizes = [channels**2, channels, channels, channels, channels**2, channels, channels, 1]
    first, across, down, shift, second, second_shift, last, last_shift = weights_K.split(sizes)
    logits = torch.zeros(height, width)
    x1, y1, x2, y2 = anchor_4.tolist()
    for row in range(height):
        for column in range(width):
            x = (4 * column + 1.5 - (x1 + x2) / 2) / ((x2 - x1 + 1) / 2)
            y = (4 * row + 1.5 - (y1 + y2) / 2) / ((y2 - y1 + 1) / 2)
            hidden = F.relu(first.view(channels, channels) @ pixels_EHW[:, row, column] + across * x + down * y + shift)
            hidden = F.relu(second.view(channels, channels) @ hidden + second_shift)
            logits[row, column] = last @ hidden + last_shift
    return logits


def test_logits_are_those_of_each_regions_network() -> None:
    generator = torch.Generator().manual_seed(0)
    pixels_EHW = torch.randn(4, 5, 7, generator=generator)
    weights_PK = torch.randn(3, 53, generator=generator)
    anchors_P4 = torch.tensor([[-4.0, -4, 11, 11], [0, 8, 31, 39], [1, 2, 8, 9]])
    logits_PHW = mask_logits(pixels_EHW, weights_PK, anchors_P4)
    expected = [by_definition(pixels_EHW, *one) for one in zip(weights_PK, anchors_P4, strict=True)]
    torch.testing.assert_close(logits_PHW, torch.stack(expected), rtol=1e-4, atol=1e-4)
    assert mask_logits(pixels_EHW, weights_PK[:0], anchors_P4[:0]).shape == (0, 5, 7)


def test_logits_stay_exact_under_autocast() -> None:
    pixels_EHW, weights_PK = torch.randn(4, 5, 7), torch.randn(2, 53)
    anchors_P4 = torch.tensor([[0.0, 0, 15, 15]]).repeat(2, 1)
    with torch.autocast("cpu", torch.bfloat16):
        inside = mask_logits(pixels_EHW, weights_PK, anchors_P4)
    assert torch.equal(inside, mask_logits(pixels_EHW, weights_PK, anchors_P4))


def test_pictures_of_odd_sizes() -> None:
    head = MaskHead(MaskConfig(width=16, channels=4, norm_groups=4), 8, 6)
    fused = Pyramid.of([torch.randn(1, 8, 4, 5), torch.randn(1, 8, 2, 3)], torch.randn(1, 6, 7, 9))
    assert head(fused).shape == (1, 4, 7, 9)


@pytest.mark.parametrize(("values", "message"), [({"width": 24}, "divide width"), ({"channels": 0}, "at least 1")])
def test_what_cannot_be(values: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MaskConfig(**values)
