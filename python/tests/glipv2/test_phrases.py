from __future__ import annotations

import pytest

from glipv2.text.phrases import noun_phrases

CAPTIONS = {
    "a man in a red shirt holds an umbrella": ["a man", "a red shirt", "an umbrella"],
    "A man riding a horse on the beach.": ["A man", "a horse", "the beach"],
    "two dogs running": ["two dogs"],
    "the red apple": ["the red apple"],
    "a red star left of the green tent": ["a red star", "the green tent"],
    "two men playing guitar, and a woman singing": ["two men", "guitar", "a woman"],
    "running water near a parking lot": ["running water", "a parking lot"],
    "a tall building with a glass ceiling": ["a tall building", "a glass ceiling"],
    "a cat sits on the mat while two birds fly over it": ["a cat", "the mat", "two birds fly"],
    "the man's hat is blue": ["the man's hat", "blue"],
    "a woman feeds the ducks": ["a woman", "the ducks"],
    "person. bicycle. traffic light": ["person", "bicycle", "traffic light"],
    "a black-and-white dog, a t-shirt; and some well-known people": [
        "a black-and-white dog",
        "a t-shirt",
        "some well-known people",
    ],
    "there is a small blue triangle above the large clock": ["a small blue triangle", "the large clock"],
    "how many red circles are there?": ["red circles"],
    "How much water is in how many of the cups?": ["water", "the cups"],
    "a red rose and two crosses": ["a red rose", "two crosses"],
    "a man crosses the street": ["a man", "the street"],
    "many people": ["many people"],
    "🦊 a fox 🦊 jumps over the fence": ["a fox", "the fence"],
    "two": [],
    "of the and with it": [],
    "": [],
    "...": [],
    "is the bicycle large or small?": ["the bicycle"],
    "which is larger, the small red circle or the drum?": ["the small red circle", "the drum"],
}


@pytest.mark.parametrize("caption", CAPTIONS)
def test_phrases_of_captions(caption: str) -> None:
    assert [caption[start:end] for start, end in noun_phrases(caption)] == CAPTIONS[caption]


def test_spans_count_code_points_and_repeat() -> None:
    assert noun_phrases("🦊 a dog and a dog") == [(2, 7), (12, 17)]


def test_long_captions() -> None:
    assert len(noun_phrases("a dog and " * 20_000)) == 20_000
