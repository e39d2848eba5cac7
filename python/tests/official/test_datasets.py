"""Annotations: what is wrong with them is told by its place, and how much there is of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glip_worker.engines.official.training.annotations import Needs, check, read_annotations
from glip_worker.engines.official.training.datasets import (
    all_categories,
    check_evaluation,
    check_few_shot,
    check_training,
    training_keys,
    write_few_shots,
)
from glip_worker.engines.official.training.few_shot import choose
from glip_worker.engines.official.training.refusals import Problems
from glip_worker.errors import GlipError
from glip_worker.protocol.messages import Dataset

POLYGON = [[1, 1, 20, 1, 20, 20]]


def coco(pictures: int = 3, categories: tuple[str, ...] = ("cat", "dog")) -> dict[str, Any]:
    """Each picture with a box of each category."""
    boxes = [(picture, category) for picture in range(1, pictures + 1) for category in range(1, len(categories) + 1)]
    return {
        "images": [{"id": i, "file_name": f"{i}.png", "width": 160, "height": 128} for i in range(1, pictures + 1)],
        "annotations": [
            {"id": i, "image_id": picture, "category_id": category, "bbox": [10, 20, 30, 40], "iscrowd": 0,
             "area": 1200, "segmentation": POLYGON}
            for i, (picture, category) in enumerate(boxes, 1)
        ],
        "categories": [{"id": i, "name": name} for i, name in enumerate(categories, 1)],
    }  # fmt: skip


def mdetr() -> dict[str, Any]:
    content = coco(categories=("object",))
    for image in content["images"]:
        image["caption"] = "a cat sits"
    for box in content["annotations"]:
        box["tokens_positive"] = [[2, 5]]
    return content


def put(folder: Path, content: Any, copies: int = 1, form: Any = "coco") -> Dataset:
    (folder / "images").mkdir(exist_ok=True, parents=True)
    if isinstance(content, dict):
        for image in content.get("images", []):
            (folder / "images" / f"{image['id']}.png").touch()
    file = folder / "ann.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return Dataset(format=form, annotations=str(file), images=str(folder / "images"), copies=copies)


def refused(run: Callable[[], Any]) -> tuple[list[tuple[str, str]], int]:
    with pytest.raises(GlipError) as caught:
        run()
    assert caught.value.code == "dataset_invalid", caught.value
    details = caught.value.details
    return [(one["where"], one["reason"]) for one in details["problems"]], details["count"]


def evaluation_problems(folder: Path, content: Any) -> list[tuple[str, str]]:
    return refused(lambda: check_evaluation("test", put(folder, content)))[0]


def test_good_data(tmp_path: Path) -> None:
    data = check_evaluation("test", put(tmp_path, coco()))
    assert (data.categories, data.pictures, data.usable, data.copies) == (("cat", "dog"), 3, 3, 1)
    assert check_training([put(tmp_path, coco())], masks=True)[0].registration() == {
        "img_dir": str(tmp_path / "images"),
        "ann_file": str(tmp_path / "ann.json"),
    }


@pytest.mark.parametrize(
    ("content", "where", "reason"),
    [
        ("not json", "file", "not JSON"),
        ("[]", "file", "not COCO's form: Expected object, got array"),
        ({"images": [], "annotations": []}, "file", "not COCO's form: Object missing required field categories"),
        (
            {"images": [3], "annotations": [], "categories": []},
            "images[0]",
            "not COCO's form: Expected object, got int",
        ),
    ],
)
def test_a_file_of_another_form(tmp_path: Path, content: Any, where: str, reason: str) -> None:
    file = tmp_path / "ann.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    data = Dataset(format="coco", annotations=str(file), images=str(tmp_path), copies=1)
    [(place, text)], count = refused(lambda: check_evaluation("test", data))
    assert (place, count) == (where, 1)
    assert text.startswith(reason)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    data = Dataset(format="coco", annotations=str(tmp_path / "no.json"), images=str(tmp_path), copies=1)
    assert refused(lambda: check_evaluation("test", data))[0] == [("file", "cannot be read: No such file or directory")]


def changed(place: str, value: Any) -> dict[str, Any]:
    """`coco()` with one value changed; REMOVED takes it away."""
    content = coco()
    kind, index, name = place.replace("[", ".").replace("]", "").split(".")
    row = content[kind][int(index)]
    if value is REMOVED:
        del row[name]
    else:
        row[name] = value
    return content


REMOVED = object()


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        ("images[1].id", 1, "1 is an earlier picture's"),
        ("images[1].id", "b", "expected an integer, got 'b'"),
        ("images[1].width", REMOVED, "expected pixels, got nothing"),
        ("images[1].height", 0, "expected pixels, got 0"),
        ("images[1].file_name", REMOVED, "expected a text, got nothing"),
        ("categories[0].id", 0, "expected an integer from 1, got 0: 0 is the background"),
        ("categories[1].id", 1, "1 is an earlier category's"),
        ("categories[1].name", "cat", "'cat' is an earlier category's"),
        ("categories[1].name", "(dog)", "expected words for the prompt, got '(dog)'"),
        ("categories[1].name", "__background__", "the background is left out of the prompt"),
        ("annotations[2].id", 1, "1 is an earlier annotation's"),
        ("annotations[2].id", REMOVED, "expected an integer, got nothing"),
        ("annotations[2].image_id", 99, "there is no picture 99"),
        ("annotations[2].image_id", [1], "there is no picture [1]"),
        ("annotations[2].category_id", 99, "there is no category 99"),
        ("annotations[2].iscrowd", REMOVED, "expected 0 or 1, got nothing"),
        ("annotations[2].area", REMOVED, "expected a number, got nothing"),
        ("annotations[2].bbox", [1, 2, 3], "expected [x, y, width, height], got [1, 2, 3]"),
        ("annotations[2].bbox", [1, 2, True, 4], "expected [x, y, width, height]"),
        ("annotations[2].bbox", [50, 50, -20, 10], "its size is negative"),
        ("annotations[2].bbox", [50, 50, 0, 10], "it has no size"),
        ("annotations[2].bbox", [160, 50, 5, 5], "it begins outside of the picture of 160 x 128"),
        ("annotations[2].bbox", [-2, 50, 5, 5], "it begins outside of the picture of 160 x 128"),
        ("annotations[3].segmentation", REMOVED, "missing, where the picture's first annotation has one"),
        ("annotations[3].segmentation", {"counts": "x", "size": [1, 1]}, "expected polygons"),
    ],
)
def test_one_thing_wrong(tmp_path: Path, place: str, value: Any, reason: str) -> None:
    found = evaluation_problems(tmp_path, changed(place, value))
    assert place in [where for where, _ in found]
    assert next(text for where, text in found if where == place).startswith(reason)


@pytest.mark.parametrize("box", [[-1, 50, 5, 5], [150, 120, 30.5, 9], [0, 0, 160, 128]])
def test_a_box_may_reach_over_the_edge(tmp_path: Path, box: list[float]) -> None:
    assert check_evaluation("test", put(tmp_path, changed("annotations[2].bbox", box))).usable == 3


def test_a_rare_box_without_size_is_what_the_official_code_drops(tmp_path: Path) -> None:
    content = coco(pictures=1000)
    content["annotations"][5]["bbox"] = [296.65, 388.33, 1.03, 0.0]
    assert check_evaluation("test", put(tmp_path, content)).usable == 1000
    content["annotations"][6]["bbox"] = content["annotations"][7]["bbox"] = [1, 1, 0, 0]
    assert len(evaluation_problems(tmp_path, content)) == 3


def test_masks_are_asked_for_only_where_they_are_read(tmp_path: Path) -> None:
    data = put(tmp_path, changed("annotations[3].segmentation", {"counts": "x", "size": [1, 1]}))
    assert check_training([data], masks=False)[0].usable == 3
    assert refused(lambda: check_training([data], masks=True))[1] == 1
    # A crowd's mask is never read.
    content = changed("annotations[3].segmentation", {"counts": "x", "size": [1, 1]})
    content["annotations"][3]["iscrowd"] = 1
    assert check_evaluation("test", put(tmp_path, content)).pictures == 3


def test_no_annotations_at_all(tmp_path: Path) -> None:
    content = {**coco(), "annotations": []}
    assert evaluation_problems(tmp_path, content) == [("annotations", "expected at least one")]


def test_missing_pictures_are_listed_and_counted(tmp_path: Path) -> None:
    data = put(tmp_path, coco(pictures=30))
    for number in range(1, 26):
        (tmp_path / "images" / f"{number}.png").unlink()
    found, count = refused(lambda: check_training([data], masks=False))
    assert (len(found), count) == (20, 25)
    assert found[19] == ("images[19].file_name", f"there is no {tmp_path / 'images' / '20.png'}")
    gone = Dataset(format="coco", annotations=data.annotations, images=str(tmp_path / "no"), copies=1)
    assert refused(lambda: check_training([gone], masks=False))[0] == [
        ("images[0].file_name", f"{tmp_path / 'no'}: No such file or directory")
    ]


def test_usable_pictures_are_those_with_a_box_of_more_than_a_pixel(tmp_path: Path) -> None:
    content = coco()
    content["annotations"] = [box for box in content["annotations"] if box["image_id"] != 2]
    for box in content["annotations"][:2]:
        box["bbox"] = [1, 1, 1, 9]
    data = check_evaluation("test", put(tmp_path, content))
    assert (data.pictures, data.usable) == (3, 1)


def test_captions(tmp_path: Path) -> None:
    [data] = check_training([put(tmp_path, mdetr(), form="mdetr")], masks=False)
    assert (data.name, data.categories) == ("flickr_1", ())
    assert data.registration() == {
        "img_folder": str(tmp_path / "images"),
        "ann_file": str(tmp_path / "ann.json"),
        "is_train": True,
    }


@pytest.mark.parametrize(
    ("kind", "index", "name", "value", "reason"),
    [
        ("images", 0, "caption", None, "expected a text, got nothing"),
        ("images", 0, "caption", " ", "expected a text, got ' '"),
        ("annotations", 1, "tokens_positive", None, "expected a list of [begin, end] in the caption, got nothing"),
        ("annotations", 1, "tokens_positive", [[2, 5, 6]], "expected a list of [begin, end]"),
        ("annotations", 1, "tokens_positive", [[2, 11]], "[2, 11] is no part of the caption of 10 characters"),
        ("annotations", 1, "tokens_positive", [[0, 1], [5, 5]], "[5, 5] is no part of the caption"),
        ("annotations", 1, "area", None, "expected a number, got nothing"),
    ],
)
def test_wrong_captions(tmp_path: Path, kind: str, index: int, name: str, value: Any, reason: str) -> None:
    content = mdetr()
    content[kind][index][name] = value
    data = put(tmp_path, content, form="mdetr")
    found = dict(refused(lambda: check_training([data], masks=False))[0])
    assert found[f"{kind}[{index}].{name}"].startswith(reason)


def test_registration_of_several_sets(tmp_path: Path) -> None:
    sets = [
        put(tmp_path / "a", coco(), copies=4),
        put(tmp_path / "b", mdetr(), copies=2, form="mdetr"),
        put(tmp_path / "c", coco(categories=("dog", "cow", "hen")), copies=6),
    ]
    data = check_training(sets, masks=False)
    validation = check_evaluation("val", put(tmp_path / "d", coco()))
    keys = training_keys(data, validation)
    assert keys["DATASETS.TRAIN"] == ["train_1", "train_1", "flickr_2", "train_3", "train_3", "train_3"]
    assert keys["DATASETS.GENERAL_COPY"] == 2, "names are repeated, since one number holds for all sets"
    assert keys["DATASETS.TEST"] == ["val"]
    assert sorted(keys["DATASETS.REGISTER"]) == ["flickr_2", "train_1", "train_3", "val"]
    assert keys["MODEL.ATSS.NUM_CLASSES"] == keys["MODEL.ROI_BOX_HEAD.NUM_CLASSES"] == 4
    assert all_categories([*data, validation]) == ["cat", "dog", "cow", "hen"]


def test_captions_alone_leave_the_number_of_classes(tmp_path: Path) -> None:
    keys = training_keys(check_training([put(tmp_path, mdetr(), form="mdetr")], masks=False), None)
    assert "MODEL.ATSS.NUM_CLASSES" not in keys
    assert keys["DATASETS.TEST"] == []


def one_category_each(pictures: int) -> dict[str, Any]:
    """Pictures of cats, then as many of dogs."""
    content = coco(pictures=pictures)
    content["annotations"] = [
        box for box in content["annotations"] if box["category_id"] == (1 if box["image_id"] * 2 <= pictures else 2)
    ]
    return content


def test_few_shots_by_seed(tmp_path: Path) -> None:
    data = put(tmp_path, one_category_each(20))

    def chosen(seed: int) -> list[int]:
        [few] = check_few_shot([data], False, shots=2, seed=seed, folder=tmp_path / "few")
        write_few_shots([few])
        assert few.annotations == tmp_path / "few" / f"train_1_shots_2_seed_{seed}.json"
        content = json.loads(few.annotations.read_text())
        assert {box["image_id"] for box in content["annotations"]} == {image["id"] for image in content["images"]}
        assert content["annotations"][0]["segmentation"] == POLYGON, "rows are kept as they are"
        assert len(content["categories"]) == 2
        return sorted(image["id"] for image in content["images"])

    assert chosen(0) == [1, 2, 11, 12], "seed 0 takes the first ones"
    assert chosen(3) == chosen(3)
    assert chosen(3) != chosen(30)
    cats, dogs = chosen(3)[:2], chosen(3)[2:]
    assert max(cats) <= 10 < min(dogs), "two of each"


@pytest.mark.official
def test_few_shots_are_those_of_the_official_code(checkout: Path, tmp_path: Path) -> None:
    import contextlib
    import importlib
    import io

    from glip_worker.engines.official.compat.checkout import use_checkout
    from glip_worker.engines.official.compat.installation import install, uninstall

    data = put(tmp_path, one_category_each(40))
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        patch.setattr("sys.dont_write_bytecode", True)
        patch.setattr("sys.path", [*importlib.sys.path])  # type: ignore[attr-defined]
        use_checkout(checkout)
        install(device="cpu")
        try:
            official = importlib.import_module("maskrcnn_benchmark.data.datasets.coco").COCODataset
            problems = Problems()
            file = read_annotations(Path(data.annotations), problems)
            assert file is not None
            usable = check(file, Path(data.images), Needs(), problems)
            for seed in (0, 3, 300):
                there = official(data.annotations, data.images, True, few_shot=3, shuffle_seed=seed)
                assert choose(file, usable, 3, seed) == there.ids
        finally:
            uninstall()


def test_a_large_file_is_checked_quickly(tmp_path: Path) -> None:
    """20,000 pictures and 160,000 boxes; COCO has five times that."""
    images = [{"id": i, "file_name": f"{i}.png", "width": 640, "height": 480} for i in range(20_000)]
    boxes = [
        {"id": i, "image_id": i % 20_000, "category_id": 1 + i % 80, "bbox": [1.5, 2.5, 30.0, 40.0], "iscrowd": 0,
         "area": 700.5, "segmentation": [[1.5, 2.5] * 20]}
        for i in range(160_000)
    ]  # fmt: skip
    content = {"images": images, "annotations": boxes, "categories": [{"id": i, "name": f"n{i}"} for i in range(1, 81)]}
    data = put(tmp_path, content)
    start = time.perf_counter()
    assert check_evaluation("test", data).usable == 20_000
    assert time.perf_counter() - start < 5
