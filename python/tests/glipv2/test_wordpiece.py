from __future__ import annotations

import hashlib
import random
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from glipv2.text.unicode8 import NONSPACING
from glipv2.text.wordpiece import VOCABULARY, WordPiece


@pytest.fixture(scope="module")
def tokenizer() -> WordPiece:
    return WordPiece.default()


@pytest.fixture(scope="module")
def published() -> Any:
    """The fast tokenizer of transformers, on the same vocabulary."""
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    return transformers.BertTokenizerFast.from_pretrained(str(VOCABULARY.parent)).backend_tokenizer


def pieces(tokenizer: WordPiece, text: str) -> list[tuple[str, str]]:
    """Each token with what it stands for in the text, without [CLS] and [SEP]."""
    tokens = tokenizer.encode(text)
    assert tokens.spans[0] == tokens.spans[-1] == (-1, -1)
    inner = zip(tokens.ids[1:-1], tokens.spans[1:-1], strict=True)
    return [(tokenizer.pieces[one], text[start:end]) for one, (start, end) in inner]


def test_the_vocabulary_is_the_published_one(tokenizer: WordPiece) -> None:
    digest = hashlib.sha256(VOCABULARY.read_bytes()).hexdigest()
    assert digest == "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
    special = (tokenizer.pad_id, tokenizer.unknown_id, tokenizer.cls_id, tokenizer.sep_id, tokenizer.mask_id)
    assert (len(tokenizer.pieces), special) == (30522, (0, 100, 101, 102, 103))
    assert WordPiece.default() is tokenizer


def test_a_caption(tokenizer: WordPiece) -> None:
    tokens = tokenizer.encode("A cup. Dogs!")
    assert tokens.ids == [101, 1037, 2452, 1012, 6077, 999, 102]
    assert tokens.spans == [(-1, -1), (0, 1), (2, 5), (5, 6), (7, 11), (11, 12), (-1, -1)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \t\n\u3000", []),
        ("unaffable", [("una", "una"), ("##ffa", "ffa"), ("##ble", "ble")]),
        ("Café", [("cafe", "Café")]),
        ("Cafe\u0301s", [("cafes", "Cafe\u0301s")]),
        ("İzmir", [("i", "İ"), ("##z", "z"), ("##mir", "mir")]),
        ("a\u200b\x00b", [("ab", "a\u200b\x00b")]),
        ("車人", [("車", "車"), ("人", "人")]),
        ("한", [("ᄒ", "한"), ("##ᅡ", "한"), ("##ᆫ", "한")]),
        ("dog😀 x", [("[UNK]", "dog😀"), ("x", "x")]),
        ("$5-x", [("$", "$"), ("5", "5"), ("-", "-"), ("x", "x")]),
        ("a[MASK]b [mask]", [("a", "a"), ("[MASK]", "[MASK]"), ("b", "b"), ("[", "["), ("mask", "mask"), ("]", "]")]),
        ("a" * 101, [("[UNK]", "a" * 101)]),
    ],
)
def test_words(tokenizer: WordPiece, text: str, expected: list[tuple[str, str]]) -> None:
    assert pieces(tokenizer, text) == expected


def test_a_vocabulary_of_ones_own() -> None:
    tokenizer = WordPiece(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Cup", "cup", "##s", "É"], lower_case=False)
    assert pieces(tokenizer, "Cups É") == [("Cup", "Cup"), ("##s", "s"), ("É", "É")]


def test_a_vocabulary_without_special_tokens_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "words.txt"
    file.write_text("[PAD]\n[UNK]\n[CLS]\ncup\n")
    with pytest.raises(ValueError, match=r"words\.txt: expected the special tokens .* but \[SEP\], \[MASK\] of them"):
        WordPiece(file)


def test_every_character_as_published(tokenizer: WordPiece, published: Any) -> None:
    characters = [chr(one) for one in range(0x110000) if not 0xD800 <= one < 0xE000]
    texts = [f"ab{one}cd" for one in characters]
    for start in range(0, len(texts), 100):
        # A hundred at a time, since each text costs the other side a call.
        text = " ".join(texts[start : start + 100])
        assert_equal(tokenizer, published, text)


def test_random_texts_as_published(tokenizer: WordPiece, published: Any) -> None:
    draw = random.Random(0)
    for _ in range(5000):
        assert_equal(tokenizer, published, "".join(chunk(draw) for _ in range(draw.choice((1, 3, 10, 40)))))


SCRIPTS = (
    "abcdefghijklmnopqrstuvwxyz  ",
    "ABCÉÈÀüßøİıΣσςÅ ",
    "".join(map(chr, range(0x300, 0x370))) + "aeiou ",
    "人物车的狗猫 a1",
    "😀👩\u200d👧🏽🇩🇪 \u200d\ufe0f",
    "\t\n\r\x00\x01\x1f\x7f\x85\u2028\xa0\u3000\u200b",
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~¿«»…—",
    "가각한국어 ㄱ",
    "ไทยكتابשלוםहिन्दी ",
    "0123456789.,",
)
WHOLE = ("[SEP]", "[MASK]", "[CLS]", "[UNK]", "[PAD]", "[sep]", "running", "unaffable", "x" * 100, "x" * 101)


def chunk(draw: random.Random) -> str:
    kind = draw.random()
    if kind < 0.1:
        return draw.choice(WHOLE)
    if kind < 0.4:
        character = chr(draw.randrange(0x110000 if kind < 0.25 else 0x3000))
        # Marks that stay in their word but may change places with another: see WordPiece.
        moving = unicodedata.combining(character) and not NONSPACING.match(character)
        return "a" if moving or 0xD800 <= ord(character) < 0xE000 else character
    script = draw.choice(SCRIPTS)
    return "".join(draw.choice(script) for _ in range(draw.randint(1, 8)))


def assert_equal(tokenizer: WordPiece, published: Any, text: str) -> None:
    tokens, expected = tokenizer.encode(text), published.encode(text)
    spans = [(-1, -1), *expected.offsets[1:-1], (-1, -1)]
    assert (tokens.ids, tokens.spans) == (expected.ids, spans), text
