"""Batches of scenes: what is asked, where it is, and that a step is always the same, alone or in parts."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_scenes import COLOURS, SIDE, write_split

from glipv2.data.asking import Asking, Step
from glipv2.data.augment import Augmentation, Viewing
from glipv2.data.batches import Batch, ahead, collate, training_batch
from glipv2.data.mixture import Mixture
from glipv2.data.records import Dataset
from glipv2.data.samples import Sample, fetch, plan
from glipv2.data.scenes import read_split
from glipv2.text.wordpiece import WordPiece

TOKENIZER = WordPiece.default()
AS_IT_IS = Viewing((SIDE,), 256, 32, None)
MOVED = Viewing((SIDE,), 256, 32, Augmentation(jitter=0.1))
SENTENCES, FULL, SOME = Step(sentences=True, full=True), Step(False, True), Step(False, False)


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return read_split(write_split(tmp_path_factory.mktemp("scenes") / "train"))


@pytest.fixture(scope="module")
def mixture(split: Dataset) -> Mixture:
    return Mixture([split], [1.0], seed=1)


def sample(split: Dataset, picture: int, step: Step, augmentation: Augmentation | None, seed: int = 0) -> Sample:
    asking = Asking(names=2)
    rng = np.random.default_rng(seed)
    return fetch(plan(split, split.pictures[picture], step, asking, TOKENIZER, (SIDE, 256), augmentation, rng))


def spoken_of(sample: Sample) -> list[list[str]]:
    """The words of each box."""
    text = sample.plan.text
    words = [text.text[start:end] for start, end in text.spans_K]
    return [[words[place] for place in places] for places in sample.plan.phrases_M]


def colour_at(sample: Sample, row: int) -> str:
    """Which colour lies in the middle of a box."""
    x1, y1, x2, y2 = sample.plan.boxes_M4[row]
    middle = sample.pixels[int((y1 + y2) / 2), int((x1 + x2) / 2)].astype(int)
    return min(COLOURS, key=lambda name: int(np.abs(middle - COLOURS[name]).sum()))


@pytest.mark.parametrize("seed", range(20))
def test_boxes_and_words_stay_with_their_squares(split: Dataset, seed: int) -> None:
    for step in (FULL, SENTENCES):
        one = sample(split, seed % 6, step, Augmentation(jitter=0.2), seed)
        assert one.pixels.shape == (SIDE, SIDE, 3)
        for row, words in enumerate(spoken_of(one)):
            assert words == [colour_at(one, row)]
        assert (one.plan.boxes_M4 >= 0).all()
        assert (one.plan.boxes_M4 <= SIDE - 1).all()


def test_absent_categories_are_asked_for_too(split: Dataset) -> None:
    one = sample(split, 0, FULL, None)
    assert sorted(one.plan.text.text.split(". ")) == ["blue", "green", "red"]
    assert sorted(map(str, one.plan.text.names_K)) == ["blue", "green", "red"]
    assert sorted(spoken_of(one)) == [["blue"], ["red"]]


def test_a_category_that_is_not_asked_for_has_no_box(split: Dataset) -> None:
    texts = set()
    for seed in range(8):
        one = sample(split, 0, SOME, None, seed)
        asked = one.plan.text.text.split(". ")
        assert sorted(word for [word] in spoken_of(one)) == sorted(asked)
        texts.add(one.plan.text.text)
    assert texts == {"red", "blue", "red. blue", "blue. red"}, "its own categories come first"


def test_a_batch_of_sentences(split: Dataset) -> None:
    rng = np.random.default_rng(0)
    plans = [plan(split, one, SENTENCES, Asking(), TOKENIZER, (SIDE, 256), None, rng) for one in split.pictures[:2]]
    batch = collate(plans, (SIDE, SIDE + 32), 9, TOKENIZER.pad_id)
    assert batch.pictures_B3HW.shape == (2, 3, SIDE, SIDE + 32)
    assert batch.sizes == [(SIDE, SIDE)] * 2
    assert batch.pictures_B3HW[:, :, :, SIDE:].unique().tolist() == [104, 116, 124], "the mean colour"
    # [CLS] a red and a blue [SEP]; [CLS] a red and a green [SEP]
    assert batch.mask_BT.sum(dim=1).tolist() == [7, 7]
    assert batch.ids_BT.shape == (2, 9)
    assert [one.nonzero()[:, 1].tolist() for one in batch.targets.tokens_MT] == [[2, 5], [2, 5]]
    for asked in batch.asked:
        assert asked.names_K == (None, None)
        assert asked.tokens_KT.nonzero().tolist() == [[0, 2], [1, 5]]
        assert asked.phrases_M == ((0,), (1,))
    assert batch.masks_MHW is None


def test_what_is_asked_of_a_batch_of_categories(mixture: Mixture) -> None:
    batch = training_batch(mixture, 0, 4, 1, Asking(full=1.0), TOKENIZER, AS_IT_IS)
    for ids, mask, boxes, tokens, asked in zip(batch.ids_BT, batch.mask_BT, *batch.targets, batch.asked, strict=True):
        assert sorted(map(str, asked.names_K)) == ["blue", "green", "red"]
        words = [TOKENIZER.pieces[int(ids[row.nonzero().item()])] for row in asked.tokens_KT]
        assert words == list(asked.names_K)
        assert len(boxes) == len(asked.phrases_M) == 2
        for row, phrases in zip(tokens, asked.phrases_M, strict=True):
            assert torch.equal(row, asked.tokens_KT[list(phrases)].any(dim=0))
        assert mask.all()


def test_masks_lie_in_their_boxes(tmp_path: Path) -> None:
    from glipv2.data.records import Mask, Picture

    split = read_split(write_split(tmp_path / "train", 2))
    picture = split.pictures[0]
    polygons = [[x1, y1, x2 + 1, y1, x2 + 1, y2 + 1, x1, y2 + 1] for x1, y1, x2, y2 in picture.boxes_M4.tolist()]
    masks = (Mask(str([polygons[0]]).encode()), None)
    masked = Picture(1, picture.file, picture.size, picture.boxes_M4, picture.categories_M, masks)
    for seed in range(10):
        mixture = Mixture([Dataset(split.names, split.category_ids, (masked,))], [1], seed)
        viewing = Viewing((96, 192), 256, 32, Augmentation())
        batch = training_batch(mixture, 0, 1, seed, Asking(full=1.0), TOKENIZER, viewing, masks=True)
        assert batch.masks_MHW is not None
        [masks_MHW], [boxes_M4], [asked] = batch.masks_MHW, batch.targets.boxes_M4, batch.asked
        for mask_HW, box, [phrase] in zip(masks_MHW, boxes_M4, asked.phrases_M, strict=True):
            if asked.names_K[phrase] == split.names[picture.categories_M[1]]:
                assert not mask_HW.any(), "it has none"
                continue
            rows, columns = mask_HW.any(dim=1).nonzero(), mask_HW.any(dim=0).nonzero()
            edges = torch.stack([columns.min(), rows.min(), columns.max(), rows.max()])
            assert (edges - box).abs().max() < 2


def same(one: Batch, other: Batch) -> bool:
    return (
        torch.equal(one.pictures_B3HW, other.pictures_B3HW)
        and torch.equal(one.ids_BT, other.ids_BT)
        and all(map(torch.equal, one.targets.boxes_M4, other.targets.boxes_M4))
        and all(map(torch.equal, one.targets.tokens_MT, other.targets.tokens_MT))
    )


def test_a_step_is_always_the_same_and_no_other_is(mixture: Mixture) -> None:
    def made(step: int) -> Batch:
        return training_batch(mixture, step, 4, 1, Asking(), TOKENIZER, MOVED)

    assert all(same(made(step), made(step)) for step in range(4))
    assert not any(torch.equal(made(0).pictures_B3HW, made(step).pictures_B3HW) for step in range(1, 5))


def test_a_picture_is_seen_and_asked_otherwise_in_every_epoch(split: Dataset) -> None:
    alone = Mixture([Dataset(split.names, split.category_ids, split.pictures[:1])], [1], 0)
    batches = [training_batch(alone, step, 2, 0, Asking(full=1.0), TOKENIZER, MOVED) for step in range(6)]
    pictures = [one for batch in batches for one in batch.pictures_B3HW]
    assert len({one.numpy().tobytes() for one in pictures}) == 12
    assert len({one.numpy().tobytes() for batch in batches for one in batch.ids_BT}) > 3


def test_parts_of_a_batch_are_the_batch(mixture: Mixture) -> None:
    viewing = Viewing((64, 96, SIDE), 256, 32, Augmentation())
    for step in range(6):
        whole, *parts = (
            training_batch(mixture, step, 6, 1, Asking(), TOKENIZER, viewing, part)
            for part in (slice(None), slice(0, 2), slice(2, 4), slice(4, 6))
        )
        assert torch.equal(torch.cat([one.pictures_B3HW for one in parts]), whole.pictures_B3HW)
        assert torch.equal(torch.cat([one.ids_BT for one in parts]), whole.ids_BT)
        boxes = [box for one in parts for box in one.targets.boxes_M4]
        assert all(map(torch.equal, boxes, whole.targets.boxes_M4))
        assert [name for one in parts for asked in one.asked for name in asked.names_K] == [
            name for asked in whole.asked for name in asked.names_K
        ]


def test_sentences_and_categories_take_turns(mixture: Mixture) -> None:
    asking = Asking(sentences_every=3)
    for step in range(9):
        batch = training_batch(mixture, step, 4, 0, asking, TOKENIZER, AS_IT_IS)
        captions = {name is None for asked in batch.asked for name in asked.names_K}
        assert captions == {step % 3 == 2}
    never = [training_batch(mixture, step, 2, 0, Asking(sentences_every=0), TOKENIZER, AS_IT_IS) for step in range(6)]
    assert not any(None in asked.names_K for batch in never for asked in batch.asked)


def test_a_picture_of_another_size_than_its_annotations_say(split: Dataset) -> None:
    picture = split.pictures[0]
    wrong = Dataset(split.names, split.category_ids, (picture.__class__(1, picture.file, (50, 60), picture.boxes_M4),))
    with pytest.raises(ValueError, match=r"000001\.png: expected 60 x 50 pixels, .* got 128 x 128"):
        training_batch(Mixture([wrong], [1], 0), 0, 1, 0, Asking(), TOKENIZER, AS_IT_IS)


def test_batches_come_in_order_and_errors_arrive(mixture: Mixture) -> None:
    def make(step: int) -> Batch:
        return training_batch(mixture, step, 2, 0, Asking(), TOKENIZER, MOVED)

    for readers in (1, 3):
        made = list(ahead(make, range(3, 9), readers=readers))
        assert len(made) == 6
        assert all(same(one, make(step)) for one, step in zip(made, range(3, 9), strict=True))

    def broken(step: int) -> Batch:
        raise OSError(f"step {step}")

    with pytest.raises(OSError, match="step 0"):
        list(ahead(broken, range(2)))


def test_who_stops_early_leaves_no_thread(mixture: Mixture) -> None:
    made: list[int] = []

    def make(step: int) -> Batch:
        made.append(step)
        return training_batch(mixture, step, 1, 0, Asking(), TOKENIZER, AS_IT_IS)

    batches = ahead(make, range(1000), count=3)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    time.sleep(0.05)
    assert len(made) < 10
    assert not [one for one in threading.enumerate() if one.name.startswith("glip-reader")]
