"""A few pictures of each category: the official choice, written down and taken again."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from miniatures import SIZES, coco_content, draw, mdetr_content, write_coco, write_json

from glipv2.data.few_shot import Subset, choose, chosen_ids, read_subset
from glipv2.data.readers import read
from glipv2.data.records import Dataset, Picture
from glipv2.data.sources import Coco, Mdetr, Odinw
from glipv2.errors import InputError


def dataset(count: int = 200, categories: int = 5) -> Dataset:
    """Every picture has one to three categories; category 4 is rare."""
    rng = np.random.default_rng(0)
    pictures = []
    for number in range(1, count + 1):
        rows = rng.integers(0, categories - (number % 20 != 0), rng.integers(1, 4)).tolist()
        boxes = np.tile(np.asarray([0, 0, 9, 9], np.float32), (len(rows), 1))
        pictures.append(Picture(number, Path(f"{number}.png"), (10, 10), boxes, tuple(rows)))
    names = tuple("abcde"[:categories])
    return Dataset(names, tuple(range(1, categories + 1)), tuple(pictures), Path("instances.json"))


@pytest.mark.parametrize("shots", [1, 3, 5, 10])
def test_each_category_has_its_shots(shots: int) -> None:
    data = dataset()
    chosen = set(chosen_ids(data, shots, 3))
    counts = Counter(category for one in data.pictures if one.id in chosen for category in set(one.categories_M))
    there = Counter(category for one in data.pictures for category in set(one.categories_M))
    assert all(counts[category] >= min(shots, there[category]) for category in range(5))
    assert len(chosen) <= 5 * shots
    assert len(chosen) == len(chosen_ids(data, shots, 3))


def test_the_seed_decides() -> None:
    data = dataset()
    choices = [chosen_ids(data, 3, seed) for seed in (3, 30, 300)]
    assert choices == [chosen_ids(data, 3, seed) for seed in (3, 30, 300)]
    assert len(set(choices)) == 3
    assert list(chosen_ids(data, 3, 0)) == sorted(chosen_ids(data, 3, 0))


def test_it_is_the_choice_of_the_official_engine(tmp_path: Path) -> None:
    """The same pictures, so that figures of both can be compared."""
    from glip_worker.engines.official.training.annotations import read_annotations
    from glip_worker.engines.official.training.few_shot import choose as official
    from glip_worker.engines.official.training.refusals import Problems

    data = dataset(60)
    content = {
        "images": [{"id": one.id, "file_name": one.file.name, "width": 10, "height": 10} for one in data.pictures],
        "annotations": [
            {"id": 10 * one.id + row, "image_id": one.id, "category_id": category + 1, "bbox": [0, 0, 9, 9]}
            for one in data.pictures
            for row, category in enumerate(one.categories_M)
        ],
        "categories": [{"id": place, "name": name} for place, name in enumerate(data.names, 1)],
    }
    file = read_annotations(write_json(tmp_path / "instances.json", content), Problems())
    assert file is not None
    for shots, seed in ((1, 3), (3, 30), (5, 300), (2, 0)):
        assert list(chosen_ids(data, shots, seed)) == official(file, [one.id for one in data.pictures], shots, seed)


def test_pictures_without_a_box_are_not_chosen() -> None:
    nothing = Picture(1, Path("a"), (9, 9), np.zeros((0, 4), np.float32))
    point = Picture(2, Path("b"), (9, 9), np.asarray([[3, 3, 3, 3]], np.float32), (0,))
    box = Picture(3, Path("c"), (9, 9), np.asarray([[3, 3, 5, 5]], np.float32), (0,))
    assert chosen_ids(Dataset(("a",), (1,), (nothing, point, box)), 3, 0) == (3,)


def test_a_choice_is_written_and_read(tmp_path: Path) -> None:
    reading = read(Coco(write_coco(tmp_path), tmp_path / "images"))
    subset = choose([reading, reading], 1, 3)
    assert [set(ids) for ids in subset.pictures] == [{10}, {10}] or [set(ids) for ids in subset.pictures] == [
        {10, 20},
        {10, 20},
    ]
    subset.write(tmp_path / "subset.json")
    assert json.loads((tmp_path / "subset.json").read_text())["seed"] == 3
    assert read_subset(tmp_path / "subset.json") == subset
    [first, _] = subset.of([reading.dataset, reading.dataset])
    assert tuple(one.id for one in first.pictures) == subset.pictures[0]
    assert first.annotations is None
    assert first.names == reading.dataset.names


def test_a_choice_of_other_data(tmp_path: Path) -> None:
    data = dataset(5)
    with pytest.raises(InputError, match=r"sources\[0\]: expected the pictures of the subset, got none of the id 99"):
        Subset(1, 3, ((99,),)).of([data])
    with pytest.raises(InputError, match="expected the 1 of the subset, got 2"):
        Subset(1, 3, ((1,),)).of([data, data])
    (tmp_path / "subset.json").write_text('{"shots": 1}')
    with pytest.raises(ValueError, match=r"subset\.json"):
        read_subset(tmp_path / "subset.json")


def test_captions_have_no_shots(tmp_path: Path) -> None:
    for name in SIZES:
        draw(tmp_path, name)
    reading = read(Mdetr(write_json(tmp_path / "mdetr.json", mdetr_content()), tmp_path))
    with pytest.raises(InputError, match=r"sources\[0\]: expected categories"):
        choose([reading], 1, 3)


def test_odinw_has_its_own(tmp_path: Path) -> None:
    for name in SIZES:
        draw(tmp_path / "train", name)
    content = coco_content()
    write_json(tmp_path / "train" / "annotations_without_background.json", content)
    prepared = {**content, "images": [{**content["images"][1], "id": 77}]}
    write_json(tmp_path / "train" / "fewshot_train_shot1_seed3.json", prepared)
    reading = read(Odinw(tmp_path))
    assert choose([reading], 1, 3).pictures == ((20,),), "by its name: ids are the subset's own"
    assert choose([reading], 1, 30).pictures == (chosen_ids(reading.dataset, 1, 30),)
    prepared["images"][0]["file_name"] = "other.png"
    write_json(tmp_path / "train" / "fewshot_train_shot1_seed3.json", prepared)
    assert choose([reading], 1, 3).pictures == (chosen_ids(reading.dataset, 1, 3),)
