"""Everything that can be wrong with a source: told with its place, and it alone left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import PIL.Image as pil
import pytest
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

from glipv2.data.problems import EXAMPLES, FATAL, KINDS, Problems, merged
from glipv2.data.readers import How, Reading, read
from glipv2.data.sources import Coco, Flickr30k, Lvis, Mdetr, Odinw, Odvg, Scenes, Source, Voc, Yolo

Content = dict[str, Any]


def told(reading: Reading) -> list[tuple[str, str, str]]:
    """Of each kind the first: kind, where (without the folder), reason."""
    return [
        (one["kind"], one["examples"][0]["where"].rpartition("/")[2], one["examples"][0]["reason"])
        for one in reading.problems.to_json()
    ]


def changed(path: list[Any], value: Any) -> Callable[[Content], None]:
    def change(content: Any) -> None:
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return change


def doubled(rows: str, place: int, **more: Any) -> Callable[[Content], None]:
    return lambda content: content[rows].append({**content[rows][place], **more})


# What is changed, the problem, where it is, and how many pictures and boxes are left of 2 and 3.
COCO: list[tuple[Callable[[Content], None], str, str, str, int, int]] = [
    (changed(["annotations", 0, "bbox"], [1, 2, 3]), "invalid_box", "annotations[0].bbox", "four numbers", 2, 2),
    (changed(["annotations", 0, "bbox"], None), "invalid_box", "annotations[0].bbox", "got nothing", 2, 2),
    (changed(["annotations", 0, "bbox"], [1, 2, "3", 4]), "invalid_box", "annotations[0].bbox", "four numbers", 2, 2),
    (changed(["annotations", 0, "bbox"], [1, 2, True, 4]), "invalid_box", "annotations[0].bbox", "four numbers", 2, 2),
    (changed(["annotations", 1, "bbox"], [5, 5, 0, 9]), "box_empty", "annotations[1].bbox", "0 pixels wide", 2, 2),
    (changed(["annotations", 1, "bbox"], [5, 5, 9, -2]), "box_empty", "annotations[1].bbox", "and -2 high", 2, 2),
    (changed(["annotations", 1, "bbox"], [40, 5, 9, 9]), "box_outside", "annotations[1].bbox", "of 40 x 30", 2, 2),
    (changed(["annotations", 1, "bbox"], [1, -9, 9, 9]), "box_outside", "annotations[1].bbox", "edges [1, -9", 2, 2),
    (changed(["annotations", 1, "bbox"], [30, 5, 99, 9]), "box_cut", "annotations[1].bbox", "129", 2, 3),
    (changed(["annotations", 1, "category_id"], 5), "unknown_category", "annotations[1].category_id", "5", 2, 2),
    (changed(["annotations", 1, "category_id"], "8"), "unknown_category", "annotations[1].category_id", "'8'", 2, 2),
    (changed(["annotations", 1, "image_id"], 99), "unknown_picture", "annotations[1].image_id", "picture 99", 2, 2),
    (changed(["annotations", 1, "id"], 1), "duplicate_box", "annotations[1].id", "1 is an earlier", 2, 2),
    (doubled("images", 0), "duplicate_picture", "images[2].id", "10 is the id of images[0] too", 2, 3),
    (changed(["images", 1, "id"], "20"), "invalid_picture", "images[1].id", "expected an integer, got '20'", 1, 2),
    (changed(["images", 1, "file_name"], ""), "invalid_picture", "images[1].file_name", "expected a path", 1, 2),
    (changed(["images", 1, "width"], 0), "invalid_picture", "images[1]", "got 0 x 60", 1, 2),
    (changed(["images", 1, "height"], None), "invalid_picture", "images[1]", "got 20 x nothing", 1, 2),
    (changed(["images", 1, "file_name"], "c.png"), "missing_picture", "images[1]", "c.png", 1, 2),
    (changed(["categories", 0, "name"], " "), "invalid_category", "categories[0].name", "expected words", 2, 2),
    (changed(["categories", 0, "id"], "3"), "invalid_category", "categories[0].id", "expected an integer", 2, 2),
    (changed(["categories", 0, "name"], "dog"), "duplicate_category", "categories[1].name", "'dog' is", 2, 1),
    (doubled("categories", 0, name="cow"), "duplicate_category", "categories[2].id", "3 is an earlier", 2, 3),
    (changed(["categories", 0, "id"], 0), "category_zero", "categories[0].id", "background", 2, 2),
    (changed(["annotations", 0, "category_id"], 0), "unknown_category", "annotations[0].category_id", "0", 2, 2),
    (changed(["annotations", 0, "segmentation"], [[1, 2, 3, 4]]), "invalid_mask", "annotations[0].bbox", "three", 2, 3),
    (changed(["annotations", 0, "segmentation"], [["a"]]), "invalid_mask", "annotations[0].bbox", "polygons", 2, 3),
    (changed(["annotations", 0, "segmentation"], 7), "invalid_mask", "annotations[0].bbox", "neither", 2, 3),
    (changed(["annotations", 2, "segmentation", "counts"], [5]), "invalid_mask", "annotations[2].bbox", "run", 2, 3),
    (changed(["annotations", 2, "segmentation", "size"], [9, 9]), "invalid_mask", "annotations[2].bbox", "9]", 2, 3),
]


@pytest.mark.parametrize(("change", "kind", "where", "reason", "pictures", "boxes"), COCO)
def test_coco(
    tmp_path: Path, change: Callable[[Content], None], kind: str, where: str, reason: str, pictures: int, boxes: int
) -> None:
    content = coco_content()
    change(content)
    reading = read(Coco(write_coco(tmp_path, content), tmp_path / "images"), How(masks=True))
    [(place, why)] = [one[1:] for one in told(reading) if one[0] == kind]
    assert place == f"instances.json: {where}"
    assert reason in why
    assert (len(reading.dataset.pictures), reading.boxes) == (pictures, boxes)
    assert reading.dataset.annotations is None


def test_boxes_of_a_category_that_is_left_out_are_counted_with_it(tmp_path: Path) -> None:
    content = coco_content()
    content["categories"][1]["id"] = 0
    for one in content["annotations"][1:]:
        one["category_id"] = 0
    reading = read(Coco(write_coco(tmp_path, content), tmp_path / "images"))
    # The category, and its two boxes; a crowd is none.
    assert reading.problems.counts == {"category_zero": 3}
    assert (reading.dataset.names, reading.boxes) == (("cat",), 1)


def test_boxes_are_cut_at_the_edges(tmp_path: Path) -> None:
    content = coco_content()
    content["annotations"][0]["bbox"] = [-0.5, -0.9, 41, 31]
    content["annotations"][1]["bbox"] = [-30, 10, 60, 60]
    reading = read(Coco(write_coco(tmp_path, content), tmp_path / "images"))
    assert reading.problems.counts == {"box_cut": 1}, "tools round: what is out by a pixel is cut without a word"
    assert reading.dataset.pictures[0].boxes_M4.tolist() == [[0, 0, 39, 29], [0, 10, 29, 29]]


def test_a_box_of_less_than_a_pixel_has_one(tmp_path: Path) -> None:
    content = coco_content()
    content["annotations"][0]["bbox"] = [5.5, 6.5, 0.25, 0.5]
    reading = read(Coco(write_coco(tmp_path, content), tmp_path / "images"))
    assert not reading.problems
    assert reading.dataset.pictures[0].boxes_M4[0].tolist() == [5.5, 6.5, 5.5, 6.5]


def test_pictures_are_opened_when_it_is_asked_for(tmp_path: Path) -> None:
    source = Coco(write_coco(tmp_path), tmp_path / "images")
    (tmp_path / "images" / "a.png").write_bytes(b"no picture")
    pil.new("RGB", (60, 20)).save(tmp_path / "images" / "b.png")
    assert not read(source).problems
    reading = read(source, How(decode=True))
    assert [one[:2] for one in told(reading)] == [
        ("unreadable_picture", "instances.json: images[0]"),
        ("wrong_size", "instances.json: images[1]"),
        ("no_pictures", "instances.json"),
    ]
    assert "has 60 x 20 pixels, not 20 x 60" in told(reading)[1][2]


def test_a_picture_that_is_cut_off(tmp_path: Path) -> None:
    source = Coco(write_coco(tmp_path), tmp_path / "images")
    noise = pil.effect_noise((40, 30), 90).convert("RGB")
    noise.save(tmp_path / "images" / "a.png")
    content = (tmp_path / "images" / "a.png").read_bytes()
    (tmp_path / "images" / "a.png").write_bytes(content[: len(content) // 2])
    assert read(source, How(decode=True)).problems.counts == {"unreadable_picture": 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "not JSON"), ("[]", "another form"), ('{"images": []}', "annotations"), ("\xff", "not JSON")],
)
def test_files_of_another_form(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "file.json"
    file.write_bytes(text.encode("latin-1"))
    sources: list[Source] = [Coco(file, tmp_path), Lvis(file, tmp_path), Mdetr(file, tmp_path)]
    for source in sources:
        reading = read(source)
        assert reading.problems.counts == {"unreadable_annotations": 1}
        assert reading.problems.fatal
        assert reason in told(reading)[0][2]


def test_files_that_are_not_there(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    sources: list[tuple[Source, int]] = [
        (Coco(absent, absent), 1),
        (Lvis(absent, absent), 1),
        (Odvg(absent, absent, absent), 2),
        (Mdetr(absent, absent), 1),
        (Flickr30k(absent, absent), 1),
        (Flickr30k(absent, absent, absent), 1),
        (Voc(absent, absent), 1),
        (Voc(absent, absent, absent), 1),
        (Yolo(absent), 1),
        (Odinw(absent), 1),
        (Scenes(absent), 2),
    ]
    for source, count in sources:
        assert read(source).problems.counts == {"unreadable_annotations": count}, source
        assert "absent" in next(iter(read(source).problems)).where


def test_pictures_without_a_box(tmp_path: Path) -> None:
    content = {**coco_content(), "annotations": []}
    reading = read(Coco(write_coco(tmp_path, content), tmp_path / "images"))
    assert reading.problems.counts == {"no_boxes": 1}
    assert reading.problems.fatal


MDETR: list[tuple[Callable[[Content], None], str, str, str]] = [
    (changed(["annotations", 0, "tokens_positive"], [[0, 99]]), "span_mismatch", "annotations[0]", "17 characters"),
    (changed(["annotations", 0, "tokens_positive"], [[5, 5]]), "span_mismatch", "annotations[0]", "[5, 5] is no part"),
    (changed(["annotations", 0, "tokens_positive"], [[1, 2]]), "span_mismatch", "annotations[0]", "has no word"),
    (changed(["annotations", 0, "tokens_positive"], [0, 5]), "span_mismatch", "annotations[0]", "got 0"),
    (changed(["annotations", 0, "tokens_positive"], []), "span_mismatch", "annotations[0]", "got []"),
    (changed(["annotations", 0, "tokens_positive"], None), "span_mismatch", "annotations[0]", "got nothing"),
    (changed(["images", 0, "caption"], " "), "invalid_sentence", "images[0]", "expected a text"),
    (changed(["images", 0, "caption"], None), "invalid_sentence", "images[0]", "got nothing"),
    (changed(["annotations", 0, "bbox"], [99, 99, 9, 9]), "box_outside", "annotations[0].bbox", "edges"),
]


@pytest.mark.parametrize(("change", "kind", "where", "reason"), MDETR)
def test_mdetr(tmp_path: Path, change: Callable[[Content], None], kind: str, where: str, reason: str) -> None:
    for name in SIZES:
        draw(tmp_path, name)
    content = mdetr_content()
    change(content)
    reading = read(Mdetr(write_json(tmp_path / "mdetr.json", content), tmp_path))
    [one] = told(reading)
    assert one[0] == kind
    assert one[1].startswith(f"mdetr.json: {where}")
    assert reason in one[2]
    # The phrase of the first box is gone, or the first caption; what else there is stays.
    left = [phrase.objects for one in reading.dataset.pictures for each in one.sentences for phrase in each.phrases]
    if kind == "invalid_sentence":
        assert left == [(0, 1)]
    else:
        row = 0 if kind == "box_outside" else 1
        assert left == [(row,), (row,), (0, 1)]


def test_odvg(tmp_path: Path) -> None:
    for name in SIZES:
        draw(tmp_path, name)
    lines = odvg_lines()
    lines[0]["detection"]["instances"] += [
        {"bbox": [1, 1, 5, 5], "label": 7, "category": ""},
        {"bbox": [5, 5, 1, 1], "label": 1, "category": "cat"},
    ]
    lines[1]["grounding"]["regions"] += [
        {"bbox": [1, 1, 5, 5], "phrase": "dog", "tokens_positive": [[3, 5]]},
        {"bbox": [1, 1, 5, 5], "phrase": "zebra"},
    ]
    file = write_lines(tmp_path / "odvg.jsonl", ["{", "[]", *lines])
    labels = write_json(tmp_path / "labels.json", {"0": "dog", "1": "cat", "x": "cow", "2": "cat"})
    for source in (Odvg(file, tmp_path, labels), Odvg(file, tmp_path)):
        reading = read(source)
        found = {one[0]: one[1:] for one in told(reading)}
        if source.labels is not None:
            assert found.pop("invalid_category")[0] == "labels.json: x"
            assert found.pop("duplicate_category")[0] == "labels.json: 2"
        assert found.pop("invalid_line")[0] == "odvg.jsonl: line 1"
        assert found.pop("unknown_category")[0] == "odvg.jsonl: line 3: instances[2]"
        assert found.pop("box_empty")[0] == "odvg.jsonl: line 3: instances[3]"
        where, reason = found.pop("span_mismatch")
        assert (where, reason) == ("odvg.jsonl: line 4: regions[2]", "'dog' is said to be at 'og'")
        assert not found
        assert reading.problems.counts["span_mismatch"] == reading.problems.counts["invalid_line"] == 2
        assert reading.phrases == 2


def test_flickr30k(tmp_path: Path) -> None:
    draw(tmp_path, "1.jpg", (40, 30))
    draw(tmp_path, "2.jpg", (40, 30))
    cat = voc_object("12", (3, 4, 12, 23))
    sentences = ["[/EN#12/animals A cat] and [/EN#99/animals a dog] .", "[/EN#12/animals a cat", "[/EN#12/a the cat]"]
    write_lines(tmp_path / "Annotations" / "1.xml", [voc_xml("1.jpg", cat, (40, 30))])
    write_lines(tmp_path / "Sentences" / "1.txt", sentences)
    write_lines(tmp_path / "Annotations" / "2.xml", ["<annotation>"])
    write_lines(tmp_path / "split.txt", ["1", "2", "3"])
    reading = read(Flickr30k(tmp_path, tmp_path, tmp_path / "split.txt"))
    assert [one[:2] for one in told(reading)] == [
        ("unknown_object", "1.txt: line 1"),
        ("invalid_sentence", "1.txt: line 2"),
        ("invalid_picture", "2.xml"),
    ]
    # Of 2, both files; of 3, too.
    assert reading.problems.counts["invalid_picture"] == 4
    assert [one.text for one in reading.dataset.pictures[0].sentences] == ["A cat and a dog .", "the cat"]


def test_voc(tmp_path: Path) -> None:
    draw(tmp_path, "a.png")
    objects = [
        voc_object("cat", (3, 4, 12, 23)),
        voc_object("cat", None),
        voc_object("", (1, 1, 9, 9)),
        voc_object("cat", (99, 99, 120, 120)),
    ]
    write_lines(tmp_path / "xml" / "a.xml", [voc_xml("a.png", "".join(objects))])
    write_lines(tmp_path / "xml" / "b.xml", [voc_xml("b.png", objects[0])])
    write_lines(tmp_path / "xml" / "c.xml", ["{}"])
    reading = read(Voc(tmp_path, tmp_path / "xml"))
    assert [one[:2] for one in told(reading)] == [
        ("invalid_picture", "c.xml"),
        ("unknown_category", "a.xml: object[2]"),
        ("invalid_box", "a.xml: object[1]"),
        ("box_outside", "a.xml: object[3]"),
        ("missing_picture", "b.xml"),
    ]
    assert (len(reading.dataset.pictures), reading.boxes) == (1, 1)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("0 0.5 0.5 0.2", "invalid_line"),
        ("0 0.5 0.5 0.2 x", "invalid_line"),
        ("0 0.5 0.5 0.2 nan", "invalid_line"),
        ("0.5 0.5 0.5 0.2 0.2", "invalid_line"),
        ("0 0.1 0.1 0.2 0.2 0.3", "invalid_line"),
        ("2 0.5 0.5 0.2 0.2", "unknown_category"),
        ("-1 0.5 0.5 0.2 0.2", "unknown_category"),
        ("0 0.5 0.5 0 0.2", "box_empty"),
        ("0 1.5 0.5 0.2 0.2", "box_outside"),
        ("0 20 15 10 10", "box_outside"),
        ("0 1.0 0.5 0.5 0.2", "box_cut"),
    ],
)
def test_yolo_lines(tmp_path: Path, line: str, kind: str) -> None:
    draw(tmp_path / "images", "a.png")
    (tmp_path / "data.yaml").write_text("train: images\nnames: [cat, dog]\n")
    write_lines(tmp_path / "labels" / "a.txt", ["1 0.5 0.5 0.5 0.5", line])
    reading = read(Yolo(tmp_path / "data.yaml"))
    assert [one[:2] for one in told(reading)] == [(kind, "a.txt: line 2")]
    assert reading.boxes == (2 if kind == "box_cut" else 1)


@pytest.mark.parametrize(
    ("text", "where", "reason"),
    [
        ("a: [", "data.yaml", "not YAML"),
        ("- 1", "data.yaml", "expected path, train, val and names"),
        ("train: images\n", "data.yaml: names", "expected the categories' names"),
        ("val: images\nnames: [cat]\n", "data.yaml: train", "no such split"),
        ("train: absent\nnames: [cat]\n", "data.yaml: train", "absent cannot be read"),
    ],
)
def test_yolo_files(tmp_path: Path, text: str, where: str, reason: str) -> None:
    (tmp_path / "data.yaml").write_text(text)
    reading = read(Yolo(tmp_path / "data.yaml"))
    kind, place, why = told(reading)[0]
    assert (kind, place) == ("unreadable_annotations", where)
    assert reason in why


def test_yolo_names_and_pictures(tmp_path: Path) -> None:
    draw(tmp_path / "images", "a.png")
    write_lines(tmp_path / "labels" / "a.txt", ["0 0.5 0.5 0.5 0.5"])
    write_lines(tmp_path / "labels" / "b.txt", ["0 0.5 0.5 0.5 0.5"])
    write_lines(tmp_path / "train.txt", ["images/a.png", "images/b.png"])
    (tmp_path / "data.yaml").write_text("train: train.txt\nnames: {0: cat, 1: cat, 2: '', x: cow}\n")
    reading = read(Yolo(tmp_path / "data.yaml"))
    assert [one[:2] for one in told(reading)] == [
        ("duplicate_category", "data.yaml: names[1]"),
        ("invalid_category", "data.yaml: names[2]"),
        ("missing_picture", "b.txt"),
    ]
    assert reading.problems.counts["invalid_category"] == 2


def test_scenes(tmp_path: Path) -> None:
    draw(tmp_path / "images", "a.png")
    draw(tmp_path / "images", "b.png")
    write_json(tmp_path / "instances.json", coco_content())

    def sentence(picture: int, *phrases: tuple[int, int, str, list[int]]) -> Content:
        keys = ("start", "end", "text", "annotations")
        said = [dict(zip(keys, one, strict=True)) for one in phrases]
        return {"caption": "a cat and a dog", "original_img_id": picture, "phrases": said}

    sentences = [
        sentence(10, (0, 5, "a cat", [1]), (10, 15, "a dog", [2])),
        sentence(10, (0, 5, "a cow", [1]), (10, 15, "a dog", [3])),
        sentence(99, (0, 5, "a cat", [1])),
    ]
    write_json(tmp_path / "grounding.json", {"images": sentences})
    reading = read(Scenes(tmp_path))
    assert [one[:2] for one in told(reading)] == [
        ("unknown_object", "grounding.json: images[1].phrases[1]"),
        ("unknown_picture", "grounding.json: images[2]"),
        ("span_mismatch", "grounding.json: images[1].phrases[0]"),
    ]
    assert (reading.boxes, reading.phrases) == (3, 2)


def test_all_are_counted_and_a_few_are_kept() -> None:
    problems = Problems("a.json")
    for number in range(20):
        problems.add("box_empty", f"annotations[{number}]", "it is empty")
    problems.of("b.json").add("no_pictures", "", "none")
    assert (len(problems), problems.fatal) == (21, True)
    [of_boxes, of_pictures] = problems.to_json()
    assert (of_boxes["count"], len(of_boxes["examples"])) == (20, EXAMPLES)
    assert of_boxes["examples"][1] == {"where": "a.json: annotations[1]", "reason": "it is empty"}
    assert of_pictures["examples"] == [{"where": "b.json", "reason": "none"}]
    both = merged([problems, problems])
    assert both.counts == {"no_pictures": 2, "box_empty": 40}
    assert len(both.to_json()[1]["examples"]) == EXAMPLES
    assert set(KINDS) > FATAL
