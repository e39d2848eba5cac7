"""A model that finds things learns to answer and to tell, and finds them as before."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from drawn_scenes import ANSWERS, COLOURS, write_split
from test_word_losses import config

from glipv2.checkpoints.load import load, save
from glipv2.config import GlipConfig
from glipv2.data.readers import How, read
from glipv2.data.records import Dataset
from glipv2.data.sources import Scenes
from glipv2.errors import InputError
from glipv2.evaluation.answers import Asker
from glipv2.head.understanding import UnderstandingConfig
from glipv2.model import GLIP
from glipv2.training import teach
from glipv2.training.teach import Lesson, with_head


@pytest.mark.timeout(300)
def test_it_answers_and_finds_as_before(tmp_path: Path) -> None:
    torch.manual_seed(0)
    plain = GLIP(plain_config()).eval()
    split = write_split(tmp_path / "train")
    dataset = read(Scenes(split), How(words=True)).dataset
    model = with_head(plain, dataset, UnderstandingConfig(least=0.0))
    assert model.config.understanding is not None
    assert model.config.understanding.answers == tuple(ANSWERS)
    assert model.config.understanding.names == tuple(COLOURS)
    before = right(model, dataset)
    file = tmp_path / "taught.safetensors"
    lesson = Lesson(steps=200, questions=16, captions=6, learning_rate=3e-3)
    teach.teach(model, dataset, lesson, file)
    assert right(model, dataset) > max(before, 0.6)
    for name, value in plain.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name


def test_what_was_learnt_is_kept_as_it_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill loses no more than the steps since; who was taught before goes on from there."""
    split = write_split(tmp_path / "train")
    dataset = read(Scenes(split), How(words=True)).dataset
    model, file = with_head(GLIP(plain_config()), dataset), tmp_path / "taught.safetensors"
    monkeypatch.setattr(teach, "SAVED", 2)
    written: list[Path] = []

    def saved(model: GLIP, place: Path, dtype: torch.dtype) -> None:
        written.append(place)
        save(model, place, dtype)
        raise KeyboardInterrupt

    monkeypatch.setattr(teach, "save", saved)
    with pytest.raises(KeyboardInterrupt):
        teach.teach(model, dataset, Lesson(steps=50, questions=4, captions=2), file)
    assert written == [file]
    again = with_head(load(file), dataset)
    assert torch.equal(again.understanding.answer.weight, load(file).understanding.answer.weight)  # type: ignore[union-attr]


def test_pictures_of_which_nothing_is_said(tmp_path: Path) -> None:
    dataset = read(Scenes(write_split(tmp_path / "train")), How()).dataset
    model = with_head(GLIP(plain_config()), dataset)
    with pytest.raises(InputError, match="pictures with questions and captions, got 0 and 0"):
        teach.teach(model, dataset, Lesson(steps=1), tmp_path / "taught.safetensors")


def plain_config() -> GlipConfig:
    return replace(config(dropped=False), understanding=None)


def right(model: GLIP, dataset: Dataset) -> float:
    asker = Asker(model)
    found = [one for picture in dataset.pictures for one in asker.right(picture, ANSWERS)]
    return sum(found) / len(found)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    weights, file = tmp_path / "plain.safetensors", tmp_path / "taught.safetensors"
    save(GLIP(plain_config()), weights, torch.float16)
    split = write_split(tmp_path / "train")
    steps = ["--steps", "2", "--questions", "4", "--captions", "2", "--pictures", "3"]
    monkeypatch.setattr("sys.argv", ["teach", str(weights), str(split), str(file), *steps])
    teach.main()
    taught = load(file)
    assert taught.understanding is not None
    for name, value in load(weights).state_dict().items():
        assert torch.equal(taught.state_dict()[name], value), name
