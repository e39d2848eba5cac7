"""Answers as VQA's evaluation compares them: its rules about numbers, articles, apostrophes and punctuation.

The rules are those of the reference evaluation (github.com/GT-Vision-Lab/VQA, PythonEvaluationTools), its peculiarities
among them: what is compared by other rules is not comparable with published figures.
"""

from __future__ import annotations

import re

NUMBERS = {
    "none": "0",
    "zero": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "ten": "10",
}

ARTICLES = frozenset(("a", "an", "the"))

#: Words that are known with one of their apostrophes left out. Others are not, so that "well" and "shed" stay words.
_WITH_APOSTROPHES = """
ain't aren't can't couldn't didn't doesn't don't hadn't hasn't haven't isn't mightn't mustn't needn't oughtn't shan't
shouldn't wasn't weren't won't wouldn't
could've might've must've not've should've they've we've what've where've who've would've you've
couldn't've hadn't've mightn't've shouldn't've wouldn't've
he'd how'd it'd someone'd something'd there'd they'd where'd who'd you'd
he'd've it'd've she'd've somebody'd've someone'd've something'd've there'd've they'd've we'd've who'd've you'd've
how'll it'll somebody'll someone'll something'll they'll what'll who'll why'll you'll
he's how's somebody's someone's that's there's what's when's where's who's why's
there're they're what're why're you're
ma'am o'clock 'ow's'at 'twas y'all y'all'll y'all'd've
"""

_APOSTROPHES = {
    word[:place] + word[place + 1 :]: word
    for word in _WITH_APOSTROPHES.split()
    for place, letter in enumerate(word)
    if letter == "'"
} | {"somebody'd": "somebodyd"}  # the reference's slip

_MARKS = ';/[]"{}()=+\\_->@<`,?!'

_COMMA_IN_NUMBER = re.compile(r"\d,\d")

#: Any but a decimal point.
_PERIOD = re.compile(r"\.(?!\d)")


def normalised_answer(text: str) -> str:
    """`"The two dogs."` -> `"2 dogs"`. It may be empty: nothing is left of `"a"`."""
    words = (NUMBERS.get(word, word) for word in _without_marks(text).lower().split())
    return " ".join(_APOSTROPHES.get(word, word) for word in words if word not in ARTICLES)


def _without_marks(text: str) -> str:
    """A mark beside a blank goes; one between words becomes a blank, unless a number has a comma anywhere."""
    text = text.replace("\n", " ").replace("\t", " ").strip()
    numbers = _COMMA_IN_NUMBER.search(text) is not None
    left = text
    for mark in _MARKS:
        goes = numbers or f"{mark} " in text or f" {mark}" in text
        left = left.replace(mark, "" if goes else " ")
    return _PERIOD.sub("", left)
