"""PhraseCut in miniature: known answers with masks and without, and annotations that are not right."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from known_answers import shifted
from known_phrases import Changed, KnowingPhrases, nothing, write_content, write_phrasecut_layout

from glipv2.benchmarks.layout import LayoutError, located
from glipv2.benchmarks.phrasecut import drawn, filled
from glipv2.benchmarks.predictions import NAME
from glipv2.benchmarks.registry import BENCHMARKS
from glipv2.benchmarks.running import Options, Outcome, run
from glipv2.data.problems import Problem
from glipv2.errors import DataError

PHRASECUT = BENCHMARKS["phrasecut"]
FIGURES = ("meanIoU", "cumulativeIoU", "P50", "P60", "P70", "P80", "P90")
PICTURES = 4


class Here:
    def __init__(self, folder: Path) -> None:
        self.root = folder / "data"
        self.output = folder / "run"
        self.answers = write_phrasecut_layout(self.root, PICTURES)
        self.file = self.root / "VGPhraseCut_v0" / "refer_test.json"

    def run(self, changed: Changed = lambda rows: rows, masks: bool = True, **options: Any) -> Outcome:
        abilities: Any = frozenset(("ground", "masks") if masks else ("ground",))
        predictor = KnowingPhrases(self.answers, changed, abilities)
        places = located(PHRASECUT, self.root)
        chosen = Options(**{"output": self.output, **options})
        return run(PHRASECUT, places, predictor, chosen, lambda event: None)


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


def test_who_knows_scores_one(here: Here) -> None:
    scores = here.run().scores
    assert scores.figures == {f"{kind}.{name}": 1 for kind in ("filled", "mask") for name in FIGURES}
    subsets = scores.parts["subsets"]
    assert {"i_single", "i_multi", "p_att", "p_att+", "p_name", "s_mid"} <= set(subsets) <= {
        "i_single", "i_multi", "p_att", "p_att+", "p_name", "s_mid", "s_small"
    }  # fmt: skip
    assert all(figures["mask.meanIoU"] == 1 for figures in subsets.values())


def test_without_masks_it_says_that_boxes_were_filled(here: Here) -> None:
    assert here.run(masks=False).scores.figures == {f"filled.{name}": 1 for name in FIGURES}


def test_who_finds_nothing_scores_zero(here: Here) -> None:
    assert set(here.run(nothing).scores.figures.values()) == {0}


@pytest.mark.parametrize("masks", [True, False])
def test_details_tell_which_phrases_are_wrong(here: Here, masks: bool) -> None:
    here.run(masks=masks)
    details = json.loads((here.output / "details.json").read_text())
    phrases = sum(details["counts"].values())
    assert details["counts"] == {"right": phrases, "box": 0, "elsewhere": 0, "none": 0}
    assert (phrases > PICTURES, details["cases"]) == (True, [])
    here.run(shifted(16), masks=masks, resume=False, output=here.output.with_name("shifted"))
    details = json.loads((here.output.with_name("shifted") / "details.json").read_text())
    assert details["counts"]["right"] < phrases == sum(details["counts"].values())
    assert len(details["cases"]) == PICTURES, "the surest error of each picture"
    for case in details["cases"]:
        assert (case["kind"], Path(case["picture"]).is_file()) == ("error", True)
        assert case["text"] in ("box", "elsewhere")
        true, wrong = ([box for box in case["boxes"] if box["verdict"] == verdict] for verdict in ("true", "wrong"))
        assert len(true) == len(wrong) > 0
        for one, other in zip(true, wrong, strict=True):
            assert other["score"] is not None
            assert one["label"] == other["label"]


def test_shifted_boxes_have_the_overlap_that_they_have(here: Here) -> None:
    by = 8
    counts = defaultdict(list)
    for spans in here.answers.values():
        for boxes in spans.values():
            sides = [x2 - x1 + 1 for x1, _, x2, _ in boxes]
            # Squares that do not touch each other, and stay within the picture.
            counts["in"].append(sum(side * (side - by) for side in sides))
            counts["out"].append(sum(side * (side + by) for side in sides))
    overlaps = np.divide(counts["in"], counts["out"])
    figures = here.run(shifted(by)).scores.figures
    for kind in ("filled", "mask"):
        assert figures[f"{kind}.meanIoU"] == pytest.approx(overlaps.mean())
        assert figures[f"{kind}.cumulativeIoU"] == pytest.approx(sum(counts["in"]) / sum(counts["out"]))
        for limit in (50, 60, 70, 80, 90):
            assert figures[f"{kind}.P{limit}"] == pytest.approx((overlaps > limit / 100).mean())


def test_all_that_is_sure_counts_or_else_the_best(here: Here) -> None:
    # Scores go from 0.9 to 0.6 with the rows: all are sure.
    everywhere = [0.0, 0.0, 127.0, 127.0]
    sure = here.run(lambda rows: [*rows, (everywhere, 0)]).scores.figures
    assert (sure["filled.P50"], sure["mask.P50"]) == (0, 0)

    class Unsure(KnowingPhrases):
        def ground(self, *asked: Any) -> Any:
            found = super().ground(*asked)
            found.scores_N[:] = 0.1
            return found

    predictor = Unsure(here.answers, lambda rows: [*rows[:1], (everywhere, 0)])
    places = located(PHRASECUT, here.root)
    best = run(PHRASECUT, places, predictor, Options(here.root / "best"), lambda event: None).scores
    assert best.parts["subsets"]["i_single"]["mask.meanIoU"] == 1


def test_polygons_are_drawn_as_phrasecut_draws_them() -> None:
    # Corners are cut to whole pixels and belong to it; two points are a line, one is nothing.
    polygons = [[[[1, 1], [3.9, 1], [3, 2], [1, 2]], [[5, 0], [5, 3]]], [[[0, 3]]]]
    assert drawn(json.dumps(polygons).encode(), (4, 6)).astype(int).tolist() == [
        [0, 0, 0, 0, 0, 1],
        [0, 1, 1, 1, 0, 1],
        [0, 1, 1, 1, 0, 1],
        [0, 0, 0, 0, 0, 1],
    ]
    assert filled([[-2, 1, 1.4, 9], [3, 0, 3, 0]], (3, 4)).astype(int).tolist() == [
        [0, 0, 0, 1],
        [1, 1, 0, 0],
        [1, 1, 0, 0],
    ]


def test_a_picture_of_another_size(here: Here) -> None:
    sizes = json.loads((here.file.parent / "image_data_split.json").read_text())
    sizes[0]["width"] = 100
    write_content(here.file.parent / "image_data_split.json", sizes)
    outcome = here.run(problems="skip")
    assert outcome.pictures == PICTURES - 1
    [problem] = outcome.problems
    assert isinstance(problem, Problem)
    assert (problem.kind, problem.reason) == ("wrong_size", "expected 100 x 128 pixels, got 128 x 128")


def test_images_may_be_those_of_gqa(here: Here) -> None:
    (here.root / "gqa").mkdir()
    (here.root / "VGPhraseCut_v0" / "images").rename(here.root / "gqa" / "images")
    assert here.run().pictures == PICTURES


def test_all_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(LayoutError) as raised:
        located(BENCHMARKS["phrasecut-val"], tmp_path)
    names = ["refer_val.json", "image_data_split.json", "images"]
    assert [one.path for one in raised.value.missing] == [tmp_path / "VGPhraseCut_v0" / name for name in names]


def test_annotations_that_are_not_right(here: Here) -> None:
    tasks = json.loads(here.file.read_text())
    tasks[0]["image_id"] = 77
    tasks[1]["phrase"] = ""
    tasks[2]["Polygons"] = []
    tasks[3]["Polygons"] = [[[1, 2, 3]]]
    del tasks[4]["Polygons"]
    write_content(here.file, tasks)
    with pytest.raises(DataError) as raised:
        here.run()
    found = {one["kind"]: [row["reason"] for row in one["examples"]] for one in raised.value.problems}
    assert found == {
        "unknown_picture": ["image_data_split.json has no picture 77"],
        "invalid_sentence": ["expected a text, got ''"],
        "invalid_mask": [
            "expected polygons [[x, y], ...] of each object, got '[]'",
            "expected polygons [[x, y], ...] of each object, got '[[[1, 2, 3]]]'",
            "expected polygons [[x, y], ...] of each object, got 'null'",
        ],
    }


@pytest.mark.parametrize("name", ["refer_test.json", "image_data_split.json"])
@pytest.mark.parametrize("text", ["no JSON", "{}", "[1]"])
def test_something_else_than_annotations(here: Here, name: str, text: str) -> None:
    (here.file.parent / name).write_text(text)
    with pytest.raises(DataError, match=name):
        here.run()


def test_masks_of_another_picture_are_none(here: Here) -> None:
    here.run()
    file = here.output / NAME
    records = [json.loads(line) for line in file.read_text().splitlines()]
    records[0]["size"] = [64, 64]
    records[1]["texts"][0]["masks"] = [5]
    file.write_text("".join(json.dumps(one) + "\n" for one in records))
    with pytest.raises(DataError) as raised:
        here.run(resume=True)
    [problem] = raised.value.problems
    another, none = (one["reason"] for one in problem["examples"])
    assert another == "texts[0]: masks: its run lengths are not those of 64 x 64 pixels"
    assert none.startswith("texts[0]: masks: it has neither polygons nor run lengths")
