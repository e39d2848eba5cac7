"""Prompts, spans and phrases with the real vocabulary; no checkout."""

from __future__ import annotations

from typing import Any

import pytest

from glip_worker.errors import GlipError

transformers = pytest.importorskip("transformers")

from glip_worker.engines.official.compat.patches.transformers_bert import PACKAGED  # noqa: E402
from glip_worker.engines.official.phrases import spans_of  # noqa: E402
from glip_worker.engines.official.prompt import (  # noqa: E402
    Prompt,
    Window,
    Wording,
    caption_prompts,
    category_prompts,
    clean_name,
    token_offsets,
    tokens_of,
)

WINDOW = Window(tokens=256, labels=80)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return transformers.AutoTokenizer.from_pretrained(PACKAGED)


def prompts(tokenizer: Any, names: list[str], window: Window = WINDOW, wording: Wording | None = None) -> list[Prompt]:
    return list(category_prompts(tokenizer, names, wording or Wording(". "), window))


def words(tokenizer: Any, prompt: Prompt, label: int) -> str:
    """What a label's tokens say."""
    ids = tokenizer(prompt.text)["input_ids"]
    return str(tokenizer.decode([ids[at] for at in prompt.positive_map[label]]))


def refused(tokenizer: Any, names: list[str], window: Window = WINDOW, wording: Wording | None = None) -> Any:
    with pytest.raises(GlipError) as caught:
        prompts(tokenizer, names, window, wording)
    assert caught.value.code == "invalid_argument"
    assert len(prompts(tokenizer, ["cat"])) == 1
    return caught.value.details


def test_categories_become_one_prompt(tokenizer: Any) -> None:
    (prompt,) = prompts(tokenizer, ["person", "traffic_light", " hair drier (electric) "])
    assert prompt.text == "person. traffic light. hair drier"
    assert prompt.positive_map == {1: [1], 2: [3, 4], 3: [6, 7, 8]}
    assert prompt.first == 0


@pytest.mark.parametrize(
    ("given", "cleaned"), [("a_b", "a b"), ("cup (of tea)", "cup"), ("  two\n spaces", "two spaces"), ("(x)", "")]
)
def test_clean_name(given: str, cleaned: str) -> None:
    assert clean_name(given) == cleaned


@pytest.mark.parametrize(
    "name", ["собака", "kočka", "東京", "ñandú", "ΣΚΥΛΟΣ", "don't-stop", "st. bernard", "dog\u200b", "İstanbul"]
)
def test_other_scripts_keep_their_tokens(tokenizer: Any, name: str) -> None:
    """Every token of the name, and none of its neighbours', although code points and tokens do not line up."""
    (prompt,) = prompts(tokenizer, ["cat", name, "horse"])
    alone = tokenizer(clean_name(name), add_special_tokens=False)["input_ids"]
    ids = tokenizer(prompt.text)["input_ids"]
    assert [ids[at] for at in prompt.positive_map[2]] == alone
    assert words(tokenizer, prompt, 1) == "cat"
    assert words(tokenizer, prompt, 3) == "horse"


@pytest.mark.parametrize(
    "name", ["", "  ", "\t\n", "(only a remark)", "_", "🐕", "狗", "[SEP]", "dog [PAD]", "\u200b", "🐕 🐈"]
)
def test_names_that_say_nothing(tokenizer: Any, name: str) -> None:
    details = refused(tokenizer, ["cat", name])
    assert details["path"] == "categories[1]"
    assert details["received"] == repr(name)


@pytest.mark.parametrize(
    "other", ["traffic light", "Traffic_Light", " traffic  light", "tráffic light", "traffic light (red)"]
)
def test_names_that_read_the_same(tokenizer: Any, other: str) -> None:
    details = refused(tokenizer, ["traffic light", "dog", other])
    assert details["path"] == "categories[2]"
    assert "categories[0] 'traffic light'" in details["received"]


def test_many_categories_fill_several_prompts(tokenizer: Any) -> None:
    names = [f"{animal} number {index}" for index in range(100) for animal in ("hippopotamus", "okapi")]
    several = prompts(tokenizer, names)
    assert len(several) > 1
    assert several[0].first == 0
    said = [words(tokenizer, prompt, label) for prompt in several for label in prompt.positive_map]
    assert said == names
    for prompt, following in zip(several, [*several[1:], None], strict=True):
        assert len(tokenizer(prompt.text)["input_ids"]) <= 256
        assert following is None or following.first == prompt.first + len(prompt.positive_map)
    # As full as they can be: with one more name, a prompt would not fit.
    fuller = several[0].text + ". " + names[several[1].first]
    assert len(tokenizer(fuller)["input_ids"]) > 250


def test_labels_of_the_head_are_a_limit_too(tokenizer: Any) -> None:
    names = [f"thing {index}" for index in range(83)]
    assert [len(prompt.positive_map) for prompt in prompts(tokenizer, names)] == [80, 3]
    few = prompts(tokenizer, names[:11], Window(256, 5))
    assert [(prompt.first, len(prompt.positive_map)) for prompt in few] == [(0, 5), (5, 5), (10, 1)]


def test_a_prompt_that_just_fits(tokenizer: Any) -> None:
    fits = " ".join(["dog"] * 254)
    (prompt,) = prompts(tokenizer, [fits])
    assert prompt.positive_map == {1: list(range(1, 255))}
    details = refused(tokenizer, ["cat", fits + " dog"])
    assert details["path"] == "categories[1]"
    assert details["expected"] == "a name of at most 254 tokens"


def test_caption_prompts_word_the_categories(tokenizer: Any) -> None:
    around = [
        {"prefix": "there is a ", "name": "fish", "suffix": " that swims"},
        {"prefix": "", "name": "star fish", "suffix": " in five parts"},
    ]
    (prompt,) = prompts(tokenizer, ["fish", "starfish"], wording=Wording(". ", around))
    assert prompt.text == "there is a fish that swims. star fish in five parts"
    assert [words(tokenizer, prompt, label) for label in (1, 2)] == ["fish", "star fish"]
    assert refused(tokenizer, ["fish"], wording=Wording(". ", around))["path"] == "categories"


def test_distractors_are_read_in_every_prompt(tokenizer: Any) -> None:
    several = prompts(tokenizer, ["cat", "dog"], Window(256, 1), Wording(". ", None, ("sky", "wall")))
    assert [prompt.text for prompt in several] == ["cat. sky. wall", "dog. sky. wall"]
    assert [prompt.positive_map for prompt in several] == [{1: [1]}, {1: [1]}]


CAPTION = "A man, his dog & another dog."


def test_spans_of_a_caption(tokenizer: Any) -> None:
    (prompt,) = caption_prompts(tokenizer, CAPTION, [(0, 5), (21, 28), (22, 23)], WINDOW)
    assert prompt.text == CAPTION
    assert [words(tokenizer, prompt, label) for label in (1, 2, 3)] == ["a man", "another dog", "another"]
    offsets = token_offsets(tokenizer, CAPTION)
    assert offsets[0] is None
    assert offsets[-1] is None
    assert tokens_of((5, 7), offsets) == [3]


def test_a_span_inside_of_a_word_takes_its_token(tokenizer: Any) -> None:
    (prompt,) = caption_prompts(tokenizer, "the hippopotamus sleeps", [(5, 6)], WINDOW)
    ids = tokenizer("the hippopotamus sleeps")["input_ids"]
    assert tokenizer.convert_ids_to_tokens([ids[at] for at in prompt.positive_map[1]]) == ["hip"]


@pytest.mark.parametrize(
    ("caption", "spans", "path"),
    [
        ("", [(0, 1)], "caption"),
        (" \n", [(0, 1)], "caption"),
        ("dog " * 255, [(0, 3)], "caption"),
        (CAPTION, [(0, 5), (3, 3)], "phrases[1]"),
        (CAPTION, [(5, 3)], "phrases[0]"),
        (CAPTION, [(0, len(CAPTION) + 1)], "phrases[0]"),
        (CAPTION, [(0, 5), (1, 2)], "phrases[1]"),
        (CAPTION, [(0, 5), (0, 5)], "phrases[1]"),
    ],
)
def test_captions_and_spans_that_are_refused(
    tokenizer: Any, caption: str, spans: list[tuple[int, int]], path: str
) -> None:
    with pytest.raises(GlipError) as caught:
        caption_prompts(tokenizer, caption, spans, WINDOW)
    assert (caught.value.code, caught.value.details["path"]) == ("invalid_argument", path)
    assert len(list(caption_prompts(tokenizer, CAPTION, [(0, 5)], WINDOW))) == 1


def test_a_long_caption_says_how_long(tokenizer: Any) -> None:
    with pytest.raises(GlipError, match="at most 256 tokens, special ones included, got 302"):
        caption_prompts(tokenizer, "dog " * 300, [(0, 3)], WINDOW)


def test_more_spans_than_labels(tokenizer: Any) -> None:
    caption = "one two three four five"
    spans = [(0, 3), (4, 7), (8, 13), (14, 18), (19, 23)]
    several = list(caption_prompts(tokenizer, caption, spans, Window(256, 2)))
    assert [(prompt.text, prompt.first) for prompt in several] == [(caption, 0), (caption, 2), (caption, 4)]
    assert [words(tokenizer, several[at // 2], at % 2 + 1) for at in range(5)] == caption.split()


@pytest.mark.parametrize(
    ("phrases", "caption", "expected"),
    [
        (["a dog", "a dog"], "A dog and a dog", ["A dog", "a dog"]),
        (["cat"], "a category of cat", ["cat"]),
        (["dog", "the dog"], "The dog chases dog", ["The dog", "dog"]),
        (["c++ (a book)", "[x"], "he reads c++ (a book) [x", ["c++ (a book)", "[x"]),
        (["man s hat"], "the man's hat", ["man's hat"]),
        (["ice cream"], "ice-cream", ["ice-cream"]),
        (["unicorn", ""], "a horse", []),
        (["dog"], "İİ dog", ["dog"]),
        (["straße", "köpek"], "eine STRASSE, köpek", ["köpek"]),
    ],
)
def test_phrases_are_found_where_they_stand(phrases: list[str], caption: str, expected: list[str]) -> None:
    assert [caption[start:end] for start, end in spans_of(phrases, caption)] == expected
