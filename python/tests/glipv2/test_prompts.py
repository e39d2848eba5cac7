from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from glip_worker.engines.official import prompt as engine
from glip_worker.errors import GlipError
from glipv2.errors import InputError
from glipv2.text.prompts import (
    Prompt,
    Span,
    Window,
    Wording,
    caption_prompts,
    category_prompts,
    clean_name,
    tokens_of,
)
from glipv2.text.wordpiece import VOCABULARY, WordPiece

TOKENIZER = WordPiece.default()
OFFICIAL = Window(tokens=256, labels=80)


def words(prompt: Prompt, label: int) -> str:
    """What a label's tokens say."""
    return " ".join(TOKENIZER.pieces[prompt.ids[at]] for at in prompt.groups[label]).replace(" ##", "")


def refused(names: Sequence[str], window: Window | None = None, wording: Wording | None = None) -> InputError:
    with pytest.raises(InputError) as caught:
        category_prompts(TOKENIZER, names, wording, window)
    assert isinstance(caught.value, ValueError)
    return caught.value


def test_categories_become_one_text() -> None:
    (prompt,) = category_prompts(TOKENIZER, ["person", "traffic_light", " hair drier (electric) "])
    assert prompt.text == "person. traffic light. hair drier"
    assert prompt.groups == [[1], [3, 4], [6, 7, 8]]
    assert prompt.first == 0
    assert prompt.ids == TOKENIZER.encode(prompt.text).ids


@pytest.mark.parametrize(
    ("given", "cleaned"), [("a_b", "a b"), ("cup (of tea)", "cup"), ("  two\n spaces", "two spaces"), ("(x)", "")]
)
def test_clean_name(given: str, cleaned: str) -> None:
    assert clean_name(given) == cleaned


@pytest.mark.parametrize(
    "name", ["собака", "kočka", "東京", "ΣΚΥΛΟΣ", "don't-stop", "st. bernard", "dog\u200b", "İstanbul"]
)
def test_other_scripts_keep_their_tokens(name: str) -> None:
    (prompt,) = category_prompts(TOKENIZER, ["cat", name, "horse"])
    assert [prompt.ids[at] for at in prompt.groups[1]] == TOKENIZER.encode(clean_name(name)).ids[1:-1]
    assert (words(prompt, 0), words(prompt, 2)) == ("cat", "horse")


@pytest.mark.parametrize(
    "name", ["", "  ", "\t\n", "(only a remark)", "_", "🐕", "狗", "[SEP]", "dog [PAD]", "\u200b", "🐕 🐈"]
)
def test_names_that_say_nothing(name: str) -> None:
    error = refused(["cat", name])
    assert (error.path, error.received) == ("categories[1]", repr(name))
    assert str(error) == f"categories[1]: expected {error.expected}, got {name!r}"


@pytest.mark.parametrize(
    "other", ["traffic light", "Traffic_Light", " traffic  light", "tráffic light", "traffic light (red)"]
)
def test_names_that_read_the_same(other: str) -> None:
    error = refused(["traffic light", "dog", other])
    assert error.path == "categories[2]"
    assert "categories[0] 'traffic light'" in error.received


def test_no_names_no_prompts() -> None:
    assert category_prompts(TOKENIZER, []) == []
    assert caption_prompts(TOKENIZER, "a dog", []) == []


def test_many_categories_fill_several_texts() -> None:
    names = [f"{animal} number {index}" for index in range(100) for animal in ("hippopotamus", "okapi")]
    several = category_prompts(TOKENIZER, names)
    assert len(several) > 1
    assert [words(prompt, label) for prompt in several for label in range(len(prompt.groups))] == names
    assert [prompt.first for prompt in several[1:]] == [one.first + len(one.groups) for one in several[:-1]]
    assert all(len(prompt.ids) <= 256 for prompt in several)
    # As full as they can be: with one more name, a text would not fit.
    assert all(len(TOKENIZER.encode(f"{one.text}. okapi number 1").ids) > 250 for one in several[:-1])


def test_labels_are_a_limit_where_one_is_given() -> None:
    names = [f"thing {index}" for index in range(83)]
    assert [len(prompt.groups) for prompt in category_prompts(TOKENIZER, names, window=OFFICIAL)] == [80, 3]
    assert [len(prompt.groups) for prompt in category_prompts(TOKENIZER, names)] == [83]


def test_a_text_that_just_fits() -> None:
    fits = " ".join(["dog"] * 254)
    (prompt,) = category_prompts(TOKENIZER, [fits])
    assert prompt.groups == [list(range(1, 255))]
    error = refused(["cat", fits + " dog"])
    assert (error.path, error.expected, error.received) == (
        "categories[1]",
        "a name of at most 254 tokens",
        "one of 255",
    )


AROUND = [
    {"prefix": "there is a ", "name": "fish", "suffix": " that swims"},
    {"prefix": "", "name": "star fish", "suffix": " in five parts"},
]


def test_categories_can_be_worded() -> None:
    (prompt,) = category_prompts(TOKENIZER, ["fish", "starfish"], Wording(". ", AROUND))
    assert prompt.text == "there is a fish that swims. star fish in five parts"
    assert [words(prompt, label) for label in (0, 1)] == ["fish", "star fish"]
    assert refused(["fish"], wording=Wording(". ", AROUND)).path == "categories"


def test_distractors_are_read_in_every_text() -> None:
    several = category_prompts(TOKENIZER, ["cat", "dog"], Wording(". ", None, ("sky", "wall")), Window(256, 1))
    assert [prompt.text for prompt in several] == ["cat. sky. wall", "dog. sky. wall"]
    assert [prompt.groups for prompt in several] == [[[1]], [[1]]]


CAPTION = "A man, his dog & another dog."


def test_spans_of_a_caption() -> None:
    (prompt,) = caption_prompts(TOKENIZER, CAPTION, [(0, 5), (21, 28), (22, 23)])
    assert prompt.text == CAPTION
    assert [words(prompt, label) for label in range(3)] == ["a man", "another dog", "another"]
    assert tokens_of((5, 7), TOKENIZER.encode(CAPTION).spans) == [3]


def test_more_spans_than_labels() -> None:
    caption = "one two three four five"
    spans = [(0, 3), (4, 7), (8, 13), (14, 18), (19, 23)]
    several = caption_prompts(TOKENIZER, caption, spans, Window(256, 2))
    assert [(prompt.text, prompt.first) for prompt in several] == [(caption, 0), (caption, 2), (caption, 4)]
    assert [words(several[at // 2], at % 2) for at in range(5)] == caption.split()


@pytest.mark.parametrize(
    ("caption", "spans", "path"),
    [
        ("", [(0, 1)], "caption"),
        (" \n", [(0, 1)], "caption"),
        ("dog " * 255, [(0, 3)], "caption"),
        (CAPTION, [(0, 5), (3, 3)], "phrases[1]"),
        (CAPTION, [(-2, 3)], "phrases[0]"),
        (CAPTION, [(0, len(CAPTION) + 1)], "phrases[0]"),
        (CAPTION, [(0, 5), (1, 2)], "phrases[1]"),
        (CAPTION, [(0, 5), (0, 5)], "phrases[1]"),
    ],
)
def test_captions_and_spans_that_are_refused(caption: str, spans: list[Span], path: str) -> None:
    with pytest.raises(InputError) as caught:
        caption_prompts(TOKENIZER, caption, spans)
    assert caught.value.path == path


def test_a_thousand_names_are_no_wait() -> None:
    names = [f"some kind of thing {index}" for index in range(1200)]
    started = time.perf_counter()
    category_prompts(TOKENIZER, names)
    assert time.perf_counter() - started < 2, "seconds; 0.1 where this was written"


PARTS = [
    *("dog", "cat", "traffic light", "Kočka", "hippopotamus", "st. bernard", "don't", "東京", "🐕", "unaffable", "x_y"),
    *("a (b)", "ﬁsh", "İzmir", "one-two", "[SEP]", "", "(c)", "e\u0301clair", "[MASK]ed", "no. 7", "\u200bzero"),
]
SEPARATORS = [". ", " . ", "; ", " ", "-"]


@pytest.fixture(scope="module")
def published() -> Any:
    """The tokenizer that the engine of the official code uses, on the same vocabulary."""
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    return transformers.BertTokenizerFast.from_pretrained(str(VOCABULARY.parent))


def outcome(make: Callable[..., Iterable[Any]], *arguments: Any) -> Any:
    """Texts, groups and first labels, or what the refusal names."""
    try:
        made = list(make(*arguments))
    except InputError as error:
        return error.path
    except GlipError as error:
        return error.details["path"]
    return [
        (one.text, one.groups if isinstance(one, Prompt) else [*one.positive_map.values()], one.first) for one in made
    ]


def test_categories_are_those_of_the_official_engine(published: Any) -> None:
    draw = random.Random(0)
    kinds = {"made": 0, "refused": 0, "several": 0}
    for _ in range(400):
        dirty = draw.random() < 0.2
        names = [
            " ".join(draw.sample(PARTS if dirty else PARTS[:8], draw.randint(1, 3))) + ("" if dirty else f" {number}")
            for number in range(draw.randint(1, 25))
        ]
        wording = (draw.choice(SEPARATORS), None, draw.choice([(), ("sky",), ("sky", "wall paper")]))
        window = (draw.choice([12, 30, 256]), draw.choice([1, 3, 80]))
        expected = outcome(engine.category_prompts, published, names, engine.Wording(*wording), engine.Window(*window))
        found = outcome(category_prompts, TOKENIZER, names, Wording(*wording), Window(*window))
        assert found == expected, (names, wording, window)
        kinds["refused" if isinstance(found, str) else "several" if len(found) > 1 else "made"] += 1
    assert min(kinds.values()) > 20, kinds


def test_worded_categories_are_those_of_the_official_engine(published: Any) -> None:
    names, around = ["a", "b", "c", "d", "e", "f"], AROUND * 3
    official = engine.Wording(". ", around), engine.Window(20, 80)
    expected = outcome(engine.category_prompts, published, names, *official)
    assert outcome(category_prompts, TOKENIZER, names, Wording(". ", around), Window(20, 80)) == expected
    assert len(expected) > 1


def test_captions_are_those_of_the_official_engine(published: Any) -> None:
    draw = random.Random(1)
    refused = 0
    for _ in range(400):
        caption = draw.choice([" ", ", ", ""]).join(draw.choices(PARTS, k=draw.randint(1, 9)))
        starts = [draw.randint(0, len(caption)) for _ in range(draw.randint(0, 5))]
        spans = [(start, start + draw.randint(1, 12)) for start in starts]
        window = (draw.choice([12, 256]), draw.choice([2, 80]))
        expected = outcome(engine.caption_prompts, published, caption, spans, engine.Window(*window))
        found = outcome(caption_prompts, TOKENIZER, caption, spans, Window(*window))
        assert found == expected, (caption, spans, window)
        refused += isinstance(found, str)
    assert 50 < refused < 350
