"""Texts of training: which categories, in which order, how many tokens, and whose box is whose phrase."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glipv2.data.asking import Asking, Step, Text, category_text, joined, sentence_text, step_of, text_of
from glipv2.data.records import Dataset, Phrase, Picture, Sentence
from glipv2.errors import InputError
from glipv2.text.prompts import tokens_of
from glipv2.text.wordpiece import WordPiece

TOKENIZER = WordPiece.default()
NAMES = ("person", "traffic_light", "bow_(weapon)", "bow_(ribbon)", "Teddy bear", "saxophone", "left-turn sign", "café")


def picture(*categories: int, absent: tuple[int, ...] | None = None) -> Picture:
    boxes = np.tile(np.asarray([1, 2, 8, 9], np.float32), (len(categories), 1))
    return Picture(1, Path("a.png"), (16, 16), boxes, categories, absent=absent)


def asked(one: Picture, seed: int = 0, full: bool = True, **options: object) -> Text:
    asking = Asking(**options)  # type: ignore[arg-type]
    return category_text(one, NAMES, asking, full, TOKENIZER, np.random.default_rng(seed))


def words(text: Text) -> list[str]:
    return [text.text[start:end] for start, end in text.spans_K]


@pytest.mark.parametrize("seed", range(10))
def test_all_categories_are_asked_for_once(seed: int) -> None:
    text = asked(picture(0, 2, 3, 0), seed)
    assert sorted(words(text)) == [
        "bow",
        "café",
        "left-turn sign",
        "person",
        "saxophone",
        "teddy bear",
        "traffic light",
    ]
    assert words(text) == list(text.names_K)
    assert text.text == ". ".join(words(text))
    assert text.rows_M == (0, 1, 2, 3)
    assert [words(text)[place] for [place] in text.phrases_M] == ["person", "bow", "bow", "person"]


def test_they_are_shuffled_unless_they_are_not_to_be() -> None:
    assert len({asked(picture(0), seed).text for seed in range(10)}) > 5
    fixed = {asked(picture(seed % 8), seed, shuffle=False).text for seed in range(10)}
    assert fixed == {"person. traffic light. bow. teddy bear. saxophone. left-turn sign. café"}


def test_tokens_are_those_of_the_text() -> None:
    for separator in (". ", " . ", " ", ", "):
        for seed in range(20):
            text = asked(picture(0, 5), seed, full=False, names=8, separator=separator)
            assert text.tokens == TOKENIZER.encode(text.text)
    assert joined([], ". ", TOKENIZER) == ("", TOKENIZER.encode(""), ())


@pytest.mark.parametrize("max_tokens", [3, 4, 5, 8, 12, 30])
@pytest.mark.parametrize("full", [True, False])
def test_a_text_has_at_most_so_many_tokens(max_tokens: int, full: bool) -> None:
    for seed in range(20):
        text = asked(picture(0, 1, 2, 4, 5), seed, full, max_tokens=max_tokens)
        assert len(text.tokens.ids) <= max_tokens
        for row, [phrase] in zip(text.rows_M, text.phrases_M, strict=True):
            assert text.names_K[phrase] == ("person", "traffic light", "bow", "teddy bear", "saxophone")[row]
        # What the picture has goes before what it lacks.
        if max_tokens == 3:
            assert words(text) in (["person"], ["bow"], ["saxophone"])


def test_some_are_asked_for_by_number() -> None:
    counts = [len(words(asked(picture(0), seed, full=False, names=4))) for seed in range(200)]
    assert set(counts) == {1, 2, 3, 4}
    assert all("person" in words(asked(picture(0), seed, full=False, names=4)) for seed in range(20))


def test_what_a_picture_lacks_is_sampled() -> None:
    lacking = {word for seed in range(60) for word in words(asked(picture(0), seed, full=False, names=2))} - {"person"}
    assert lacking == {"traffic light", "bow", "teddy bear", "saxophone", "left-turn sign", "café"}


def test_only_what_is_known_to_be_absent_is_asked_for_as_absent() -> None:
    for seed in range(10):
        assert sorted(words(asked(picture(0, absent=(4, 5)), seed))) == ["person", "saxophone", "teddy bear"]
        assert words(asked(picture(0, absent=()), seed)) == ["person"]


def test_a_picture_with_nothing_in_it() -> None:
    text = asked(picture())
    assert (len(words(text)), text.rows_M, text.phrases_M) == (7, (), ())


SENTENCE = Sentence(
    "A man, left of two dogs, waves.", (Phrase(0, 5, (0,)), Phrase(15, 23, (1, 2)), Phrase(7, 23, (2,)))
)


def test_a_sentence() -> None:
    text = sentence_text(SENTENCE, TOKENIZER, 256)
    assert text.tokens == TOKENIZER.encode(SENTENCE.text)
    assert words(text) == ["A man", "two dogs", "left of two dogs"]
    assert text.names_K == (None, None, None)
    assert (text.rows_M, text.phrases_M) == ((0, 1, 2), ((0,), (1,), (1, 2)))


def test_a_sentence_that_is_too_long_is_cut() -> None:
    # [CLS] a man , left of two | dogs , waves . [SEP]
    text = sentence_text(SENTENCE, TOKENIZER, 7)
    assert [TOKENIZER.pieces[one] for one in text.tokens.ids] == ["[CLS]", "a", "man", ",", "left", "of", "[SEP]"]
    assert words(text) == ["A man", "left of two dogs"], "of one phrase nothing is left, of another a part"
    assert (text.rows_M, text.phrases_M) == ((0, 2), ((0,), (1,)))
    assert all(tokens_of(span, text.tokens.spans) for span in text.spans_K)


def test_which_of_both_a_picture_is_asked() -> None:
    boxes = picture(0, 1, 2)
    captions = Picture(1, boxes.file, boxes.size, boxes.boxes_M4, sentences=(SENTENCE,))
    both = Picture(1, boxes.file, boxes.size, boxes.boxes_M4, (0, 1, 2), sentences=(SENTENCE,))
    rng = np.random.default_rng(0)

    def is_caption(one: Picture, names: tuple[str, ...], sentences: bool) -> bool:
        text = text_of(Dataset(names, (), (one,)), one, Asking(), Step(sentences, True), TOKENIZER, rng)
        return text.text == SENTENCE.text

    assert is_caption(both, NAMES, True)
    assert not is_caption(both, NAMES, False)
    assert is_caption(captions, (), False)
    assert is_caption(captions, (), True)
    assert not is_caption(boxes, NAMES, True)


def test_what_the_texts_of_a_step_have_in_common() -> None:
    asking = Asking(full=0.25, sentences_every=4)
    steps = [step_of(asking, step, 7) for step in range(2000)]
    assert steps == [step_of(asking, step, 7) for step in range(2000)]
    assert [one.sentences for one in steps[:8]] == [False, False, False, True] * 2
    assert np.mean([one.full for one in steps]) == pytest.approx(0.25, abs=0.04)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"separator": "and"}, "separator"),
        ({"max_tokens": 2}, "max_tokens"),
        ({"names": 0}, "names"),
        ({"full": 1.5}, "full"),
        ({"sentences_every": -1}, "sentences_every"),
    ],
)
def test_options_that_make_no_text(options: dict[str, object], name: str) -> None:
    with pytest.raises(InputError, match=name):
        Asking(**options)  # type: ignore[arg-type]
