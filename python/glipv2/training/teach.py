"""python -m glipv2.training.teach WEIGHTS SPLIT FILE: teaches a model that finds things to answer and to tell.

WEIGHTS: of a model that knows its categories; SPLIT: a folder of `glip scenes`; FILE: where the weights go, in float16.
What it finds stays as it is, bit for bit. So each picture is looked at once and what was found in it is kept, about
20 KB; then a step asks questions and tells captions of many pictures for the price of their texts. `--minutes` ends it
by the clock, with the learning rate at nothing; where that is left out, `--steps` does. FILE is written every 1,000
steps: after a kill, the same command with FILE as WEIGHTS goes on from there, its learning rate from the start.

Legend: B texts, T tokens, K objects, A candidates.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from glipv2.checkpoints.load import load, save
from glipv2.data.asking import Text, question_text, told_text
from glipv2.data.batches import asked_of, of_boxes
from glipv2.data.candidates import encoded
from glipv2.data.readers import How, read
from glipv2.data.records import Dataset
from glipv2.data.sources import Scenes
from glipv2.errors import InputError
from glipv2.head.understanding import UnderstandingConfig
from glipv2.losses.answers import answer_loss
from glipv2.losses.captions import caption_loss, some
from glipv2.losses.grounding import Targets
from glipv2.losses.words import RESTS, rests_loss, told_rests_loss
from glipv2.model import GLIP
from glipv2.text.wordpiece import WordPiece
from glipv2.understanding.answering import understood
from glipv2.understanding.looking import opened
from glipv2.understanding.scene import Scene, Search, head_of, scene_of, search, searched
from glipv2.understanding.telling import told

#: Steps in which the learning rate rises.
WARM_UP = 100

#: Pieces of the vocabulary that no caption has, drawn for each step: beside those that some have, they stand for it.
OTHERS = 1000

#: Steps of which a line is printed.
EVERY = 100

#: Steps after which the weights are written.
SAVED = 1000


@dataclass(frozen=True)
class Lesson:
    steps: int = 20_000
    minutes: float = math.inf
    questions: int = 96
    """Of a step,"""
    captions: int = 24
    """and captions."""
    learning_rate: float = 1.5e-3
    pictures: int | None = None
    seed: int = 0


class Said(NamedTuple):
    picture: int

    text: Text


def with_head(model: GLIP, dataset: Dataset, new: UnderstandingConfig | None = None) -> GLIP:
    """The model, frozen but for the part that answers and tells: where it has none, one as `new` says is drawn."""
    config = model.config
    understanding = config.understanding or new or UnderstandingConfig()
    understanding = replace(understanding, names=tuple(dataset.names), answers=tuple(dataset.answers))
    whole = GLIP(replace(config, understanding=understanding))
    whole.load_state_dict(model.state_dict(), strict=config.understanding is not None)
    whole.requires_grad_(False).eval()
    head_of(whole).requires_grad_(True)
    return whole


@torch.no_grad()
def kept(model: GLIP, dataset: Dataset, pictures: int) -> Search:
    """What is found in the first pictures, in half precision."""
    names = searched(model)
    found = []
    for place in range(pictures):
        looked = opened(model, dataset.pictures[place])
        one = search(model, looked.pyramid, [looked.seen], names)
        found.append([value.half() if value.is_floating_point() else value for value in one])
        if (place + 1) % 1000 == 0:
            _say(f"{place + 1} pictures looked at")
    return Search(*(torch.cat(values) for values in zip(*found, strict=True)))


class Lessons:
    """What is said of pictures, and what was found in them."""

    def __init__(self, model: GLIP, dataset: Dataset, lesson: Lesson) -> None:
        assert model.config.understanding is not None
        pictures = min(lesson.pictures or len(dataset.pictures), len(dataset.pictures))
        longest, pieces = model.config.understanding.longest, WordPiece.default()
        self._model, self._dataset, self._lesson = model, dataset, lesson
        self._drawn = random.Random(lesson.seed)
        some = list(enumerate(dataset.pictures[:pictures]))
        whole = model.config.prompt.max_tokens
        self._questions = [Said(at, question_text(q, pieces, whole)) for at, one in some for q in one.questions]
        self._captions = [Said(at, told_text(c, pieces, longest)) for at, one in some for c in one.captions]
        if not self._questions or not self._captions:
            counts = f"{len(self._questions)} and {len(self._captions)}"
            raise InputError("split", "pictures with questions and captions", counts)
        self._pieces_S = torch.tensor(sorted({piece for one in self._captions for piece in one.text.tokens.ids}))
        self._found = kept(model, dataset, pictures)
        self._place = {answer: at for at, answer in enumerate(dataset.answers)}
        with torch.no_grad():
            self._names = searched(model)
            self._answers = model.encode_text(*encoded(dataset.answers, pieces))

    def questions(self) -> tuple[Tensor, Tensor]:
        """The losses of answers and of what they rest on."""
        asked = self._drawn.sample(self._questions, min(self._lesson.questions, len(self._questions)))
        seen = self._scene(asked)
        ids_BT, mask_BT = _padded(asked)
        found = understood(self._model, seen, self._model.encode_text(ids_BT, mask_BT))
        right_BA = torch.zeros(len(asked), len(self._place))
        for row, one in enumerate(asked):
            for answer in one.text.answers:
                right_BA[row, self._place[answer]] += 1 / len(one.text.answers)
        answers = answer_loss(found.vectors_BD, head_of(self._model).answers(self._answers), right_BA)
        return answers, rests_loss(found.logits_BTK, seen, self._targets(asked), mask_BT)

    def captions(self) -> tuple[Tensor, Tensor]:
        """The losses of words and of what they rest on."""
        asked = self._drawn.sample(self._captions, min(self._lesson.captions, len(self._captions)))
        ids_BT, mask_BT = _padded(asked)
        seen = self._scene(asked)
        read = told(self._model, seen, ids_BT, mask_BT)
        embeddings_VL = self._model.text.embeddings.word.weight
        among = some(self._pieces_S, OTHERS, len(embeddings_VL))
        words = caption_loss(head_of(self._model).words, embeddings_VL, read.states_BTL, ids_BT, mask_BT, among)
        return words, told_rests_loss(read, seen, self._targets(asked), mask_BT)

    def _scene(self, said: Sequence[Said]) -> Scene:
        rows_B = torch.tensor([one.picture for one in said])
        found = (one[rows_B] for one in self._found)
        return scene_of(
            self._model, Search(*(one.float() if one.is_floating_point() else one for one in found)), self._names
        )

    def _targets(self, said: Sequence[Said]) -> Targets:
        boxes, tokens = [], []
        for one in said:
            text, picture = one.text, self._dataset.pictures[one.picture]
            boxes.append(torch.as_tensor(picture.boxes_M4[list(text.rows_M)], dtype=torch.float32))
            tokens.append(of_boxes(asked_of(text, text.phrases_M, len(text.tokens.ids))))
        return Targets(boxes, tokens)


def teach(model: GLIP, dataset: Dataset, lesson: Lesson, file: Path) -> None:
    """`model`: of `with_head`; `file`: where its weights go. InputError: pictures without questions or captions."""
    head = head_of(model).train()
    lessons = Lessons(model, dataset, lesson)
    optimizer = torch.optim.AdamW(head.parameters(), lr=lesson.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    begun, step = time.monotonic(), 0
    while (done := max(step / lesson.steps, (time.monotonic() - begun) / 60 / lesson.minutes)) < 1:
        step += 1
        for group in optimizer.param_groups:
            group["lr"] = lesson.learning_rate * min(1, step / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * done))
        answers, rests = lessons.questions()
        words, told_rests = lessons.captions()
        optimizer.zero_grad()
        (answers + words + RESTS * (rests + told_rests)).backward()
        torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimizer.step()
        if step % EVERY == 0:
            line = f"step {step}: answers {answers:.3f}, captions {words:.3f}, rests {rests:.3f} and {told_rests:.3f}"
            _say(f"{line}, {(time.monotonic() - begun) / step:.2f} s a step")
        if step % SAVED == 0:
            save(model, file, torch.float16)
    head.eval()
    save(model, file, torch.float16)


def _padded(said: Sequence[Said]) -> tuple[Tensor, Tensor]:
    """ids_BT and mask_BT."""
    ids = [one.text.tokens.ids for one in said]
    longest = max(map(len, ids))
    ids_BT = torch.full((len(ids), longest), WordPiece.default().pad_id)
    for row, one in enumerate(ids):
        ids_BT[row, : len(one)] = torch.tensor(one)
    return ids_BT, torch.arange(longest) < torch.tensor([[len(one)] for one in ids])


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m glipv2.training.teach", description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("split", type=Path)
    parser.add_argument("file", type=Path)
    for name, value in vars(Lesson()).items():
        kind = float if isinstance(value, float) else int
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=value)
    options = vars(parser.parse_args())
    weights, split, file = (options.pop(name) for name in ("weights", "split", "file"))
    lesson = Lesson(**options)
    torch.manual_seed(lesson.seed)
    dataset = read(Scenes(split), How(words=True)).dataset
    model = with_head(load(weights), dataset)
    teach(model, dataset, lesson, file)


if __name__ == "__main__":
    main()
