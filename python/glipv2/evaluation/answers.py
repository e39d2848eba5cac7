"""How many questions are answered rightly: one candidate of all that the split can have, of each type of question.

Beside it stands who always gives the answer that is right most often, of each type.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from glipv2.data.records import Dataset, Picture, Question
from glipv2.evaluation.progress import Progress, unheard
from glipv2.model import GLIP
from glipv2.text.wordpiece import WordPiece
from glipv2.understanding.answering import question_vectors
from glipv2.understanding.candidates import CandidateVectors
from glipv2.understanding.looking import Scenes, only, opened


@dataclass(frozen=True)
class AnswerMetrics:
    accuracy: float
    """0 to 1, over all questions."""
    majority: float
    """Of who gives the commonest answer of each type."""
    questions: int
    by_type: dict[str, tuple[float, float, int]]
    """Accuracy, majority, and how many questions there are."""


def evaluate_answers(model: GLIP, split: Dataset, progress: Progress = unheard) -> AnswerMetrics:
    """For a model with `understanding`, on a split with questions."""
    asker = Asker(model)
    right: list[bool] = []
    asked: list[Question] = []
    for done, picture in enumerate(split.pictures, 1):
        right += asker.right(picture, split.answers)
        asked += picture.questions
        progress(done, len(split.pictures))
    return measured_answers(asked, right)


def measured_answers(asked: Sequence[Question], right: Sequence[bool]) -> AnswerMetrics:
    by_type: dict[str, list[tuple[Question, bool]]] = defaultdict(list)
    for question, one in zip(asked, right, strict=True):
        by_type[question.kind].append((question, one))
    rows: dict[str, tuple[float, float, int]] = {}
    for kind, pairs in sorted(by_type.items()):
        commonest = Counter(answer for question, _ in pairs for answer in set(question.answers)).most_common(1)[0][1]
        rows[kind] = (sum(one for _, one in pairs) / len(pairs), commonest / len(pairs), len(pairs))
    count = len(asked)
    majority = sum(part * number for _, part, number in rows.values())
    return AnswerMetrics(sum(right) / max(1, count), majority / max(1, count), count, rows)


class Asker:
    """Answers the questions of a picture."""

    def __init__(self, model: GLIP) -> None:
        self._model = model.eval()
        self._vectors = CandidateVectors(model)
        self._scenes = Scenes(model)

    def right(self, picture: Picture, candidates: Sequence[str]) -> list[bool]:
        """Whether the best candidate for each of its questions is an answer that somebody gave."""
        found = self.answers(picture, [one.sentence.text for one in picture.questions], candidates)
        return [answer in one.answers for answer, one in zip(found, picture.questions, strict=True)]

    @torch.inference_mode()
    def answers(self, picture: Picture, questions: Sequence[str], candidates: Sequence[str]) -> list[str]:
        """The best candidate for each."""
        if not questions:
            return []
        vectors_AD = self._vectors.of(candidates)
        look = opened(self._model, picture)
        seen = self._scenes.of(look)
        found = []
        for text in questions:
            ids_1T, mask_1T = only(WordPiece.default().encode(text).ids, look)
            [vector_D] = question_vectors(self._model, seen, self._model.encode_text(ids_1T, mask_1T))
            found.append(candidates[int((vectors_AD @ vector_D).argmax())])
        return found
