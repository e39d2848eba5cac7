"""VQA (Antol et al., 2015; v2: Goyal et al., 2017): the accuracy of answers against those of ten people.

An answer's accuracy is min(1, people who gave it / 3), the mean over all choices of nine of the ten. Where people
differ, answers are compared as `normalised_answer` writes them; where all ten agree, letter by letter. Both as the
data set's own evaluation does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from glipv2.errors import InputError
from glipv2.text.vqa_words import normalised_answer

#: So many people who give an answer make it right.
ENOUGH = 3


@dataclass(frozen=True)
class AnswerAccuracy:
    overall: float | None
    by_answer_type: dict[str, float]
    """yes/no, number, other."""
    by_question_type: dict[str, float]
    """By how the question begins, such as `how many`."""
    questions: int


class AnswerScorer:
    """Keeps one number of each question."""

    def __init__(self) -> None:
        self._all: list[float] = []
        self._answer_types: dict[str, list[float]] = defaultdict(list)
        self._question_types: dict[str, list[float]] = defaultdict(list)

    def add(self, answer: str, answers: Sequence[str], answer_type: str, question_type: str) -> float:
        """`answers`: people's, each as it stands in the annotations. The question's accuracy."""
        value = accuracy(answer, answers)
        for values in (self._all, self._answer_types[answer_type], self._question_types[question_type]):
            values.append(value)
        return value

    def result(self) -> AnswerAccuracy:
        return AnswerAccuracy(
            overall=_mean(self._all) if self._all else None,
            by_answer_type={key: _mean(values) for key, values in sorted(self._answer_types.items())},
            by_question_type={key: _mean(values) for key, values in sorted(self._question_types.items())},
            questions=len(self._all),
        )


def accuracy(answer: str, answers: Sequence[str]) -> float:
    """0 to 1. InputError: nobody answered."""
    if not answers:
        raise InputError("answers", "at least one", "none")
    people, mine = [_one_line(one) for one in answers], _one_line(answer)
    if len(set(people)) > 1:
        people, mine = [_normalised(one) for one in people], _normalised(mine)
    agree = people.count(mine)
    # Without one of those who agree, one less does; without one of the others, all of them.
    without, with_all = min(1.0, (agree - 1) / ENOUGH), min(1.0, agree / ENOUGH)
    return (agree * without + (len(people) - agree) * with_all) / len(people)


#: People say the same again and again.
_normalised = lru_cache(maxsize=1 << 16)(normalised_answer)


def _one_line(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ").strip()


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
