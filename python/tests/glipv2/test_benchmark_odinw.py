"""ODinW in miniature: three sets in the three forms of its layout, known answers, official prompts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_scenes import write_split
from known_answers import Knowing, write_json

from glipv2.benchmarks.benchmark import Choices
from glipv2.benchmarks.layout import LayoutError, located
from glipv2.benchmarks.odinw import PAGE, SPAN
from glipv2.benchmarks.predictor import Around, Asking, Found, Pixels
from glipv2.benchmarks.registry import BENCHMARKS
from glipv2.benchmarks.running import Event, Options, Outcome, run
from glipv2.errors import DataError
from glipv2.scoring.odinw_sets import ODINW_13, ODINW_35

#: Folders that are split, one of them with a smaller part of it, and one for all.
FOLDERS = {
    "Aquarium": "Aquarium/Aquarium Combined.v2-raw-1024.coco/valid",
    "EgoHands_generic": "EgoHands/generic/mini_val",
    "pistols": "pistols/export",
}
NAMES = {
    "Aquarium": ["fish", "penguin", "star_fish"],
    "EgoHands_generic": ["hand", "elbow", "knee"],
    "pistols": ["pistol", "knife", "spoon"],
}
SETS = tuple(FOLDERS)
PICTURES = 3


class Armed(Knowing):
    """Says categories by their place, whatever they are called, and finds nothing in a list with `blind` in it."""

    blind = ""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.said: list[tuple[Sequence[str], Asking]] = []

    def detect(self, pixels: Pixels, categories: Sequence[str], asking: Asking) -> Found:
        self.said.append((categories, asking))
        if self.blind in categories:
            return Found(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
        return super().detect(pixels, list(self._names.values()), asking)


class Here:
    def __init__(self, folder: Path) -> None:
        self.root = folder / "data"
        self.output = folder / "run"
        self.events: list[Event] = []
        drawn = write_split(folder / "drawn", PICTURES)
        self.content = json.loads((drawn / "instances.json").read_text())
        for name in SETS:
            place = self.root / "odinw" / FOLDERS[name]
            place.mkdir(parents=True)
            for picture in (drawn / "images").iterdir():
                (place / picture.name).write_bytes(picture.read_bytes())
            self.write(name, self.content)
        self.predictor = Armed(drawn / "images", self.content)

    def file(self, name: str) -> Path:
        before = "val_" if name == "pistols" else ""
        return self.root / "odinw" / FOLDERS[name] / f"{before}annotations_without_background.json"

    def write(self, name: str, content: dict[str, Any]) -> None:
        categories = [{**one, "name": called} for one, called in zip(content["categories"], NAMES[name], strict=True)]
        write_json(self.file(name), {**content, "categories": categories})

    def run(self, benchmark: str = "odinw13", sets: tuple[str, ...] = SETS, **options: Any) -> Outcome:
        choices = Choices(sets=sets)
        chosen = BENCHMARKS[benchmark]
        places = located(chosen, self.root, choices)
        return run(chosen, places, self.predictor, Options(self.output, choices=choices, **options), self.events.append)


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


def test_who_knows_scores_one(here: Here) -> None:
    outcome = here.run()
    assert outcome.scores.figures == {"AP.mean": pytest.approx(1), "AP.median": pytest.approx(1)}
    sets = outcome.scores.parts["sets"]
    assert [sets[name]["AP50"] for name in SETS] == [pytest.approx(1)] * 3
    assert (outcome.pictures, dict(outcome.scores.notes)) == (3 * PICTURES, {})


def test_the_mean_is_over_sets(here: Here) -> None:
    here.predictor.blind = "spoon"
    outcome = here.run()
    assert outcome.scores.figures == {"AP.mean": pytest.approx(2 / 3), "AP.median": pytest.approx(1)}
    assert outcome.scores.parts["sets"]["pistols"]["AP"] == 0


def test_who_finds_nothing_scores_zero(here: Here) -> None:
    here.predictor.blind = "fish"
    assert here.run(sets=("Aquarium",)).scores.figures == {"AP.mean": 0, "AP.median": 0}


def test_thirteen_sets_are_asked_for_by_their_names(here: Here) -> None:
    here.run()
    assert [list(names) for names, _ in here.predictor.said[::PICTURES]] == list(NAMES.values())
    assert all(asking == Asking() for _, asking in here.predictor.said)


def test_of_thirty_five_some_are_worded(here: Here) -> None:
    here.run("odinw35")
    said = [asking.around for _, asking in here.predictor.said[::PICTURES]]
    assert said[0] == (
        Around(" ", "fish", ""),
        Around("", "penguin", " , which is black and white"),
        Around("", "star fish", ""),
    )
    assert said[1] == (Around(" ", "hand", " of a person"), Around("", "elbow", ""), Around("", "knee", ""))
    assert said[2] is None


def test_of_thirty_five_some_are_called_otherwise(here: Here) -> None:
    folder = "odinw/NorthAmericaMushrooms/North American Mushrooms.v1-416x416.coco/valid"
    (here.root / "odinw/pistols/export").rename(here.root / "export")
    (here.root / folder).parent.mkdir(parents=True)
    (here.root / "export").rename(here.root / folder)
    file = here.root / folder / "val_annotations_without_background.json"
    (here.root / folder / "annotations_without_background.json").write_text(
        file.read_text().replace('"pistol"', '"CoW"').replace('"knife"', '"chanterelle"')
    )
    figures = here.run("odinw35", sets=("NorthAmericaMushrooms",)).scores.figures
    assert here.predictor.said[0][0] == ["flat mushroom", "yellow mushroom", "spoon"]
    assert figures["AP.mean"] == pytest.approx(1)


def test_the_first_pictures_are_of_each_set(here: Here) -> None:
    outcome = here.run(pictures=1)
    assert outcome.pictures == 3
    assert outcome.scores.figures["AP.mean"] == pytest.approx(1)
    assert here.run(pictures=2, resume=True).pictures == 6
    assert here.predictor.asked == 6


def test_a_killed_run_goes_on(here: Here) -> None:
    expected = here.run().scores
    file = here.output / "predictions.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    record = json.loads(lines[PICTURES])
    assert (record["set"], record["image"]) == ("EgoHands_generic", 1)
    assert record["id"] == [one.name for one in ODINW_35].index("EgoHands_generic") * SPAN + SPAN + 1
    file.write_bytes(b"".join(lines[:4]))
    here.predictor.asked = 0
    assert here.run(resume=True).scores == expected
    assert here.predictor.asked == 3 * PICTURES - 4


def test_predictions_of_another_set(here: Here) -> None:
    here.run(pictures=1)
    file = here.output / "predictions.jsonl"
    first, *rest = [json.loads(line) for line in file.read_text().splitlines()]
    file.write_text("".join(json.dumps(one) + "\n" for one in [{**first, "set": "pistols"}, *rest]))
    with pytest.raises(DataError, match="expected the picture's set and its number there, got 'pistols' and 1"):
        here.run(pictures=1, resume=True)


def test_a_set_whose_pictures_are_all_left_out_leaves_no_mean(here: Here) -> None:
    for picture in here.file("pistols").parent.glob("*.png"):
        picture.unlink()
    outcome = here.run(problems="skip")
    assert outcome.scores.figures == {"AP.mean": None, "AP.median": None}
    assert outcome.scores.parts["sets"]["Aquarium"]["AP"] == pytest.approx(1)
    note = "no mean: no picture with an object was measured of pistols"
    assert dict(outcome.scores.notes) == {"AP": note}
    assert json.loads((here.output / "result.json").read_text())["notes"] == {"AP": note}


@pytest.mark.parametrize(("name", "sets"), [("odinw13", ODINW_13), ("odinw35", ODINW_35)])
def test_every_set_that_is_missing_is_named(here: Here, name: str, sets: Sequence[Any]) -> None:
    with pytest.raises(LayoutError) as raised:
        located(BENCHMARKS[name], here.root)
    missing = {str(one.path.relative_to(here.root)) for one in raised.value.missing}
    wanted = {path for one in sets if one.name not in SETS for path in one.files(one.measured)}
    assert missing == wanted
    assert {one.page for one in raised.value.missing} == {PAGE}


def test_all_that_is_wrong_with_several_sets(here: Here) -> None:
    for name in ("Aquarium", "pistols"):
        images = [{**here.content["images"][0], "id": SPAN}, *here.content["images"][1:]]
        here.write(name, {**here.content, "images": images})
    with pytest.raises(DataError) as raised:
        here.run()
    counts = {one["kind"]: (one["count"], len(one["examples"])) for one in raised.value.problems}
    assert counts["invalid_picture"] == (2, 2)
    assert counts["unknown_picture"] == (2, 2)
    assert not here.output.exists()


def test_details_are_of_all_sets(here: Here) -> None:
    here.predictor.blind = "spoon"
    # The last object is found, and Aquarium's annotations do not have it.
    last = here.content["annotations"][-1]
    here.write("Aquarium", {**here.content, "annotations": here.content["annotations"][:-1]})
    here.run()
    details = json.loads((here.output / "details.json").read_text())
    objects = len(here.content["annotations"])
    assert (details["counts"]["right"], details["counts"]["missed"]) == (2 * objects - 1, objects)
    assert 0.5 < np.mean(details["curves"][0]["precision"]) < 0.67
    [error] = [case for case in details["cases"] if case["kind"] == "error"]
    assert (error["id"], Path(error["picture"]).parts[-4]) == (last["image_id"], "Aquarium")
    missed = [case for case in details["cases"] if case["text"].startswith("0 of")]
    assert {box["label"] for case in missed for box in case["boxes"]} <= set(NAMES["pistols"])
    assert details["threshold"] is None
