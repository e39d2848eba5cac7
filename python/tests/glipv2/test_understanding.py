"""The part that answers and tells: what reads what, answers as texts, counting."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_runs import TINY
from torchvision.ops import box_iou
from weights import drawn

from glipv2.checkpoints.empty import empty
from glipv2.config import CONFIGS, GlipConfig, SettingsError, added_heads, changed
from glipv2.data.candidates import encoded
from glipv2.head.understanding import BINS, LIES, LIES_SCALE, UnderstandingConfig, bumps, lies, places, spoken
from glipv2.model import GLIP
from glipv2.text.bert import present
from glipv2.text.wordpiece import WordPiece
from glipv2.understanding.answering import candidate_vectors, understood
from glipv2.understanding.scene import SAME, scene, searched
from glipv2.understanding.telling import told_states, word_logits

OBJECTS = 12
CONFIG = replace(TINY, understanding=UnderstandingConfig(width=16, layers=2, heads=2, objects=OBJECTS, least=0.0))
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
def test_answers_are_texts_whatever_stands_beside_them(model: GLIP) -> None:
    together = candidate_vectors(model, *texts("yes", "top left", "a rather long answer that nobody gives"))
    assert together.norm(dim=1).tolist() == pytest.approx([1, 1, 1], abs=1e-5)
    for row, one in enumerate(("yes", "top left")):
        torch.testing.assert_close(candidate_vectors(model, *texts(one))[0], together[row], atol=1e-5, rtol=0)
    assert candidate_vectors(model, *texts("")).isfinite().all(), "of no word at all"


@torch.no_grad()
def test_questions_do_not_depend_on_padding(model: GLIP) -> None:
    text = model.encode_text(*texts("where is red?", "is there a green square on the left?"))
    together = understood(model, scene(model, model.look(pictures(2)), [(128, 128)] * 2), text)
    short = model.encode_text(*texts("where is red?"))
    alone = understood(model, scene(model, model.look(pictures(2)[:1]), [(128, 128)]), short)
    torch.testing.assert_close(alone.vectors_BD[0], together.vectors_BD[0], atol=1e-4, rtol=0)
    tokens = short.mask_BT.shape[1]
    torch.testing.assert_close(alone.logits_BTK[0], together.logits_BTK[0, :tokens], atol=1e-4, rtol=0)


@torch.no_grad()
def test_an_object_is_read_once_and_what_is_none_not_at_all(model: GLIP) -> None:
    """However many regions find it; rows beyond the last object say nothing."""
    found = scene(model, model.look(pictures(2)), [(128, 128)] * 2)
    assert found.objects_BKL.shape == (2, OBJECTS, TINY.text.width)
    for boxes_K4, present_K in zip(found.boxes_BK4, found.present_BK, strict=True):
        overlaps_KK = box_iou(boxes_K4[present_K], boxes_K4[present_K]).fill_diagonal_(0)
        assert present_K.any()
        assert overlaps_KK.max() <= SAME
    none = found._replace(present_BK=torch.zeros_like(found.present_BK))
    other = none._replace(objects_BKL=torch.randn_like(none.objects_BKL))
    text = model.encode_text(*texts("what is it?", "what is it?"))
    one, two = understood(model, none, text).vectors_BD, understood(model, other, text).vectors_BD
    torch.testing.assert_close(one, two, atol=1e-3, rtol=0)
    assert not torch.allclose(understood(model, found, text).vectors_BD, one, atol=1e-3)


@torch.no_grad()
def test_rows_of_a_scene(model: GLIP) -> None:
    found = scene(model, model.look(pictures(2)), [(128, 128)] * 2)
    for one, several in zip(found, found.rows([1, 0, 1]), strict=True):
        assert torch.equal(several, torch.stack([one[1], one[0], one[1]]))


@torch.no_grad()
def test_names_that_a_text_does_not_hold_are_left_out() -> None:
    many = tuple(f"thing {number}" for number in range(500))
    model = GLIP(replace(CONFIG, understanding=UnderstandingConfig(width=16, heads=2, names=many)))
    held = searched(model).mask_BT.shape[1]
    assert CONFIG.prompt.max_tokens - 8 < held <= CONFIG.prompt.max_tokens


def test_counts_are_told_apart() -> None:
    found = bumps(torch.tensor([[[2.0, 0.0, 11.0]]])).view(3, BINS)
    assert found.argmax(1).tolist() == [2, 0, 11]
    assert found.max(1).values.tolist() == [1, 1, 1]


def test_how_objects_lie_to_each_other() -> None:
    """The second is on the right, half as wide and high; the third within the first."""
    boxes_BN4 = torch.tensor([[[0.0, 0, 40, 40], [60, 10, 80, 30], [10, 10, 30, 30]]])
    found = lies(places(boxes_BN4, torch.ones(1, 3), [(100, 100)]))[0]
    assert found.shape == (3, 3, LIES)
    away_x, away_y = found[..., 0] / LIES_SCALE, found[..., 1] / LIES_SCALE
    torch.testing.assert_close(away_x[0], torch.tensor([0, 0.5, 0]), atol=1e-6, rtol=0)
    torch.testing.assert_close(away_y[0], torch.zeros(3), atol=1e-6, rtol=0)
    torch.testing.assert_close(away_x, -away_x.t())
    torch.testing.assert_close(found[..., 2:4], found[..., :2].abs())
    hidden, hides, larger = found[..., 4], found[..., 5], found[..., 6]
    torch.testing.assert_close(hidden[0], torch.tensor([1, 0, 0.25]))
    torch.testing.assert_close(hides, hidden.t())
    torch.testing.assert_close(larger[0].exp(), torch.tensor([1, 0.5, 0.5]))


def test_what_was_spoken_of() -> None:
    """The second word speaks of the first object, the third of the second, which is on its right."""
    boxes_BN4 = torch.tensor([[[0.0, 0, 40, 40], [60, 0, 100, 40]]])
    lies_BKJG = lies(places(boxes_BN4, torch.ones(1, 2), [(100, 100)]))
    logits_BTK = torch.full((1, 3, 2), -20.0)
    logits_BTK[0, 1, 0] = logits_BTK[0, 2, 1] = 20
    words = torch.ones(1, 3, dtype=torch.bool)
    close = {"atol": 1e-5, "rtol": 0}
    whole = spoken(logits_BTK, lies_BKJG, present(words, causal=False))
    torch.testing.assert_close(whole.said_BSK, torch.ones(1, 1, 2), **close)
    torch.testing.assert_close(whole.lies_BTG[0, :, 0], torch.tensor([0, 0.6, -0.6]) * LIES_SCALE, **close)
    so_far = spoken(logits_BTK, lies_BKJG, present(words, causal=True))
    torch.testing.assert_close(so_far.said_BSK, torch.tensor([[[0.0, 0], [1, 0], [1, 1]]]), **close)
    torch.testing.assert_close(so_far.lies_BTG[0, :, 0], torch.tensor([0, 0, -0.6]) * LIES_SCALE, **close)
    words[0, 1] = False
    without = spoken(logits_BTK, lies_BKJG, present(words, causal=False)).said_BSK
    torch.testing.assert_close(without, torch.tensor([[[0.0, 1]]]), **close)


def test_glip_nano_with_all_its_parts_is_as_small_as_it_is_to_be() -> None:
    """12 million parameters, 24 MB in float16 with what the file says of them."""
    count = sum(
        one.numel() for one in empty(changed(CONFIGS["glip-nano"], {"masks": {}, "understanding": {}})).parameters()
    )
    assert 11.3e6 < count < 12e6
    assert 2 * count + 60_000 < 24e6


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


def test_heads_of_objects_divide_the_width_too() -> None:
    """They are twice as many as the texts'."""
    with pytest.raises(ValueError, match=r"twice understanding\.heads must divide text\.width"):
        replace(TINY, understanding=UnderstandingConfig(heads=TINY.text.width))
