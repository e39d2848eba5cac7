"""The part that answers and tells: what reads what, answers as texts, counting."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_runs import TINY
from weights import drawn

from glipv2.config import GlipConfig, SettingsError, added_heads, changed
from glipv2.data.candidates import encoded
from glipv2.head.counting import AT, BINS, bumps, counted
from glipv2.head.understanding import UnderstandingConfig
from glipv2.model import GLIP
from glipv2.text.wordpiece import WordPiece
from glipv2.understanding.answering import candidate_vectors, question_vectors
from glipv2.understanding.telling import scene, told_states, word_logits

CONFIG = replace(TINY, understanding=UnderstandingConfig(width=16, layers=2, heads=2))
PIECES = WordPiece.default()


@pytest.fixture
def model() -> GLIP:
    made = drawn(GLIP(CONFIG), 1)
    assert isinstance(made, GLIP)
    return made


def texts(*several: str) -> tuple[torch.Tensor, torch.Tensor]:
    found = encoded(several, PIECES)
    return found.ids_AT, found.mask_AT


def pictures(count: int) -> torch.Tensor:
    return torch.randn(count, 3, 128, 128, generator=torch.Generator().manual_seed(5))


@torch.no_grad()
def test_a_later_word_changes_no_earlier_one(model: GLIP) -> None:
    ids_BT = torch.randint(1000, 3000, (2, 9), generator=torch.Generator().manual_seed(0))
    mask_BT = torch.ones_like(ids_BT, dtype=torch.bool)
    seen = scene(model, model.look(pictures(2)), [(128, 128)] * 2)
    before = word_logits(model, told_states(model, seen, ids_BT, mask_BT))
    for place in range(9):
        other_BT = ids_BT.clone()
        other_BT[:, place] += 1
        after = word_logits(model, told_states(model, seen, other_BT, mask_BT))
        assert torch.equal(after[:, :place], before[:, :place]), place
        assert not torch.allclose(after[:, place], before[:, place])
        shorter = word_logits(model, told_states(model, seen, ids_BT[:, : place + 1], mask_BT[:, : place + 1]))
        torch.testing.assert_close(shorter, before[:, : place + 1], atol=1e-4, rtol=0)


@torch.no_grad()
def test_captions_see_their_own_picture(model: GLIP) -> None:
    ids_BT, mask_BT = texts("a red square", "a cat")
    together = told_states(model, scene(model, model.look(pictures(2)), [(128, 128), (100, 128)]), ids_BT, mask_BT)
    for row, size in enumerate([(128, 128), (100, 128)]):
        alone = scene(model, model.look(pictures(2)[row : row + 1]), [size])
        states = told_states(model, alone, ids_BT[row : row + 1], mask_BT[row : row + 1])
        torch.testing.assert_close(together[row][mask_BT[row]], states[0][mask_BT[row]], atol=1e-4, rtol=0)
    alone = scene(model, model.look(pictures(2)[:1]), [(128, 128)])
    twice = told_states(model, alone.repeated(2), ids_BT, mask_BT)
    torch.testing.assert_close(twice[0], together[0], atol=1e-4, rtol=0)
    assert not torch.allclose(twice[1, :4], together[1, :4], atol=1e-3)


@torch.no_grad()
def test_the_text_side_of_fusion_is_the_same_alone(model: GLIP) -> None:
    layer = model.tower[0]
    regions_BNC, text_BTL = torch.randn(2, 340, 32), torch.randn(2, 5, 32)
    _, both = layer(regions_BNC, text_BTL)
    torch.testing.assert_close(layer.text_alone(regions_BNC, text_BTL), both, atol=1e-5, rtol=1e-5)  # type: ignore[operator]


@torch.no_grad()
def test_answers_are_texts_whatever_stands_beside_them(model: GLIP) -> None:
    together = candidate_vectors(model, *texts("yes", "top left", "a rather long answer that nobody gives"))
    assert together.norm(dim=1).tolist() == pytest.approx([1, 1, 1], abs=1e-5)
    for row, one in enumerate(("yes", "top left")):
        torch.testing.assert_close(candidate_vectors(model, *texts(one))[0], together[row], atol=1e-5, rtol=0)
    assert candidate_vectors(model, *texts("")).isfinite().all(), "of no word at all"


@torch.no_grad()
def test_questions_do_not_depend_on_padding(model: GLIP) -> None:
    ids_BT, mask_BT = texts("where is red?", "is there a green square on the left?")
    pyramid = model.look(pictures(2))
    sizes = [(128, 128)] * 2
    together = question_vectors(model, model.read(pyramid, model.encode_text(ids_BT, mask_BT)), mask_BT, sizes)
    ids_1T, mask_1T = texts("where is red?")
    text = model.encode_text(ids_1T, mask_1T)
    alone = question_vectors(model, model.read(model.look(pictures(2)[:1]), text), mask_1T, sizes[:1])
    torch.testing.assert_close(alone[0], together[0], atol=1e-4, rtol=0)


def test_every_object_is_counted_once() -> None:
    """Three boxes of an object, two of another, one that is not sure."""
    boxes_N4 = torch.tensor(
        [[0, 0, 20, 20], [0, 1, 20, 21], [1, 0, 21, 20], [50, 50, 90, 90], [51, 50, 91, 90], [70, 0, 90, 20]]
    ).float()
    scores_N = torch.tensor([0.8, 0.75, 0.7, 0.9, 0.6, 0.05])
    logits_BNT = torch.stack([torch.logit(scores_N**2), torch.full((6,), -9.0)], dim=1)[None]
    counts_BTK = counted(logits_BNT, torch.ones(1, 6), boxes_N4[None])
    assert counts_BTK.shape == (1, 2, len(AT))
    assert counts_BTK[0, 0].tolist() == pytest.approx([2, 2, 2], abs=0.1)
    assert counts_BTK[0, 1].tolist() == pytest.approx([0, 0, 0], abs=0.1)
    found = bumps(torch.tensor([[[2.0, 0.0, 11.0]]])).view(3, BINS)
    assert found.argmax(1).tolist() == [2, 0, 11]
    assert found.max(1).values.tolist() == [1, 1, 1]


def test_a_part_that_is_added_by_settings() -> None:
    assert TINY.understanding is None
    added = changed(TINY, {"understanding": {}})
    assert added.understanding == UnderstandingConfig()
    assert added_heads(TINY, added) == ("understanding",)
    assert added_heads(added, added) == ()
    some = changed(TINY, {"understanding": {"layers": 1, "answers": ["a", "b"]}})
    assert some.understanding == UnderstandingConfig(layers=1, answers=("a", "b"))
    assert changed(some, {"understanding": {}}) == some
    assert GlipConfig.from_json(some.to_json()) == some
    with pytest.raises(SettingsError, match=r"heads must divide text\.width, got 3 and 32"):
        changed(TINY, {"understanding": {"heads": 3}})
    with pytest.raises(SettingsError, match="unknown size"):
        changed(TINY, {"understanding.size": 3})
