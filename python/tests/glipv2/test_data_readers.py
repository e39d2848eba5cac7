"""Every format's reader on a miniature whose content is known, and the policy about what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from drawn_scenes import write_split
from miniatures import (
    SIZES,
    coco_content,
    draw,
    mdetr_content,
    odvg_lines,
    voc_object,
    voc_xml,
    write_coco,
    write_json,
    write_lines,
)

from glipv2.data.fingerprint import fingerprint
from glipv2.data.masks import bitmap
from glipv2.data.readers import How, Reading, read, read_all
from glipv2.data.records import Picture
from glipv2.data.scenes import read_split
from glipv2.data.sources import (
    Coco,
    Flickr30k,
    Lvis,
    Mdetr,
    Odinw,
    Odvg,
    Scenes,
    Source,
    Voc,
    Yolo,
    source_from_json,
    source_to_json,
)
from glipv2.errors import DataError

CAT, DOG = [2.0, 3.0, 11.0, 22.0], [20.0, 5.0, 34.5, 14.0]


def good(source: Source, how: How | None = None) -> Reading:
    reading = read(source, how)
    assert reading.problems.to_json() == []
    assert all(one.boxes_M4.dtype == np.float32 for one in reading.dataset.pictures)
    return reading


def said(picture: Picture) -> list[tuple[str, list[tuple[str, tuple[int, ...]]]]]:
    return [
        (one.text, [(one.text[phrase.start : phrase.end], phrase.objects) for phrase in one.phrases])
        for one in picture.sentences
    ]


def test_coco(tmp_path: Path) -> None:
    file = write_coco(tmp_path)
    reading = good(Coco(file, tmp_path / "images"), How(decode=True))
    data = reading.dataset
    assert (data.names, data.category_ids, data.annotations) == (("cat", "dog"), (3, 8), file)
    first, second = data.pictures
    assert (first.id, first.file, first.size) == (10, tmp_path / "images" / "a.png", (30, 40))
    assert first.boxes_M4.tolist() == [CAT, DOG]
    assert (first.categories_M, second.categories_M) == ((0, 1), (1,))
    assert second.boxes_M4.tolist() == [[0, 0, 19, 59]], "a crowd is no object"
    assert first.masks_M is None, "they were not asked for"
    assert (reading.boxes, reading.phrases, reading.files) == (3, 0, (file,))


def test_masks(tmp_path: Path) -> None:
    reading = good(Coco(write_coco(tmp_path), tmp_path / "images"), How(masks=True))
    first, second = reading.dataset.pictures
    assert first.masks_M is not None
    assert first.masks_M[1] is None
    assert first.masks_M[0] is not None
    pixels = bitmap(first.masks_M[0], first.size)
    assert (pixels.sum(), pixels[3:23, 2:12].all()) == (200, True)
    assert second.masks_M is not None
    assert second.masks_M[0] is not None
    assert bitmap(second.masks_M[0], second.size)[:, 10:].all()
    assert bitmap(second.masks_M[0], second.size).sum() == 600


def test_coco_without_sizes_has_those_of_the_files(tmp_path: Path) -> None:
    content = coco_content()
    for one in content["images"]:
        del one["width"], one["height"]
    reading = good(Coco(write_coco(tmp_path, content), tmp_path / "images"))
    assert [one.size for one in reading.dataset.pictures] == [(30, 40), (60, 20)]


@pytest.mark.parametrize("folder", ["train2017", ""])
def test_lvis(tmp_path: Path, folder: str) -> None:
    content = coco_content()
    content["categories"].append({"id": 9, "name": "bow_(weapon)", "frequency": "r"})
    for one in content["images"]:
        draw(tmp_path / "pictures" / folder, one["file_name"])
        one["coco_url"] = f"http://pictures.example/train2017/{one.pop('file_name')}"
        one["neg_category_ids"] = [9, 3]
        one["not_exhaustive_category_ids"] = []
    reading = good(Lvis(write_json(tmp_path / "lvis.json", content), tmp_path / "pictures"))
    first, second = reading.dataset.pictures
    assert first.file == tmp_path / "pictures" / folder / "a.png"
    assert reading.dataset.names == ("cat", "dog", "bow_(weapon)")
    assert (first.absent, second.absent) == ((2,), (0, 2)), "what was looked for and is not there"


def test_odinw(tmp_path: Path) -> None:
    for split in ("train", "valid"):
        for name in SIZES:
            draw(tmp_path / split, name)
        write_json(tmp_path / split / "annotations_without_background.json", coco_content())
    reading = good(Odinw(tmp_path, "valid"))
    assert reading.files == (tmp_path / "valid" / "annotations_without_background.json",)
    assert reading.dataset.pictures[0].file == tmp_path / "valid" / "a.png"
    raw = coco_content()
    raw["categories"].insert(0, {"id": 0, "name": "pets", "supercategory": "none"})
    write_json(tmp_path / "train" / "_annotations.coco.json", raw)
    (tmp_path / "train" / "annotations_without_background.json").unlink()
    reading = read(Odinw(tmp_path))
    assert reading.problems.counts == {"category_zero": 1}
    assert reading.dataset.names == ("cat", "dog")
    assert reading.boxes == 3


def test_mdetr(tmp_path: Path) -> None:
    for name in SIZES:
        draw(tmp_path, name)
    reading = good(Mdetr(write_json(tmp_path / "mdetr.json", mdetr_content()), tmp_path))
    first, second = reading.dataset.pictures
    assert reading.dataset.names == ()
    assert first.categories_M == ()
    assert first.boxes_M4.tolist() == [CAT, [20, 5, 34, 14]]
    assert said(first) == [("a cat and its dog", [("a cat", (0,)), ("its", (1,)), ("dog", (1,))])]
    assert said(second) == [("two animals", [("two animals", (0, 1))])]
    assert (reading.boxes, reading.phrases) == (4, 4)
    # Its files of Flickr30K have the sides as texts.
    content = mdetr_content()
    for row in content["images"]:
        row["height"], row["width"] = str(row["height"]), str(row["width"])
    assert good(Mdetr(write_json(tmp_path / "texts.json", content), tmp_path)).boxes == 4


def test_odvg_with_phrases_that_are_no_texts(tmp_path: Path) -> None:
    draw(tmp_path / "images", "a.png")
    region = {"phrase": [1], "bbox": [2, 3, 12, 23]}
    line = {"filename": "a.png", "height": 30, "width": 40, "grounding": {"caption": "a cat", "regions": [region]}}
    file = write_lines(tmp_path / "odvg.jsonl", [json.dumps(line)])
    told = list(read(Odvg(file, tmp_path / "images")).problems)
    assert "line 1: regions[0]" in told[0].where


@pytest.mark.parametrize("labels", [None, {"0": "dog", "1": "cat"}])
def test_odvg(tmp_path: Path, labels: dict[str, str] | None) -> None:
    for name in SIZES:
        draw(tmp_path / "images", name)
    file = write_lines(tmp_path / "odvg.jsonl", [*odvg_lines(), ""])
    map_file = None if labels is None else write_json(tmp_path / "labels.json", labels)
    reading = good(Odvg(file, tmp_path / "images", map_file))
    first, second = reading.dataset.pictures
    assert reading.dataset.names == (("cat", "dog") if labels is None else ("dog", "cat"))
    assert reading.dataset.category_ids == ((1, 2) if labels is None else (0, 1))
    assert first.boxes_M4.tolist() == [CAT, DOG]
    assert first.categories_M == ((0, 1) if labels is None else (1, 0))
    assert second.categories_M == ()
    assert second.boxes_M4.tolist() == [[0, 0, 19, 59], [1, 1, 4, 4], [6, 6, 8, 8]]
    assert said(second) == [("A dog, two cats", [("A dog", (0,)), ("two cats", (1, 2))])]


def flickr30k(folder: Path) -> Flickr30k:
    draw(folder / "images", "1000.jpg", (40, 30))
    draw(folder / "images", "2000.jpg", (40, 30))
    objects = [
        voc_object("12", (3, 4, 12, 23)),
        voc_object("12", (21, 6, 35, 15)),
        voc_object("13</name><name>14", (1, 1, 40, 30)),
        voc_object("15", None, "<scene>1</scene><nobndbox>1</nobndbox>"),
    ]
    sentences = [
        "[/EN#12/people Two men] in [/EN#15/scene a park] see [/EN#13/animals a big dog] [/EN#0/notvisual today] .",
        "[/EN#14/other The whole] .",
        "Nothing is said of anything .",
    ]
    for name in ("1000", "2000"):
        write_lines(folder / "Annotations" / f"{name}.xml", [voc_xml(f"{name}.jpg", "".join(objects), (40, 30))])
        write_lines(folder / "Sentences" / f"{name}.txt", sentences)
    return Flickr30k(folder / "images", folder)


def test_flickr30k(tmp_path: Path) -> None:
    source = flickr30k(tmp_path)
    reading = good(source)
    first, second = reading.dataset.pictures
    assert (first.id, first.size, second.id) == (1000, (30, 40), 2000)
    assert first.boxes_M4.tolist() == [CAT, [20, 5, 34, 14], [0, 0, 39, 29]]
    assert said(first) == [
        ("Two men in a park see a big dog today .", [("Two men", (0, 1)), ("a big dog", (2,))]),
        ("The whole .", [("The whole", (2,))]),
    ]
    write_lines(tmp_path / "train.txt", ["2000"])
    reading = good(Flickr30k(source.images, tmp_path, tmp_path / "train.txt"))
    assert [one.id for one in reading.dataset.pictures] == [2000]


def test_voc(tmp_path: Path) -> None:
    for name in SIZES:
        draw(tmp_path / "JPEGImages", name)
    head = "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></part>"
    cat = voc_object("cat", (3, 4, 12, 23), f"<difficult>0</difficult>{head}")
    hidden = voc_object("dog", (1, 1, 9, 9), "<difficult>1</difficult>")
    annotations = tmp_path / "Annotations"
    write_lines(annotations / "2007_01.xml", [voc_xml("a.png", cat + hidden)])
    write_lines(annotations / "2007_02.xml", [voc_xml("b.png", voc_object("zebra", (1, 1, 20, 60)))])
    reading = good(Voc(tmp_path / "JPEGImages", annotations))
    first, second = reading.dataset.pictures
    assert (reading.dataset.names, reading.dataset.category_ids) == (("cat", "dog", "zebra"), (1, 2, 3))
    assert (first.id, second.id) == (1, 2)
    assert first.boxes_M4.tolist() == [CAT]
    assert second.boxes_M4.tolist() == [[0, 0, 19, 59]]
    assert (first.categories_M, second.categories_M) == ((0,), (2,))
    assert reading.dataset.annotations is None
    split = write_lines(tmp_path / "ImageSets" / "Main" / "zebra_train.txt", ["2007_01 -1", "2007_02  1"])
    reading = good(Voc(tmp_path / "JPEGImages", annotations, split))
    assert [one.file.name for one in reading.dataset.pictures] == ["b.png"]
    assert reading.dataset.names == ("cat", "dog", "zebra"), "as in every split"


def yolo(folder: Path, names: str = "names:\n  0: cat\n  1: dog\n", path: str = "") -> Yolo:
    for name in SIZES:
        draw(folder / "images" / "train", name)
    write_lines(folder / "labels" / "train" / "a.txt", [f"0 {7 / 40} {13 / 30} {10 / 40} {20 / 30}", ""])
    (folder / "data.yaml").write_text(f"{path}train: images/train\nval: [images/train]\n{names}# by hand\n")
    return Yolo(folder / "data.yaml")


@pytest.mark.parametrize(
    "names", ["names:\n  0: cat\n  1: dog\n", "nc: 2\nnames: [cat, 'dog']\n", "names:\n- cat\n- dog\n"]
)
def test_yolo(tmp_path: Path, names: str) -> None:
    reading = good(yolo(tmp_path, names))
    first, second = reading.dataset.pictures
    assert (reading.dataset.names, reading.dataset.category_ids) == (("cat", "dog"), (1, 2))
    assert (first.size, second.size) == ((30, 40), (60, 20))
    np.testing.assert_allclose(first.boxes_M4, [CAT], atol=1e-4)
    assert len(second.boxes_M4) == 0, "a picture without a file of labels has nothing in it"
    assert reading.files == (tmp_path / "data.yaml", tmp_path / "labels" / "train" / "a.txt")


def test_yolo_with_polygons_in_a_list(tmp_path: Path) -> None:
    source = yolo(tmp_path, path=f"path: {tmp_path}\n")
    write_lines(tmp_path / "labels" / "train" / "a.txt", ["1 0.05 0.1 0.3 0.1 0.3 0.7667 0.05 0.7667"])
    write_lines(tmp_path / "train.txt", ["./images/train/a.png"])
    source.file.write_text(source.file.read_text().replace("train: images/train", "train: train.txt"))
    reading = good(source, How(masks=True))
    [picture] = reading.dataset.pictures
    np.testing.assert_allclose(picture.boxes_M4, [CAT], atol=0.01)
    assert picture.masks_M is not None
    assert picture.masks_M[0] is not None
    assert bitmap(picture.masks_M[0], picture.size).sum() == pytest.approx(200, abs=25)


def test_yolo_of_a_picture_that_was_held_upright(tmp_path: Path) -> None:
    import PIL.Image as pil

    source = yolo(tmp_path)
    exif = pil.Exif()
    exif[0x0112] = 6
    pil.new("RGB", (40, 30)).save(tmp_path / "images" / "train" / "a.png", exif=exif)
    picture = good(source).dataset.pictures[0]
    assert picture.size == (40, 30)
    assert picture.upright


def test_yolo_as_roboflow_exports_it(tmp_path: Path) -> None:
    """Its paths lead out of the folder that all of it lies in."""
    source = yolo(tmp_path)
    source.file.write_text(source.file.read_text().replace("train: images", "train: ../images"))
    assert len(good(source).dataset.pictures) == 2


def test_scenes(tmp_path: Path) -> None:
    folder = write_split(tmp_path / "train")
    reading = good(Scenes(folder))
    data = reading.dataset
    assert (data.names, data.category_ids) == (("red", "green", "blue"), (4, 5, 6))
    assert data.annotations == folder / "instances.json"
    first = data.pictures[0]
    assert first.categories_M == (0, 2)
    assert said(first) == [("a red and a blue", [("red", (0,)), ("blue", (1,))])]
    whole = read_split(folder)
    assert [said(one) for one in whole.pictures] == [said(one) for one in data.pictures]
    with pytest.raises(FileNotFoundError):
        read_split(tmp_path)
    (folder / "images" / "000002.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"000002\.png"):
        read_split(folder)
    (folder / "instances.json").write_text("<html>")
    with pytest.raises(ValueError, match=r"instances\.json: it is not JSON"):
        read_split(folder)


FORMATS = (
    *("coco", "lvis", "odvg", "mdetr", "flickr30k", "voc", "yolo", "odinw", "scenes"),
    *("coco-captions", "vqav2"),
)

SOURCES: dict[str, Callable[[Path], Source]] = {
    "coco": lambda folder: Coco(write_coco(folder), folder / "images", copies=2),
    "yolo": yolo,
    "flickr30k": flickr30k,
    "scenes": lambda folder: Scenes(write_split(folder / "scenes"), share=0.25),
}


@pytest.mark.parametrize("name", SOURCES)
def test_sources_as_json(tmp_path: Path, name: str) -> None:
    source = SOURCES[name](tmp_path)
    content = source_to_json(source)
    assert content["format"] == name
    assert source_from_json(content) == source
    assert source_from_json({key: value for key, value in content.items() if value is not None}) == source


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3, "source: expected a source of data, got 3"),
        ({}, f"source.format: expected one of {', '.join(FORMATS)}, got None"),
        ({"format": []}, "source.format: expected one of"),
        ({"format": "coco", "annotations": "a"}, "source.images: expected a value, got nothing"),
        ({"format": "coco", "annotations": 1, "images": "b"}, "source.annotations: expected a path, got 1"),
        ({"format": "scenes", "folder": "a", "images": "b"}, "source: unknown images"),
        ({"format": "scenes", "folder": "a", "copies": 0}, "copies: expected an integer from 1, got 0"),
        ({"format": "scenes", "folder": "a", "copies": True}, "source.copies: expected int, got True"),
        ({"format": "scenes", "folder": "a", "share": 0}, "share: expected a number > 0, got 0"),
        ({"format": "odinw", "folder": "a", "split": "val"}, "source.split: expected one of train, valid, test"),
    ],
)
def test_what_is_no_source(value: object, message: str) -> None:
    with pytest.raises(ValueError, match=f"^.*{message}".replace("[", r"\[")):
        source_from_json(value)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    content = coco_content()
    content["annotations"][0]["bbox"] = [1, 1, 0, 5]
    content["annotations"][2]["bbox"] = [500, 1, 5, 5]
    one = Coco(write_coco(tmp_path / "one", content), tmp_path / "one" / "images")
    other = flickr30k(tmp_path / "other")
    (other.images / "1000.jpg").unlink()
    with pytest.raises(DataError, match=r"the data has 3 problems: missing_picture \(1\), such as ") as raised:
        read_all([one, other], "fail")
    assert [(each["kind"], each["count"]) for each in raised.value.problems] == [
        ("missing_picture", 1),
        ("box_empty", 1),
        ("box_outside", 1),
    ]
    assert "annotations[2].bbox: edges [500, 1, 505, 6] in a picture of 20 x 60 pixels" in str(raised.value)
    assert '"drop"' in str(raised.value)
    readings = read_all([one, other], "drop")
    assert [reading.boxes for reading in readings] == [1, 3]
    assert [len(reading.dataset.pictures) for reading in readings] == [2, 1]
    assert readings[0].dataset.annotations is None, "the file has more than the data set"


def test_nothing_is_left(tmp_path: Path) -> None:
    file = write_coco(tmp_path)
    for name in SIZES:
        (tmp_path / "images" / name).unlink()
    with pytest.raises(DataError, match=r"no_pictures \(1\), .*Nothing of a source can be used") as raised:
        read_all([Coco(file, tmp_path / "images")], "drop")
    assert [one["kind"] for one in raised.value.problems] == ["no_pictures"]
    with pytest.raises(DataError, match=r"unreadable_annotations \(1\), such as .*absent\.json: it cannot be read"):
        read_all([Coco(tmp_path / "absent.json", tmp_path)], "drop")


def test_what_tells_data_apart(tmp_path: Path) -> None:
    def of(folder: Path) -> str:
        whole: str = fingerprint([read(Coco(folder / "instances.json", folder / "images"))])["sha256"]
        return whole

    write_coco(tmp_path / "one")
    write_coco(tmp_path / "same")
    changed = coco_content()
    changed["annotations"][0]["bbox"][0] = 1
    write_coco(tmp_path / "changed", changed)
    assert of(tmp_path / "one") == of(tmp_path / "same") != of(tmp_path / "changed")
    [source] = fingerprint([read(flickr30k(tmp_path / "flickr"))])["sources"]
    assert (source["pictures"], source["boxes"], source["phrases"], source["file_count"]) == (2, 6, 6, 4)
    assert len(source["files"]) == 3
    assert source["source"]["format"] == "flickr30k"
