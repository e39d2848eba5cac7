"""VQA's rules: what the reference evaluation (GT-Vision-Lab/VQA, at a013f00) makes of each answer."""

from __future__ import annotations

import pytest

from glipv2.text.vqa_words import normalised_answer


@pytest.mark.parametrize(
    ("answer", "is_read"),
    [
        ("The two dogs.", "2 dogs"),
        ("none", "0"),
        ("ten", "10"),
        ("eleven", "eleven"),
        ("  a ", ""),
        ("dont know", "don't know"),
        ("couldnt've", "couldn't've"),
        ("couldn'tve", "couldn't've"),
        ("couldntve", "couldntve"),
        ("'ow'sat", "'ow's'at"),
        ("yall'd've", "y'all'd've"),
        ("somebody'd", "somebodyd"),
        ("Im", "im"),
        ("well", "well"),
        ("lets go", "lets go"),
        ("yes/no", "yes no"),
        ("Rock-n-roll", "rock n roll"),
        ('"stop" !', "stop"),
        ("it is , well", "it is well"),
        ("1,000 people", "1000 people"),
        ("red/blue 1,000", "redblue 1000"),
        ("3.5 m.", "3.5 m"),
        ("U.S.A.", "usa"),
        (".5", ".5"),
        ("5:30", "5:30"),
        ("black\nand\twhite", "black and white"),
    ],
)
def test_answers(answer: str, is_read: str) -> None:
    assert normalised_answer(answer) == is_read
