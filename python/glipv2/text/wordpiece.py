"""The uncased WordPiece tokenizer of BERT, with the place of every token in the text.

Text is cleaned (control characters out, every blank a space, a space around each Chinese character), decomposed, freed
of accents and lower-cased; then split into words at blanks and around punctuation; then each word into the longest
pieces of the vocabulary, from left to right (Wu et al., 2016, section 4.1). A word with no such split is one [UNK].
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from glipv2.text.unicode8 import CHINESE, NONSPACING, OTHER, PUNCTUATION

VOCABULARY = Path(__file__).resolve().parents[1] / "assets" / "bert-base-uncased" / "vocab.txt"

UNKNOWN, CLS, SEP, PAD, MASK = "[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"
SPECIAL = (UNKNOWN, CLS, SEP, PAD, MASK)

#: A word of more characters is one [UNK], whatever the vocabulary says.
LONGEST_WORD = 100

NOWHERE = (-1, -1)

# Special tokens are recognised as they stand in the text, before anything is done to it.
_SPECIAL = re.compile("|".join(map(re.escape, SPECIAL)))


@dataclass(frozen=True)
class Tokens:
    """A text as tokens, [CLS] first and [SEP] last."""

    ids: list[int]
    """Line of each token in the vocabulary."""
    spans: list[tuple[int, int]]
    """Where each token stands in the original text: start and end (exclusive) in code points; the [CLS] and [SEP] that
    the tokenizer added stand nowhere, at (-1, -1)."""


@dataclass(frozen=True)
class _Word:
    characters: str
    origins: list[int]
    """Index in the original text of each of the characters; one original character may have become several."""


class WordPiece:
    """`vocabulary`: a file of one piece a line, or the pieces. ValueError when it lacks a special token.

    Ids and spans are those of the published fast tokenizer, with one exception: the span of an [UNK] may differ by the
    marks at its ends, where marks that BERT does not take for accents are not in Unicode's canonical order.
    """

    def __init__(self, vocabulary: Path | Sequence[str], lower_case: bool = True) -> None:
        pieces = _read(vocabulary) if isinstance(vocabulary, Path) else list(vocabulary)
        missing = [one for one in SPECIAL if one not in pieces]
        if missing:
            source = str(vocabulary) if isinstance(vocabulary, Path) else "the vocabulary given"
            raise ValueError(
                f"{source}: expected the special tokens {', '.join(SPECIAL)}, but {', '.join(missing)} of them is not "
                f"among its {len(pieces)} pieces; give a WordPiece vocabulary of BERT, one piece a line"
            )
        self.pieces = pieces
        self.lower_case = lower_case
        self._ids = {piece: line for line, piece in enumerate(pieces)}
        self.unknown_id, self.cls_id, self.sep_id, self.pad_id, self.mask_id = (self._ids[one] for one in SPECIAL)

    @classmethod
    def default(cls) -> WordPiece:
        """The vocabulary of bert-base-uncased, 30,522 pieces: GLIP's own. Read once."""
        return _default()

    def encode(self, text: str) -> Tokens:
        """Tokens of the text, as many as there are: cutting and padding are the caller's."""
        ids, spans = [self.cls_id], [NOWHERE]
        for token, span in self._tokens(text):
            ids.append(token)
            spans.append(span)
        return Tokens([*ids, self.sep_id], [*spans, NOWHERE])

    def _tokens(self, text: str) -> Iterator[tuple[int, tuple[int, int]]]:
        start = 0
        for special in _SPECIAL.finditer(text):
            for word in self._words(text, start, special.start()):
                yield from self._split(word)
            yield self._ids[special.group()], special.span()
            start = special.end()
        for word in self._words(text, start, len(text)):
            yield from self._split(word)

    def _words(self, text: str, start: int, end: int) -> Iterator[_Word]:
        """Words of text[start:end], normalised; a punctuation mark and a Chinese character is a word of its own."""
        characters: list[str] = []
        origins: list[int] = []
        for place in range(start, end):
            for part in _normalised(text[place], self.lower_case):
                alone = _is_alone(part)
                if (alone or part == " ") and characters:
                    yield _Word("".join(characters), origins)
                    characters, origins = [], []
                if alone:
                    yield _Word(part, [place])
                elif part != " ":
                    characters.append(part)
                    origins.append(place)
        if characters:
            yield _Word("".join(characters), origins)

    def _split(self, word: _Word) -> list[tuple[int, tuple[int, int]]]:
        """The longest pieces from left to right, or [UNK] for the whole word."""
        characters, origins = word.characters, word.origins
        whole = [(self.unknown_id, (origins[0], origins[-1] + 1))]
        if len(characters) > LONGEST_WORD:
            return whole
        found: list[tuple[int, tuple[int, int]]] = []
        start = 0
        while start < len(characters):
            for end in range(len(characters), start, -1):
                piece = self._ids.get(("##" if start else "") + characters[start:end])
                if piece is not None:
                    break
            else:
                return whole
            found.append((piece, (origins[start], origins[end - 1] + 1)))
            start = end
        return found


@cache
def _default() -> WordPiece:
    return WordPiece(VOCABULARY)


def _read(path: Path) -> list[str]:
    # Not splitlines(): the vocabulary has pieces that it takes for the end of a line.
    return path.read_text("utf-8").removesuffix("\n").split("\n")


@lru_cache(maxsize=4096)
def _normalised(character: str, lower_case: bool) -> str:
    """What becomes of one character: itself, nothing, a space, or its decomposition without accents in lower case.

    One at a time: lower-casing a whole text would make a final sigma of some sigmas, which BERT does not know.
    """
    if character in "\t\n\r":
        return " "
    if OTHER.match(character) or character in "\0\ufffd":
        return ""
    if character.isspace():
        return " "
    if not lower_case:
        return character
    bare = NONSPACING.sub("", unicodedata.normalize("NFD", character))
    return "".join(one.lower() for one in bare)


@lru_cache(maxsize=4096)
def _is_alone(character: str) -> bool:
    return bool(PUNCTUATION.match(character) or CHINESE.match(character))
