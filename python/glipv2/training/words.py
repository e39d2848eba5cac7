"""What a model answers and tells between two steps of its training.

The processes share the pictures.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from glipv2.data.records import Dataset, Picture, Question
from glipv2.evaluation.answers import Asker, measured_answers
from glipv2.evaluation.captions import measured_captions, statements, told_of, truth
from glipv2.evaluation.facts import Facts
from glipv2.evaluation.figures import Figures, of_answers, of_likeness, of_truth, of_types
from glipv2.model import GLIP
from glipv2.training.world import World
from glipv2.understanding.decoding import Decoding
from glipv2.understanding.looking import Scenes, opened

#: Captions are told of so many pictures, spread over the validation: each costs a reading a word.
CAPTIONED = 100

#: At one beam, for the same reason.
DECODING = Decoding("greedy")


class Words:
    """What this process has heard so far."""

    def __init__(self, model: GLIP, dataset: Dataset, answers: bool, captions: bool) -> None:
        """`answers`, `captions`: whether they are measured, where the data has questions and captions."""
        self._model, self._dataset = model, dataset
        self._asker = Asker(model) if answers else None
        self._scenes = Scenes(model)
        self._candidates = dataset.answers or _answers(dataset)
        captioned = [place for place, one in enumerate(dataset.pictures) if captions and one.captions]
        count = min(CAPTIONED, len(captioned))
        self._captioned = [captioned[at] for at in np.linspace(0, len(captioned) - 1, count).astype(int)]
        self._right: list[tuple[Question, bool]] = []
        self._told: list[tuple[int, str]] = []

    @torch.inference_mode()
    def hear(self, place: int) -> None:
        """What is said of the picture at this place. OSError: it cannot be read."""
        picture = self._dataset.pictures[place]
        if self._asker is not None and picture.questions:
            right = self._asker.right(picture, self._candidates)
            self._right += zip(picture.questions, right, strict=True)
        if place in self._captioned:
            seen = self._scenes.of(opened(self._model, picture))
            self._told.append((place, told_of(self._model, seen, DECODING)))

    def figures(self, world: World) -> Figures:
        """By their names, in the first process; in the others there are none."""
        right, told = world.gather(self._right), sorted(world.gather(self._told))
        found: Figures = {}
        if right:
            measured = measured_answers([question for question, _ in right], [one for _, one in right])
            found |= of_answers(measured)
            found |= {f"types.{kind}.accuracy": one["accuracy"] for kind, one in of_types(measured).items()}
        if told:
            pictures, texts = [self._dataset.pictures[place] for place, _ in told], [text for _, text in told]
            found |= of_likeness(measured_captions(pictures, texts))
            found |= self._truth(pictures, texts)
        return found

    def _truth(self, pictures: list[Picture], told: list[str]) -> Figures:
        facts = facts_of(self._dataset)
        return {} if facts is None else of_truth(truth(statements(facts, pictures, told), len(told)))


def facts_of(dataset: Dataset) -> Facts | None:
    """None: nothing is known of its pictures, as is so of all but scenes."""
    if not _scenes(dataset).is_file():
        return None
    try:
        return Facts(dataset)
    # A file of that name that tells of something else.
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _scenes(dataset: Dataset) -> Path:
    return dataset.pictures[0].file.parent.parent / "scenes.jsonl"


def _answers(dataset: Dataset) -> tuple[str, ...]:
    every = (answer for picture in dataset.pictures for one in picture.questions for answer in one.answers)
    return tuple(dict.fromkeys(every))
