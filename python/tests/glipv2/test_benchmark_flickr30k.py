"""Flickr30K in miniature: known answers, and files that do not speak of the same phrases."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from known_answers import shifted
from known_phrases import Changed, KnowingPhrases, nothing, sentences_of, write_content, write_flickr_layout

from glipv2.benchmarks.layout import LayoutError, located
from glipv2.benchmarks.predictions import NAME
from glipv2.benchmarks.predictor import Asking, Found, Pixels
from glipv2.benchmarks.registry import BENCHMARKS
from glipv2.benchmarks.running import Options, Outcome, run
from glipv2.errors import DataError, InputError

FLICKR = BENCHMARKS["flickr30k"]
DEPTHS = ("R1", "R5", "R10", "upperBound")
PICTURES = 4


class Here:
    def __init__(self, folder: Path) -> None:
        self.root = folder / "data"
        self.output = folder / "run"
        self.answers = write_flickr_layout(self.root, PICTURES)
        self.entities = self.root / "flickr30k" / "flickr30k"
        self.predictor = KnowingPhrases(self.answers)

    def run(self, changed: Changed | None = None, **options: Any) -> Outcome:
        predictor = self.predictor if changed is None else KnowingPhrases(self.answers, changed)
        return run(FLICKR, located(FLICKR, self.root), predictor, Options(self.output, **options), lambda event: None)

    def problems(self) -> dict[str, list[str]]:
        """Reasons by kind."""
        with pytest.raises(DataError) as raised:
            self.run()
        assert not self.output.exists(), "nothing was begun"
        return {one["kind"]: [row["reason"] for row in one["examples"]] for one in raised.value.problems}

    def change(self, place: int, **changes: Any) -> None:
        """Of a sentence in MDETR's file."""
        file = sentences_of(self.root)
        content = json.loads(file.read_text())
        content["images"][place] |= changes
        write_content(file, content)


@pytest.fixture
def here(tmp_path: Path) -> Here:
    return Here(tmp_path)


def test_who_knows_scores_one(here: Here) -> None:
    outcome = here.run()
    expected = {f"separate.{depth}": 1 for depth in DEPTHS} | {f"merged.{depth}": 1 for depth in DEPTHS}
    # No box is around both squares.
    squares = {f"separate.{depth}": 1 for depth in DEPTHS} | {f"merged.{depth}": 0 for depth in DEPTHS}
    assert outcome.scores.parts["types"] == {"clothing": expected, "other": expected, "people": squares}
    figures = outcome.scores.figures
    assert [figures[f"separate.{depth}"] for depth in DEPTHS] == [1, 1, 1, 1]
    # A third of the phrases speaks of both.
    assert figures["merged.R1"] == pytest.approx(2 / 3)
    assert (outcome.pictures, here.predictor.asked) == (PICTURES, 2 * PICTURES), "a sentence without boxes is not asked"


@pytest.mark.parametrize("by", [0.0, 12.0, 60.0])
def test_details_tell_which_phrases_are_wrong(here: Here, by: float) -> None:
    outcome = here.run(shifted(by))
    details = json.loads((here.output / "details.json").read_text())
    counts = details["counts"]
    assert counts["right"] / sum(counts.values()) == pytest.approx(outcome.scores.figures["separate.R1"])
    assert (by == 0) == (details["cases"] == [])
    for case in details["cases"]:
        assert (case["kind"], Path(case["picture"]).is_file()) == ("error", True)
        assert case["text"] in ("box", "elsewhere")
        assert {box["verdict"] for box in case["boxes"]} == {"true", "wrong"}


def test_who_finds_nothing_scores_zero(here: Here) -> None:
    assert set(here.run(nothing).scores.figures.values()) == {0}


def test_the_box_around_all_is_the_merged_one(here: Here) -> None:
    def around(rows: list[Any]) -> list[Any]:
        found = []
        for span in sorted({span for _, span in rows}):
            x1, y1, x2, y2 = zip(*(box for box, other in rows if other == span), strict=True)
            found.append(([min(x1), min(y1), max(x2), max(y2)], span))
        return found

    types = here.run(around).scores.parts["types"]
    assert (types["people"]["merged.R1"], types["people"]["separate.R1"]) == (1, 0)


def test_shifted_boxes_are_found_from_half_an_overlap_on(here: Here) -> None:
    by = 10

    def right(boxes: list[list[float]]) -> bool:
        """Of one square at least, which is a pixel wider than its box says."""
        return any((x2 - x1 - by) / (x2 - x1 + by) >= 0.5 for x1, _, x2, _ in boxes)

    phrases = [boxes for spans in here.answers.values() for boxes in spans.values()]
    part = sum(right(boxes) for boxes in phrases) / len(phrases)
    assert 0 < part < 1
    assert here.run(shifted(by)).scores.figures["separate.upperBound"] == part


def test_depth_is_the_place_among_a_phrases_own_boxes(here: Here) -> None:
    def late(rows: list[Any]) -> list[Any]:
        """Five wrong boxes of each phrase come before the right ones."""
        return [([0, 0, 1, 1], span) for _ in range(5) for span in sorted({span for _, span in rows})] + rows

    figures = here.run(late).scores.figures
    assert [figures[f"separate.{depth}"] for depth in DEPTHS] == [0, 0, 1, 1]


def test_pictures_lie_in_a_folder_of_the_split_or_with_all_others(here: Here) -> None:
    images = here.root / "flickr30k" / "flickr30k_images"
    (images / "test").mkdir()
    for file in images.glob("*.jpg"):
        file.rename(images / "test" / file.name)
    assert here.run().pictures == PICTURES


def test_a_span_of_two_phrases_is_asked_once(here: Here) -> None:
    file = here.entities / "Sentences" / "1.txt"
    lines = file.read_text().split("\n")
    # The words of one phrase, and as if another spoke of them too.
    lines[1] = lines[1] + " [/EN#10/other two squares]"
    file.write_text("\n".join(lines))
    content = json.loads(sentences_of(here.root).read_text())["images"][1]
    here.change(1, tokens_positive_eval=content["tokens_positive_eval"] * 2)
    figures = here.run().scores.figures
    assert figures["separate.R5"] == 1


def test_all_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(LayoutError) as raised:
        located(BENCHMARKS["flickr30k-val"], tmp_path)
    assert [str(one.path.relative_to(tmp_path)) for one in raised.value.missing] == [
        "flickr30k/flickr30k_images",
        "mdetr_annotations/final_flickr_separateGT_val.json",
        "flickr30k/flickr30k",
        "flickr30k/flickr30k/val.txt",
        "flickr30k/flickr30k/Annotations",
        "flickr30k/flickr30k/Sentences",
    ]
    assert all(one.page.startswith("https://") for one in raised.value.missing)


def test_files_that_do_not_agree(here: Here) -> None:
    here.change(0, tokens_positive_eval=[[[4, 16]]])
    here.change(1, tokens_positive_eval=[[[0, 7]]])
    here.change(3, caption=" ")
    here.change(6, original_img_id=77)
    here.change(9, sentence_id="0")
    here.change(10, file_name=None)
    (here.entities / "test.txt").write_text("1\n2\n2\n3\n4\nx\n")
    problems = here.problems()
    assert problems == {
        "invalid_sentence": [
            "expected a text, got ' '",
            "expected original_img_id and sentence_id, got 4 and '0'",
            "there is none for the sentence 0 of the picture 2",
            "there is none for the sentence 0 of the picture 3",
            "there is none for the sentence 0 of the picture 4",
            "there is none for the sentence 1 of the picture 4",
        ],
        "invalid_picture": ["expected a path, got nothing"],
        "span_mismatch": [
            "expected the 2 phrases that have a box, got 1 of them",
            "expected [[start, end]] of 'two squares', got [[0, 7]]",
        ],
        "unknown_picture": [f"1 of them are of the picture 77, not one of {here.entities / 'test.txt'}"],
        "duplicate_picture": ["2 is in an earlier one"],
        "invalid_line": ["expected the number of a picture, got 'x'"],
    }


def test_a_folder_with_holes(here: Here) -> None:
    (here.entities / "Annotations" / "1.xml").unlink()
    (here.entities / "Annotations" / "2.xml").write_text("<annotation>")
    (here.entities / "Sentences" / "3.txt").unlink()
    file = here.entities / "Annotations" / "4.xml"
    file.write_text(file.read_text().replace("<xmin>", "<xmin>?", 1))
    problems = here.problems()
    assert len(problems["invalid_picture"]) == 3
    assert problems["invalid_box"] == [problems["invalid_box"][0]]
    assert "expected four numbers" in problems["invalid_box"][0]


@pytest.mark.parametrize("text", ["no JSON", "[]", "{}", '{"images": [], "annotations": []}'])
def test_something_else_than_sentences(here: Here, text: str) -> None:
    sentences_of(here.root).write_text(text)
    with pytest.raises(DataError):
        here.run()


def test_predictions_of_something_else(here: Here) -> None:
    here.run()
    file = here.output / NAME
    records = [json.loads(line) for line in file.read_text().splitlines()]
    records[0]["texts"].pop()
    records[1]["texts"][1]["phrases"][0] = 1
    records[2]["texts"][0]["scores"] = ["good"] * 2
    del records[3]["size"]
    file.write_text("".join(json.dumps(one) + "\n" for one in records))
    with pytest.raises(DataError) as raised:
        here.run(resume=True)
    [problem] = raised.value.problems
    assert [one["reason"] for one in problem["examples"]] == [
        "expected texts, 2 of them",
        "texts[1]: expected phrases from 0 to 0",
        "texts[0]: expected numbers for scores, and four of them for each box",
        "expected the picture's size, [height, width]",
    ]


def test_a_text_that_no_model_reads_is_one_pictures_problem(here: Here) -> None:
    """As one that is longer than the model's window: the others are measured."""
    long = next(iter(here.answers))

    class Short(KnowingPhrases):
        def ground(self, pixels: Pixels, caption: str, spans: Sequence[tuple[int, int]], asking: Asking) -> Found:
            if (pixels.tobytes(), caption) == long:
                raise InputError("caption", "at most 4 tokens, special ones included", "9")
            return super().ground(pixels, caption, spans, asking)

    here.predictor = Short(here.answers)
    with pytest.raises(DataError, match="The predictions of the other pictures are kept") as raised:
        here.run()
    [row] = raised.value.problems
    assert (row["kind"], row["count"]) == ("unusable_text", 1)
    assert row["examples"][0]["reason"] == "expected at most 4 tokens, special ones included, got 9"
    outcome = here.run(resume=True, problems="skip")
    assert (outcome.pictures, len(outcome.problems)) == (PICTURES - 1, 1)
    assert outcome.scores.figures["separate.R1"] == 1
