"""Measures of answers and captions: by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_scenes import write_scenes, write_split
from test_understanding import CONFIG
from tiny_runs import TINY

from glipv2.checkpoints.load import save
from glipv2.data.records import Dataset, Phrase, Picture, Question, Sentence
from glipv2.data.scenes import read_split
from glipv2.detection.objects import Objects
from glipv2.evaluation.__main__ import main
from glipv2.evaluation.answers import evaluate_answers, measured_answers
from glipv2.evaluation.captions import caption_hits, evaluate_captions
from glipv2.evaluation.cider import cider_d
from glipv2.evaluation.facts import Facts
from glipv2.model import GLIP
from glipv2.understanding.decoding import Decoding
from glipv2.understanding.looking import looked

ZEROS = torch.zeros(2, dtype=torch.int64)

#: Fifty captions, some of them changed, with their references; `cider_d` is what pycocoevalcap 1.2 (PyPI) gives them:
#: `Cider().compute_score` after its `PTBTokenizer`, both as they are. They are of the built-in scenes, split val.
GOLDEN = Path(__file__).with_name("cider_golden.json")

#: A large red circle at the left, before a cat; two small foxes at the bottom.
OBJECTS = [
    {"category": "cat", "size": "medium"},
    {"category": "circle", "size": "large", "color": "red"},
    {"category": "fox", "size": "small"},
    {"category": "fox", "size": "small"},
]
BOXES = [[20, 30, 60, 70], [5, 35, 45, 75], [40, 80, 55, 99], [80, 80, 95, 99]]


@pytest.fixture
def split(tmp_path: Path) -> Dataset:
    (tmp_path / "scenes.jsonl").write_text(json.dumps({"file_name": "a.jpg", "objects": OBJECTS}) + "\n")
    captions = (
        Sentence("a cat and two small foxes.", (Phrase(0, 5, (0,)), Phrase(10, 25, (2, 3)))),
        Sentence("a large red circle.", (Phrase(0, 18, (1,)),)),
    )
    file = tmp_path / "images" / "a.jpg"
    one = Picture(1, file, (100, 100), np.asarray(BOXES, np.float32), (0, 1, 2, 2), captions=captions)
    return Dataset(("cat", "circle", "fox", "gift box"), (1, 2, 3, 4), (one,))


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("a cat, a red circle and two foxes.", "object+ object+ color+ object+ count+"),
        ("there are three small foxes and a red cat.", "object+ size+ count- object+ color-"),
        ("a picture of a large cat.", "object+ size-"),
        ("a zebra and a gift box.", "object- object-"),
        ("a red circle is on the left and a cat at the top right.", "object+ color+ place+ object+ place-"),
        ("a cat is behind a red circle.", "object+ relation+ object+ color+"),
        (
            "a cat in front of a red circle and the fox is below the cat.",
            "object+ relation- object+ color+ object+ relation+ object+",
        ),
        ("a zebra is above a cat.", "object- relation- object+"),
        ("of the on.", "object-"),
        ("", ""),
    ],
)
def test_what_a_caption_states(split: Dataset, caption: str, expected: str) -> None:
    found = Facts(split).of(caption, split.pictures[0])
    assert " ".join(f"{one.kind}{'+' if one.true else '-'}" for one in found) == expected


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("there is a cat, a red circle and two foxes.", {"a cat": (0,), "a red circle": (1,), "two foxes": (2, 3)}),
        ("a picture of the fox at the top left.", {"the fox": (2, 3)}),
        ("three small foxes, a red cat, a large cat, a zebra and a gift box.", {}),
        ("", {}),
    ],
)
def test_the_phrases_that_are_true(split: Dataset, caption: str, expected: dict[str, tuple[int, ...]]) -> None:
    found = Facts(split).phrases(caption, split.pictures[0])
    assert {caption[one.start : one.end]: one.objects for one in found} == expected


@pytest.mark.parametrize(
    ("label", "box", "hits"),
    [
        # "a cat", "is" and "a red circle" are two noun phrases; the second one means the circle.
        (1, [5, 35, 45, 75], [False, True]),
        (0, [5, 35, 45, 75], [False, False]),
        (0, [22, 30, 60, 70], [True, False]),
        (1, [5, 35, 20, 75], [False, False]),
    ],
)
def test_whether_what_is_true_is_found(
    split: Dataset, monkeypatch: pytest.MonkeyPatch, label: int, box: list[float], hits: list[bool]
) -> None:
    sure = Objects(torch.tensor([box, [0.0, 0, 99, 99]]), torch.tensor([0.9, 0.8]), torch.tensor([label] * 2), ZEROS)
    monkeypatch.setattr("glipv2.evaluation.captions.grounded", lambda *_: sure)
    model, caption, picture = GLIP(CONFIG).eval(), "there is a cat above a red circle.", split.pictures[0]
    with torch.inference_mode():
        seen = looked(model, torch.zeros(3, 128, 128), picture.size)
        assert caption_hits(model, seen, caption, Facts(split).phrases(caption, picture), picture) == hits
        assert caption_hits(model, seen, caption, [], picture) == []


def test_scenes_that_are_not_the_pictures(split: Dataset, tmp_path: Path) -> None:
    (tmp_path / "scenes.jsonl").write_text(json.dumps({"file_name": "b.jpg", "objects": OBJECTS}))
    with pytest.raises(ValueError, match=r"scenes\.jsonl: expected the objects of a\.jpg"):
        Facts(split)


def test_cider_of_the_same_words_is_10() -> None:
    references = [["a cat sits on a red mat"], ["two dogs run over the green grass"]]
    assert cider_d([one for [one] in references], references) == pytest.approx([10, 10])
    assert cider_d(["something else entirely different", ""], references) == [0, 0]


def test_cider_by_hand() -> None:
    """Of one word in common: "cat", which one picture of two has, of two words that weigh as much."""
    [first, _] = cider_d(["cat black", "x"], [["cat white", "cat white"], ["a dog", "a dog"]])
    # Single words: 1/2, by the cosine; none of the pairs; both have one pair, so that no length is lost.
    assert first == pytest.approx(10 * 0.5 / 4)
    [longer, _] = cider_d(["cat black bird", "x"], [["cat white"], ["a dog"]])
    assert longer == pytest.approx(10 * math.exp(-1 / 72) / math.sqrt(6) / 4)
    # Said twice, it counts as often as the reference has it.
    [twice, _] = cider_d(["cat cat", "x"], [["cat white"], ["a dog"]])
    assert twice == pytest.approx(10 * (1 / (2 * math.sqrt(2))) / 4)


def test_cider_is_the_reference_codes() -> None:
    rows = json.loads(GOLDEN.read_text())
    found = cider_d([one["found"] for one in rows], [one["references"] for one in rows])
    assert len(found) == 50
    assert found == pytest.approx([one["cider_d"] for one in rows], abs=1e-6)


def test_answers_beside_the_commonest_of_each_type() -> None:
    def asked(kind: str, *answers: str) -> Question:
        return Question(Sentence("?", ()), answers, kind)

    questions = [asked("count", "2"), asked("count", "2"), asked("count", "3"), asked("color", "red", "pink")]
    found = measured_answers(questions, [True, False, False, True])
    assert (found.accuracy, found.majority, found.questions) == (0.5, 0.75, 4)
    assert found.by_type == {"color": (1.0, 1.0, 1), "count": (pytest.approx(1 / 3), pytest.approx(2 / 3), 3)}


def test_a_model_is_measured(tmp_path: Path) -> None:
    folder = write_split(tmp_path / "val", 2)
    write_scenes(folder)
    split = read_split(folder, words=True)
    # Their captions say "red" and "green" without an article.
    split = replace(split, pictures=tuple(replace(one, captions=(Sentence("a red.", ()),)) for one in split.pictures))
    torch.manual_seed(0)
    model = GLIP(CONFIG)
    progress: list[tuple[int, int]] = []
    answers = evaluate_answers(model, split, lambda done, total: progress.append((done, total)))
    assert progress == [(1, 2), (2, 2)]
    assert answers.questions == sum(len(one.questions) for one in split.pictures) == 10
    assert 0 <= answers.accuracy <= 1
    assert answers.by_type.keys() == {"existence", "place"}
    captions = evaluate_captions(model, split, Decoding(max_tokens=3))
    assert captions.one_caption == 0, "in every picture: it tells nothing"
    assert 0 <= captions.facts <= 1
    assert captions.recall_at_1 is None or 0 <= captions.recall_at_1 <= 1


def test_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_split(tmp_path / "val", 3)
    write_scenes(folder)
    torch.manual_seed(0)
    save(GLIP(CONFIG), tmp_path / "words.safetensors")
    save(GLIP(TINY), tmp_path / "boxes.safetensors")

    def printed(model: str, *arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["evaluation", str(tmp_path / f"{model}.safetensors"), str(folder), *arguments])
        main()
        return capsys.readouterr().out

    told = json.loads(printed("words", "--json", "--pictures", "2"))
    assert [*told] == ["split", "pictures", "detect", "ground", "answer", "caption"]
    assert (told["split"], told["pictures"]) == ("val", 2)
    assert [*told["detect"]] == ["AP", "AP50", "AP75", "APs", "APm", "APl"]
    assert [*told["ground"]] == ["recallAt1", "largestObject", "anyObject"]
    assert [*told["answer"]] == ["accuracy", "majority", "types"]
    assert told["answer"]["types"]["place"].keys() == {"accuracy", "majority", "questions"}
    assert [*told["caption"]] == ["CIDEr", "oneCaption", "facts", "stated", "recallAt1", "kinds"]
    text = printed("boxes", "--pictures", "1", "--tasks", "ground")
    assert [line.split()[0] for line in text.splitlines()] == [
        *("split", "pictures"),
        *("ground.recallAt1", "ground.largestObject", "ground.anyObject"),
    ]
    for wrong, message in (
        ("ground,seek", "got seek"),
        ("ground,answer", "parts for detect, ground alone"),
    ):
        with pytest.raises(SystemExit):
            printed("boxes", "--tasks", wrong)
        assert message in capsys.readouterr().err
