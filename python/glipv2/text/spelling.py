"""Word pieces written as text: the way back from tokens, of which upper case and blanks are lost."""

from __future__ import annotations

from collections.abc import Iterable

from glipv2.text.wordpiece import WordPiece

#: No blank stands before them ...
_CLOSING = frozenset(".,:;!?)]}%'’-/")
#: ... and after them.
_OPENING = frozenset("([{'’-/")


def added(before: str, piece: str) -> str:
    """What a piece adds to the text before it."""
    if piece.startswith("##"):
        return piece[2:]
    joined = not before or piece in _CLOSING or before[-1] in _OPENING
    return piece if joined else f" {piece}"


def spelled(ids: Iterable[int], tokenizer: WordPiece) -> str:
    text = ""
    for one in ids:
        text += added(text, tokenizer.pieces[one])
    return text
