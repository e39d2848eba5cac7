from __future__ import annotations

import math
from typing import Any, ClassVar

import counterpart
import pytest
import torch
from torch import Tensor, nn
from weights import Naming, drawn, filled, waves

from glipv2.checkpoints import names_fusion
from glipv2.fusion import both_ways
from glipv2.fusion.attention import BiAttention, FusionConfig, FusionLayer

NAMING = Naming("rpn.head.dyhead_tower.0.b_attn.", "tower.0.", names_fusion.RULES, names_fusion.DERIVED)
CHANNELS, TEXT_WIDTH, POSITIONS = 12, 20, 50
SMALL = FusionConfig(width=64, heads=4)

#: Of the small layer of `filled` weights on `inputs`: sums of absolute values, and some values of both sides.
GOLDEN_SUMS = torch.tensor([1086.083, 326.114])
GOLDEN_PLACES = torch.tensor([[1.099753, -1.377593, 1.192259, -1.141385], [-0.016576, 0.062955, -0.212434, 0.166055]])


def inputs(batch: int, tokens: int) -> tuple[Tensor, Tensor, Tensor]:
    """Each text is two tokens shorter than the one before."""
    mask_BT = torch.arange(tokens) < tokens - 2 * torch.arange(batch)[:, None]
    return 3 * waves(batch, POSITIONS, CHANNELS), 3 * waves(batch, tokens, TEXT_WIDTH, phase=1), mask_BT


def small(config: FusionConfig = SMALL) -> FusionLayer:
    layer = filled(FusionLayer(config, CHANNELS, TEXT_WIDTH, share=0.5))
    assert isinstance(layer, FusionLayer)
    return layer


def assert_golden(made: tuple[Tensor, Tensor]) -> None:
    torch.testing.assert_close(torch.stack([one.abs().sum() for one in made]), GOLDEN_SUMS, atol=1e-2, rtol=0)
    torch.testing.assert_close(torch.stack([one[1, 3, :4] for one in made]), GOLDEN_PLACES, atol=1e-5, rtol=0)


def test_golden_outputs() -> None:
    assert_golden(small()(*inputs(2, 9)))


def direct(attention: BiAttention, picture_BNV: Tensor, text_BTL: Tensor, mask_BT: Tensor | None) -> tuple[Tensor, ...]:
    """Multi-head attention as it is usually written, each side projected to all heads."""

    def by_head(values: Tensor) -> Tensor:
        return values.unflatten(2, (attention.heads, -1)).transpose(1, 2)

    queries, keys = by_head(attention.query(picture_BNV)), by_head(attention.key(text_BTL))
    scores_BHNT = queries @ keys.transpose(2, 3) * attention.head_width**-0.5
    of_tokens = scores_BHNT.softmax(2).transpose(2, 3) @ by_head(attention.picture_value(picture_BNV))
    if mask_BT is not None:
        scores_BHNT = scores_BHNT.masked_fill(~mask_BT[:, None, None], -torch.inf)
    of_positions = scores_BHNT.softmax(3) @ by_head(attention.text_value(text_BTL))
    return (
        attention.picture_output(of_positions.transpose(1, 2).flatten(2)),
        attention.text_output(of_tokens.transpose(1, 2).flatten(2)),
    )


#: All scores at once, and those of some positions at a time: 3 positions of 2 pictures, 4 heads, 9 tokens.
@pytest.mark.parametrize("scores", [2**18, 3 * 2 * 4 * 9])
@pytest.mark.parametrize("masked", [True, False])
def test_it_is_attention_both_ways(masked: bool, scores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Results and gradients."""
    monkeypatch.setattr(both_ways, "SCORES_CPU", scores)
    found = []
    for way in (BiAttention.forward, direct):
        attention = small().attention.double()
        picture_BNV, text_BTL, mask_BT = inputs(2, 9)
        picture_BNV, text_BTL = picture_BNV.double().requires_grad_(), text_BTL.double().requires_grad_()
        made = way(attention, picture_BNV, text_BTL, mask_BT if masked else None)
        ((made[0] * waves(*made[0].shape)).sum() + (made[1] * waves(*made[1].shape)).sum()).backward()
        found.append([*made, picture_BNV.grad, text_BTL.grad, *(one.grad for one in attention.parameters())])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)


def test_scores_beyond_the_limit_are_cut_and_have_no_slope(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(both_ways, "LIMIT", 0.5)
    positions_BNV = torch.tensor([[[1.0], [0.1]]]).requires_grad_()
    queries_BXV = torch.tensor([[[2.0], [1.0]]])
    read = both_ways.read_both_ways(
        positions_BNV, queries_BXV, torch.zeros(1, 2), torch.tensor([[[1.0], [0.0]]]), 1, None, 0.0
    )
    # Scores 2.0 and 1.0 are both cut to 0.5: the two tokens are the same to the first position.
    torch.testing.assert_close(read.by_positions_BNV[0, :, 0], torch.tensor([0.5, 1 / (1 + math.exp(-0.1))]))
    read.by_positions_BNV.sum().backward()
    assert positions_BNV.grad is not None
    assert positions_BNV.grad[0, 0] == 0
    assert positions_BNV.grad[0, 1] != 0


def test_dropout_is_the_same_in_both_passes() -> None:
    """By differences of the function, whose drawn values are those of a seed."""
    given = [
        0.3 * waves(*shape, phase=phase).double()
        for phase, shape in enumerate([(2, 5, 3), (2, 8, 3), (2, 8), (2, 8, 3)])
    ]

    def made(*values: Tensor) -> tuple[Tensor, ...]:
        torch.manual_seed(0)
        return tuple(both_ways.read_both_ways(*values, heads=2, mask_BT=inputs(2, 4)[2], dropout=0.4))

    dropped = made(*given)
    assert (dropped[2] - 1).abs().max() > 0.1
    assert torch.autograd.gradcheck(made, [one.requires_grad_() for one in given])


def test_nobody_reads_padding() -> None:
    layer, (picture_BNV, text_BTL, mask_BT) = small(), inputs(1, 9)
    padded = layer(
        picture_BNV, nn.functional.pad(text_BTL, (0, 0, 0, 5), value=7.0), nn.functional.pad(mask_BT, (0, 5))
    )
    alone = layer(picture_BNV, text_BTL)
    torch.testing.assert_close(padded[0], alone[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(padded[1][:, :9], alone[1], atol=1e-5, rtol=0)


def test_dropout_keeps_the_mean_and_is_for_training_alone() -> None:
    layer = small(FusionConfig(width=64, heads=4, dropout=0.3))
    picture_BNV, text_BTL, mask_BT = inputs(1, 9)
    expected = layer(picture_BNV, text_BTL, mask_BT)
    layer.train()
    torch.manual_seed(0)
    drawn_many = [layer(picture_BNV, text_BTL, mask_BT) for _ in range(400)]
    assert not torch.equal(drawn_many[0][0], drawn_many[1][0])
    for side in (0, 1):
        mean = torch.stack([one[side] for one in drawn_many]).mean(0)
        torch.testing.assert_close(mean, expected[side], atol=0.15, rtol=0)


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="expected a multiple of 5 heads, got 64"):
        FusionLayer(FusionConfig(width=64, heads=5), CHANNELS, TEXT_WIDTH, share=0.5)


class TestParity:
    """With the official layer of fusion, on the same weights."""

    pytestmark: ClassVar = [pytest.mark.official, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]

    @pytest.mark.parametrize("tokens", [1, 9, 15, 16, 40])
    @pytest.mark.parametrize("batch", [1, 3])
    @torch.no_grad()
    def test_small(self, official: Any, batch: int, tokens: int) -> None:
        reference, ours = pair(official)
        picture_BNV, text_BTL, mask_BT = inputs(batch, max(tokens, 2 * batch))
        theirs = reference.single_attention_call(picture_BNV, text_BTL, mask_BT.long())
        for mine, expected in zip(ours(picture_BNV, text_BTL, mask_BT), theirs, strict=True):
            torch.testing.assert_close(mine, expected, atol=2e-5, rtol=0)

    def test_golden_outputs_are_official(self, official: Any) -> None:
        reference, _ = pair(official)
        NAMING.copy_back(small(), reference)
        picture_BNV, text_BTL, mask_BT = inputs(2, 9)
        assert_golden(reference.single_attention_call(picture_BNV, text_BTL, mask_BT.long()))

    @pytest.mark.parametrize("tokens", [9, 40])
    def test_gradients(self, official: Any, tokens: int) -> None:
        reference, ours = pair(official)
        picture_BNV, text_BTL, mask_BT = inputs(2, tokens)
        for made in (
            reference.single_attention_call(picture_BNV, text_BTL, mask_BT.long()),
            ours(picture_BNV, text_BTL, mask_BT),
        ):
            ((made[0] * waves(*made[0].shape)).sum() + (made[1] * waves(*made[1].shape)).sum()).backward()
        theirs = NAMING.ours({key: one.grad for key, one in reference.named_parameters()})
        mine = {key: one.grad for key, one in ours.named_parameters()}
        torch.testing.assert_close(mine, theirs, atol=2e-4, rtol=1e-4)


def pair(official: Any) -> tuple[Any, FusionLayer]:
    """The official layer with drawn weights, and ours with the same."""
    from maskrcnn_benchmark.utils.fuse_helper import BiAttentionBlockForCheckpoint

    cfg = official.clone()
    cfg.merge_from_list(counterpart.settings(counterpart.GlipConfig()))
    reference: Any = drawn(
        BiAttentionBlockForCheckpoint(
            v_dim=CHANNELS, l_dim=TEXT_WIDTH, embed_dim=SMALL.width, num_heads=SMALL.heads, init_values=0.5, cfg=cfg
        ),
        seed=3,
    )
    ours = FusionLayer(SMALL, CHANNELS, TEXT_WIDTH, share=0.5).eval()
    NAMING.copy(reference, ours)
    return reference, ours
