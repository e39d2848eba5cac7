"""VQA's accuracy: by hand, and the figures of its reference evaluation."""

from __future__ import annotations

import random

import pytest

from glipv2.errors import InputError
from glipv2.scoring.vqa import AnswerScorer, accuracy

ANSWERS = ("yes", "no", "2", "two", "The red one.", "red 1", "don't know", "dont know", "1,000", "blue-green", "a dog")

#: Of `drawn_questions`.
OVERALL = 0.6695
BY_TYPE = {"number": 0.6271428571, "other": 0.6578947368, "yes/no": 0.7407407407}


@pytest.mark.parametrize(
    ("answer", "people", "expected"),
    [
        ("cat", ["cat"] * 10, 1),
        # All agree: nothing is normalised.
        ("Cat", ["cat"] * 10, 0),
        ("Cat", ["cat"] * 9 + ["dog"], 1),
        ("dog", ["cat"] * 10, 0),
        # Each of the three who agree is left out once, and then two of them remain.
        ("dog", ["dog"] * 3 + ["cat"] * 7, (3 * 2 / 3 + 7 * 1) / 10),
        ("dog", ["dog"] * 2 + ["cat"] * 8, (2 * 1 / 3 + 8 * 2 / 3) / 10),
        ("dog", ["dog"] + ["cat"] * 9, 9 / 30),
        ("two dogs", ["2 dogs"] * 4 + ["the two dogs!"] * 6, 1),
        (" dog\n", ["dog"] * 10, 1),
    ],
)
def test_accuracy_by_hand(answer: str, people: list[str], expected: float) -> None:
    assert accuracy(answer, people) == pytest.approx(expected)


def test_by_type() -> None:
    scorer = AnswerScorer()
    assert scorer.result().overall is None
    assert scorer.add("yes", ["yes"] * 10, "yes/no", "is the") == 1
    scorer.add("2", ["3"] * 10, "number", "how many")
    scorer.add("3", ["3"] * 10, "number", "how many")
    result = scorer.result()
    assert result.overall == pytest.approx(2 / 3)
    assert result.by_answer_type == {"number": 0.5, "yes/no": 1}
    assert result.by_question_type == {"how many": 0.5, "is the": 1}
    assert result.questions == 3
    with pytest.raises(InputError, match="answers: expected at least one, got none"):
        accuracy("yes", [])


def test_a_drawn_set_has_the_figures_of_the_reference() -> None:
    """By vqaEval.py of github.com/GT-Vision-Lab/VQA, to eight digits in place of its two."""
    scorer = AnswerScorer()
    for answer, people, kind in drawn_questions():
        scorer.add(answer, people, kind, kind)
    result = scorer.result()
    assert result.overall == pytest.approx(OVERALL, abs=1e-6)
    assert result.by_answer_type == pytest.approx(BY_TYPE, abs=1e-6)


def drawn_questions() -> list[tuple[str, list[str], str]]:
    draw = random.Random(5)
    questions = []
    for _ in range(200):
        likely = draw.sample(ANSWERS, draw.randint(1, 4))
        people = [draw.choice(likely) for _ in range(10)]
        questions.append(
            (draw.choice([*likely, draw.choice(ANSWERS)]), people, draw.choice(("yes/no", "number", "other")))
        )
    return questions
