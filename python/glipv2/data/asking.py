"""What a model is given to read with a picture in training: categories, a sentence or a question about it, or the
caption that it is to tell.

Legend: M boxes that the text speaks of, K phrases of the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np

from glipv2.data.records import Dataset, Picture, Question, Sentence
from glipv2.errors import InputError
from glipv2.text.prompts import Span, clean_name, tokens_of
from glipv2.text.wordpiece import NOWHERE, Tokens, WordPiece

#: What a text is for.
Kind = Literal["boxes", "questions", "captions"]


@dataclass(frozen=True)
class Asking:
    """How texts are made."""

    max_tokens: int = 256
    """Of a text, [CLS] and [SEP] included. A sentence that is longer is cut."""

    separator: str = ". "
    """Between two categories; it begins and ends with a mark or a blank."""

    full: float = 0.5
    """Part of the steps that ask for all categories at once, as detection does, or for as many as a text holds: a model
    that was never asked for most of what a picture lacks finds it there."""

    names: int = 24
    """The other steps ask for 1 to so many categories, which is cheaper."""

    shuffle: bool = True
    """False: categories in the data set's order, as tuned prompts need it."""

    sentences_every: int = 3
    """Of so many steps one asks for what sentences speak of where pictures have both sentences and categories; 0: none.
    Steps are not mixed, so that texts of a batch are of like length."""

    questions: float = 0.0
    """Part of the steps that ask questions, of the pictures that have any,"""

    captions: float = 0.0
    """and part of those that tell captions."""

    longest_caption: int = 64
    """Tokens of a caption, [CLS] and [SEP] included. A longer one is cut, and then not ended."""

    def __post_init__(self) -> None:
        if not self.separator or self.separator[0].isalnum() or self.separator[-1].isalnum():
            raise InputError("separator", "text that begins and ends with a mark or a blank", repr(self.separator))
        for name, value, least in (("max_tokens", self.max_tokens, 3), ("names", self.names, 1)):
            if value < least:
                raise InputError(name, f"at least {least}", str(value))
        if self.sentences_every < 0 or not 0 <= self.full <= 1:
            raise InputError("full, sentences_every", "0 to 1, and 0 or more", f"{self.full}, {self.sentences_every}")
        if min(self.questions, self.captions) < 0 or self.questions + self.captions > 1 + 1e-9:
            expected = "parts of the steps, 1 together at most"
            raise InputError("questions, captions", expected, f"{self.questions}, {self.captions}")


class Text(NamedTuple):
    """What is read beside a picture."""

    text: str

    tokens: Tokens

    names_K: tuple[str | None, ...]
    """The category of each phrase, the same word for the same category in every data set; None: a caption's phrase."""

    spans_K: tuple[Span, ...]
    """Where the phrases stand."""

    rows_M: tuple[int, ...]
    """The boxes: rows of the picture's."""

    phrases_M: tuple[tuple[int, ...], ...]
    """Which of the phrases speak of each box, at least one."""

    kind: Kind = "boxes"

    answers: tuple[str, ...] = ()
    """Of a question; one that several people gave comes as often."""

    grounded: bool = True
    """Whether all that the text speaks of has boxes."""

    @property
    def truth(self) -> str:
        """What must stay true of the picture as it is seen."""
        return " ".join((self.text, *self.answers))


class Step(NamedTuple):
    """What all texts of a step have in common."""

    sentences: bool
    """Sentences are preferred to categories."""

    full: bool
    """All categories are asked for."""

    kind: Kind = "boxes"
    """What pictures are asked for that have it: `boxes` that a text speaks of, an answer, a caption."""


def step_of(asking: Asking, step: int, seed: int) -> Step:
    every = asking.sentences_every
    sentences = every > 0 and step % every == every - 1
    full, kind = np.random.default_rng([seed, step]).random(2).tolist()
    return Step(sentences, full < asking.full, _kind(asking, kind))


def _kind(asking: Asking, drawn: float) -> Kind:
    if drawn < asking.questions:
        return "questions"
    return "captions" if drawn < asking.questions + asking.captions else "boxes"


def text_of(
    dataset: Dataset, picture: Picture, asking: Asking, step: Step, tokenizer: WordPiece, rng: np.random.Generator
) -> Text:
    """A question, a caption, a sentence, or categories, as the step wants it and the picture has it."""
    if step.kind == "questions" and picture.questions:
        question = picture.questions[int(rng.integers(len(picture.questions)))]
        return question_text(question, tokenizer, asking.max_tokens)
    if step.kind == "captions" and picture.captions:
        caption = picture.captions[int(rng.integers(len(picture.captions)))]
        return told_text(caption, tokenizer, asking.longest_caption)
    if picture.sentences and (step.sentences or not dataset.names):
        sentence = picture.sentences[int(rng.integers(len(picture.sentences)))]
        return sentence_text(sentence, tokenizer, asking.max_tokens)
    return category_text(picture, dataset.names, asking, step.full, tokenizer, rng)


def sentence_text(sentence: Sentence, tokenizer: WordPiece, max_tokens: int) -> Text:
    """Phrases beyond the last token are not asked for."""
    tokens = tokenizer.encode(sentence.text)
    if len(tokens.ids) > max_tokens:
        keep = max_tokens - 1
        tokens = Tokens([*tokens.ids[:keep], tokens.ids[-1]], [*tokens.spans[:keep], tokens.spans[-1]])
    spans: list[Span] = []
    phrases: dict[int, tuple[int, ...]] = {}
    for phrase in sentence.phrases:
        span = (phrase.start, phrase.end)
        if not tokens_of(span, tokens.spans):
            continue
        for row in phrase.objects:
            phrases[row] = (*phrases.get(row, ()), len(spans))
        spans.append(span)
    rows = tuple(sorted(phrases))
    return Text(sentence.text, tokens, (None,) * len(spans), tuple(spans), rows, tuple(phrases[row] for row in rows))


def question_text(question: Question, tokenizer: WordPiece, max_tokens: int) -> Text:
    text = sentence_text(question.sentence, tokenizer, max_tokens)
    return text._replace(kind="questions", answers=question.answers, grounded=question.grounded)


def told_text(caption: Sentence, tokenizer: WordPiece, max_tokens: int) -> Text:
    """Without a [SEP] when it is cut: the caption does not end there."""
    text = sentence_text(caption, tokenizer, max_tokens + 1)
    ids, spans = text.tokens.ids[:max_tokens], text.tokens.spans[:max_tokens]
    return text._replace(tokens=Tokens(ids, spans), kind="captions", grounded=bool(caption.phrases))


def category_text(
    picture: Picture,
    names: Sequence[str],
    asking: Asking,
    full: bool,
    tokenizer: WordPiece,
    rng: np.random.Generator,
) -> Text:
    """Categories of the picture first, then others that it lacks, as many as fit; a category that does not fit has no
    box. Names that read the same are one phrase."""
    words = [word_of(name) for name in names]
    of_boxes = [words[category] for category in picture.categories_M]
    present = list(dict.fromkeys(of_boxes))
    lacking = names_lacking(picture, words)
    rng.shuffle(present)
    rng.shuffle(lacking)
    count = len(present) + len(lacking) if full else int(rng.integers(1, asking.names + 1))
    asked = fitting([*present, *lacking][:count], asking, tokenizer)
    if asking.shuffle:
        rng.shuffle(asked)
    else:
        order = {word: place for place, word in reversed([*enumerate(words)])}
        asked.sort(key=order.__getitem__)
    text, tokens, spans = joined(asked, asking.separator, tokenizer)
    phrase = {word: (place,) for place, word in enumerate(asked)}
    rows = tuple(row for row, word in enumerate(of_boxes) if word in phrase)
    phrases_M = tuple(phrase[of_boxes[row]] for row in rows)
    return Text(text, tokens, tuple(asked), spans, rows, phrases_M)


def joined(words: Sequence[str], separator: str, tokenizer: WordPiece) -> tuple[str, Tokens, tuple[Span, ...]]:
    """The text, its tokens as `tokenizer.encode` has them, and where the words stand in it."""
    text, spans = "", []
    tokens = Tokens([tokenizer.cls_id], [NOWHERE])
    for place, word in enumerate(words):
        for part in (separator, word) if place else (word,):
            start = len(text)
            ids, places = _pieces(tokenizer, part)
            tokens.ids.extend(ids)
            tokens.spans.extend((start + first, start + last) for first, last in places)
            text += part
        spans.append((start, len(text)))
    tokens.ids.append(tokenizer.sep_id)
    tokens.spans.append(NOWHERE)
    return text, tokens, tuple(spans)


def names_lacking(picture: Picture, words: Sequence[str]) -> list[str]:
    """What the picture is known not to have, each once."""
    present = {words[category] for category in picture.categories_M}
    known = words if picture.absent is None else [words[category] for category in picture.absent]
    return [word for word in dict.fromkeys(known) if word not in present]


def fitting(words: Sequence[str], asking: Asking, tokenizer: WordPiece) -> list[str]:
    """As many of them as a text holds; earlier ones go first."""
    left = asking.max_tokens - 2
    between = len(_pieces(tokenizer, asking.separator)[0])
    fit: list[str] = []
    for word in words:
        needed = len(_pieces(tokenizer, word)[0]) + (between if fit else 0)
        if needed <= left:
            fit.append(word)
            left -= needed
    return fit


@lru_cache(maxsize=1 << 16)
def word_of(name: str) -> str:
    """What the model reads for a category: to it, "Traffic_light" and "traffic light" are the same."""
    return clean_name(name).lower()


@lru_cache(maxsize=1 << 16)
def _pieces(tokenizer: WordPiece, text: str) -> tuple[list[int], list[Span]]:
    """Ids and places of the tokens, without [CLS] and [SEP]. Categories are the same in every step."""
    tokens = tokenizer.encode(text)
    return tokens.ids[1:-1], tokens.spans[1:-1]
