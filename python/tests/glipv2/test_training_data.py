"""Scenes as training data: what is read, asked, moved, and put together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_scenes import COLOURS, SIDE, write_split

from glipv2.data.batches import ahead, collate, training_batch
from glipv2.data.records import Dataset
from glipv2.data.samples import Sample, category_sample, sentence_sample
from glipv2.data.scenes import read_split
from glipv2.text.wordpiece import WordPiece


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return read_split(write_split(tmp_path_factory.mktemp("scenes") / "train"))


def spoken_of(sample: Sample) -> list[list[str]]:
    words = [sample.text[start:end] for start, end in sample.spans_K]
    return [[words[place] for place in places] for places in sample.phrases_M]


def colour_at(sample: Sample, row: int) -> str:
    """Which colour lies in the middle of a box."""
    x1, y1, x2, y2 = sample.boxes_M4[row]
    middle = sample.pixels[int((y1 + y2) / 2), int((x1 + x2) / 2)].astype(int)
    return min(COLOURS, key=lambda name: int(np.abs(middle - COLOURS[name]).sum()))


def test_what_is_read(split: Dataset) -> None:
    assert split.names == ("red", "green", "blue")
    assert split.category_ids == (4, 5, 6)
    first = split.pictures[0]
    assert first.categories_M == (0, 2)
    assert first.sentences[0].text == "a red and a blue"
    assert [phrase.objects for phrase in first.sentences[0].phrases] == [(0,), (1,)]
    assert first.boxes_M4[0, 0] == 8
    sides = first.boxes_M4[:, 2:] - first.boxes_M4[:, :2] + 1
    assert ((sides >= 24) & (sides < 40)).all()


def test_no_scenes(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_split(tmp_path)
    (tmp_path / "instances.json").write_text("<html>")
    with pytest.raises(ValueError, match=r"instances\.json: expected a file of `glip scenes`"):
        read_split(tmp_path)


@pytest.mark.parametrize("seed", range(20))
def test_boxes_and_words_stay_with_their_squares(split: Dataset, seed: int) -> None:
    for sample in (
        category_sample(split.pictures[seed % 6], split.names, 3, np.random.default_rng(seed)),
        sentence_sample(split.pictures[seed % 6], np.random.default_rng(seed)),
    ):
        assert sample.pixels.shape == (SIDE, SIDE, 3)
        for row, words in enumerate(spoken_of(sample)):
            assert words == [colour_at(sample, row)]
        assert (sample.boxes_M4 >= 0).all()
        assert (sample.boxes_M4 <= SIDE - 1).all()


def test_absent_categories_are_asked_for_too(split: Dataset) -> None:
    sample = category_sample(split.pictures[0], split.names, 3, np.random.default_rng(0))
    assert sorted(sample.text.split(". ")) == ["blue", "green", "red"]
    assert ["green"] not in spoken_of(sample)


def test_a_category_that_is_not_asked_for_has_no_box(split: Dataset) -> None:
    sample = category_sample(split.pictures[0], split.names, 1, np.random.default_rng(0), augment=False)
    assert len(sample.boxes_M4) == 1
    assert sample.text in ("red", "blue")


def test_a_batch(split: Dataset) -> None:
    samples = [sentence_sample(picture, np.random.default_rng(0), augment=False) for picture in split.pictures[:2]]
    batch = collate(samples, WordPiece.default())
    assert batch.pictures_B3HW.shape == (2, 3, SIDE, SIDE)
    # [CLS] a red and a blue [SEP]; [CLS] a red and a green [SEP]
    assert batch.mask_BT.sum(dim=1).tolist() == [7, 7]
    assert [one.nonzero()[:, 1].tolist() for one in batch.targets.tokens_MT] == [[2, 5], [2, 5]]


def test_a_step_is_always_asked_the_same_and_every_picture_once_an_epoch(split: Dataset) -> None:
    tokenizer = WordPiece.default()
    one, other = (training_batch(split, 5, 4, 1, tokenizer) for _ in range(2))
    assert torch.equal(one.pictures_B3HW, other.pictures_B3HW)
    assert torch.equal(one.ids_BT, other.ids_BT)
    from glipv2.data.batches import _places

    places = [place for step in range(6) for place in _places(step * 4, 4, 6, 1)]
    assert [sorted(places[first : first + 6]) for first in range(0, 24, 6)] == [[0, 1, 2, 3, 4, 5]] * 4
    assert places[:6] != places[6:12] or places[6:12] != places[12:18]


def test_batches_come_in_order_and_errors_arrive(split: Dataset) -> None:
    tokenizer = WordPiece.default()
    made = [batch.ids_BT for batch in ahead(lambda step: training_batch(split, step, 2, 0, tokenizer), range(3, 9))]
    wanted = [training_batch(split, step, 2, 0, tokenizer).ids_BT for step in range(3, 9)]
    assert all(torch.equal(one, other) for one, other in zip(made, wanted, strict=True))

    def broken(step: int) -> None:
        raise OSError(f"step {step}")

    with pytest.raises(OSError, match="step 0"):
        list(ahead(broken, range(2)))  # type: ignore[arg-type]
