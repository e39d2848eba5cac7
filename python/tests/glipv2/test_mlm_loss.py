"""L_mlm: the rule of masking, and the loss by hand."""

from __future__ import annotations

import math

import pytest
import torch

from glipv2.losses.mlm import MASKED, REPLACED, SHARE, grounded, mask_words, mlm_loss
from glipv2.text.bert import BertConfig
from glipv2.text.masked_words import MaskedWordHead

MASK_ID, PIECES = 3, 1000


def test_a_word_in_seven_is_told_and_eight_of_ten_of_these_are_masked() -> None:
    ids_BT = torch.full((300, 1000), 500)
    words_BT = torch.arange(1000).expand_as(ids_BT) % 2 == 0
    masked = mask_words(ids_BT, words_BT, MASK_ID, PIECES, torch.Generator().manual_seed(0))
    assert not masked.told_BT[~words_BT].any()
    told = masked.told_BT.sum().item()
    assert told / words_BT.sum().item() == pytest.approx(SHARE, abs=0.004)
    assert torch.equal(masked.ids_BT[~masked.told_BT], ids_BT[~masked.told_BT])
    found = masked.ids_BT[masked.told_BT]
    masks, same = ((found == one).sum().item() / told for one in (MASK_ID, 500))
    assert masks == pytest.approx(MASKED, abs=0.01)
    assert same == pytest.approx(1 - MASKED - REPLACED, abs=0.01)
    # All others may come, whatever they are.
    assert len(found.unique()) > 0.9 * PIECES


def test_a_generator_decides() -> None:
    ids_BT, words_BT = torch.arange(400).view(4, 100), torch.ones(4, 100, dtype=torch.bool)
    one, same, other = (
        mask_words(ids_BT, words_BT, MASK_ID, PIECES, torch.Generator().manual_seed(seed)) for seed in (5, 5, 6)
    )
    assert torch.equal(one.ids_BT, same.ids_BT)
    assert not torch.equal(one.ids_BT, other.ids_BT)


def test_words_that_a_box_speaks_of() -> None:
    maps = [torch.tensor([[True, False, False], [False, False, True]]), torch.zeros(0, 3, dtype=torch.bool)]
    assert grounded(maps).tolist() == [[True, False, True], [False, False, False]]


def head_that_says(probabilities: list[float]) -> MaskedWordHead:
    """Whatever it is given."""
    head = MaskedWordHead(BertConfig(vocabulary=len(probabilities), width=4, layers=1, heads=1))
    with torch.no_grad():
        head.bias.copy_(torch.tensor(probabilities).log())
    return head


def test_loss_by_hand() -> None:
    head = head_that_says([0.1, 0.2, 0.3, 0.4])
    ids_BT = torch.tensor([[0, 1, 2], [3, 3, 3]])
    told_BT = torch.tensor([[True, False, True], [False, False, False]])
    loss = mlm_loss(head, torch.zeros(4, 4), torch.rand(2, 3, 4), ids_BT, told_BT)
    assert loss.item() == pytest.approx(-(math.log(0.1) + math.log(0.3)) / 2)


def test_nothing_to_tell_is_no_loss() -> None:
    head = head_that_says([0.5, 0.5])
    states_BTL = torch.rand(2, 3, 4, requires_grad=True)
    nothing_BT = torch.zeros(2, 3, dtype=torch.bool)
    loss = mlm_loss(head, torch.rand(2, 4), states_BTL, nothing_BT.long(), nothing_BT)
    assert loss == 0
    loss.backward()
    assert states_BTL.grad is not None
    assert not states_BTL.grad.any()
    assert all(one.grad is not None and not one.grad.any() for one in head.parameters())


def test_it_learns_what_states_tell() -> None:
    torch.manual_seed(0)
    head = MaskedWordHead(BertConfig(vocabulary=8, width=16, layers=1, heads=1))
    embeddings_VL, ids_BT = torch.randn(8, 16, requires_grad=True), torch.arange(8)[None]
    states_BTL, told_BT = torch.randn(1, 8, 16), torch.ones(1, 8, dtype=torch.bool)
    optimizer = torch.optim.Adam([*head.parameters(), embeddings_VL], lr=0.05)
    for _ in range(60):
        loss = mlm_loss(head, embeddings_VL, states_BTL, ids_BT, told_BT)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.1
