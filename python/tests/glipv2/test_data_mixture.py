"""Data sets mixed: everything once an epoch, shares kept, and a step's pictures from the seed and the step alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from glipv2.data.mixture import Mixture, epoch_size, shares_of
from glipv2.data.records import Dataset, Picture
from glipv2.data.sources import Scenes
from glipv2.errors import InputError


def dataset(name: str, count: int) -> Dataset:
    nothing = np.zeros((0, 4), np.float32)
    return Dataset(
        (name,), (1,), tuple(Picture(number, Path(f"{name}-{number}"), (8, 8), nothing) for number in range(count))
    )


def drawn(mixture: Mixture, steps: range, size: int) -> list[str]:
    return [str(picture.file) for step in steps for _, picture in mixture.draw(step, size)]


@pytest.mark.parametrize("size", [1, 4, 7, 30])
def test_an_epoch_has_every_picture_once(size: int) -> None:
    files = drawn(Mixture([dataset("a", 12)], [1], seed=3), range(60), size)
    for first in range(0, len(files) - 11, 12):
        assert len(set(files[first : first + 12])) == 12
    assert files[:12] != files[12:24]


def test_a_pictures_data_set_comes_with_it() -> None:
    one, other = dataset("a", 3), dataset("b", 3)
    for data, picture in Mixture([one, other], [1, 1], 0).draw(0, 20):
        assert picture in data.pictures
        assert str(picture.file).startswith(data.names[0])


def test_a_step_follows_from_the_seed_alone() -> None:
    datasets = [dataset("a", 50), dataset("b", 20)]
    fresh = [drawn(Mixture(datasets, [2, 1], seed=5), range(step, step + 1), 16) for step in range(40)]
    one = Mixture(datasets, [2, 1], seed=5)
    assert [drawn(one, range(step, step + 1), 16) for step in reversed(range(40))][::-1] == fresh
    assert [drawn(Mixture(datasets, [2, 1], seed=6), range(step, step + 1), 16) for step in range(40)] != fresh
    # How many a step takes does not change what comes after what.
    assert drawn(one, range(20), 32) == [file for step in fresh for file in step]


def test_parts_of_a_batch_share_no_picture() -> None:
    mixture = Mixture([dataset("a", 64), dataset("b", 64)], [1, 1], 0)
    assert all(len(set(drawn(mixture, range(step, step + 1), 32))) == 32 for step in range(3))


@pytest.mark.parametrize("shares", [[0.7, 0.2, 0.1], [7, 2, 1], [0.37, 0.333, 0.297], [1.0, 1e-9, 1e-9]])
def test_shares(shares: list[float]) -> None:
    datasets = [dataset("a", 10), dataset("b", 100), dataset("c", 3)]
    counts = Counter(file[0] for file in drawn(Mixture(datasets, shares, 1), range(3000), 10))
    for name, share in zip("abc", shares, strict=True):
        assert counts[name] / 30000 == pytest.approx(share / sum(shares), abs=0.005)


def test_within_a_round_shares_are_exact() -> None:
    files = drawn(Mixture([dataset("a", 10), dataset("b", 10)], [3, 1], 1), range(10), 1000)
    for first in range(0, 10000, 1000):
        assert Counter(file[0] for file in files[first : first + 1000]) == {"a": 750, "b": 250}


def test_rounds_take_turns_in_another_order() -> None:
    files = drawn(Mixture([dataset("a", 10), dataset("b", 10)], [1, 1], 1), range(3), 1000)
    turns = ["".join(file[0] for file in files[first : first + 1000]) for first in range(0, 3000, 1000)]
    assert len(set(turns)) == 3


def test_in_proportion_to_pictures_and_copies() -> None:
    datasets = [dataset("a", 10), dataset("b", 30)]
    sources = [Scenes(Path("a"), copies=6), Scenes(Path("b"))]
    assert epoch_size(sources, datasets) == 90
    mixture = Mixture(datasets, shares_of(sources, datasets), 2)
    # After any whole number of rounds, each picture came as often as its source says; 1080 = 12 epochs.
    counts = Counter(drawn(mixture, range(1), 1080))
    assert {name: {counts[file] for file in counts if file[0] == name} for name in "ab"} == {"a": {72}, "b": {12}}


def test_shares_of_some_alone() -> None:
    datasets = [dataset("a", 1), dataset("b", 1)]
    assert shares_of([Scenes(Path("a"), share=0.5), Scenes(Path("b"), share=2.0)], datasets) == [0.5, 2.0]
    with pytest.raises(InputError, match=r"train\[1\]\.share: expected a share"):
        shares_of([Scenes(Path("a"), share=0.5), Scenes(Path("b"))], datasets, "train")


def test_nothing_to_draw() -> None:
    with pytest.raises(InputError, match="at least one data set"):
        Mixture([], [], 0)
    with pytest.raises(InputError, match=r"sources\[1\]: expected pictures"):
        Mixture([dataset("a", 1), dataset("b", 0)], [1, 1], 0)
