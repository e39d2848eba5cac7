"""nltk without downloads: its own functions where the data is there, a plain reading of the words where it is not."""

from __future__ import annotations

import re
from typing import Any

from glip_worker.engines.official.compat.patching import Changes, Settings

DETERMINERS = frozenset({"a", "an", "the", "this", "that", "these", "those", "some", "any", "every", "each"})

#: Words that end a noun phrase.
NOT_NOUNS = frozenset(
    (
        *("of", "in", "on", "at", "by", "to", "from", "with", "without", "under", "over", "above", "below", "behind"),
        *("near", "next", "between", "beside", "into", "onto", "for", "as", "and", "or", "but", "not"),
        *("is", "are", "was", "were", "be", "been", "has", "have", "had"),
        *("it", "its", "his", "her", "their", "there", "who", "which", "what"),
    )
)


def nltk_quiet(changes: Changes, settings: Settings) -> None:
    import nltk

    word_tokenize: Any = nltk.word_tokenize
    pos_tag: Any = nltk.pos_tag

    def tokenize(text: str, *args: Any, **options: Any) -> list[str]:
        try:
            found: list[str] = word_tokenize(text, *args, **options)
        except LookupError:
            return plain_words(text)
        return found

    def tag(words: list[str], *args: Any, **options: Any) -> list[tuple[str, str]]:
        try:
            found: list[tuple[str, str]] = pos_tag(words, *args, **options)
        except LookupError:
            return plain_tags(words)
        return found

    changes.set(nltk, "download", lambda *args, **options: False)
    changes.set(nltk, "word_tokenize", tokenize)
    changes.set(nltk, "pos_tag", tag)


def plain_words(text: str) -> list[str]:
    return re.findall(r"\w+(?:[-']\w+)*|[^\w\s]", text)


def plain_tags(words: list[str]) -> list[tuple[str, str]]:
    """Determiner, punctuation, function word, or else noun: enough for a run of words to be one noun phrase."""
    return [(word, _tag(word.lower())) for word in words]


def _tag(word: str) -> str:
    if word in DETERMINERS:
        return "DT"
    if not re.match(r"\w", word):
        return "."
    return "IN" if word in NOT_NOUNS else "NN"
