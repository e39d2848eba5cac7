"""A caption's words, as the Penn Treebank writes them, in lower case and without punctuation.

COCO's caption evaluation has them from Stanford's tokenizer, a Java program (`ptb.py` runs it where it is there). This
one has the rules that captions meet: clitics ("isn't" is "is n't"), brackets by name, numbers, abbreviations, hyphens
that join. It differs where a text is rarer than that, as in currencies and vulgar fractions; figures by the one are not
quite those by the other.
"""

from __future__ import annotations

import re

#: What the evaluation drops. It names round and curly brackets too, in capitals, which no word in lower case is.
PUNCTUATION = frozenset(("''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-", *".?!,:-", "--", "...", ";"))

_BRACKETS = {"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"}

#: With their period.
_ABBREVIATIONS = (
    "mr|mrs|ms|dr|st|ave|blvd|rd|prof|vs|jr|sr|inc|ltd|co|corp|gen|capt|sgt|lt|col|rev|etc|"
    "jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
)

_TOKEN = re.compile(
    rf"""
    https?://\S+ | [^\s@]+@[^\s@]+\.[^\s@.,;]+
  | (?:[a-z]\.){{2,}}                           # u.s.a.
  | \b(?:{_ABBREVIATIONS})\.                    # st.
  | '\d0s                                       # '90s
  | '(?:s|m|d|re|ve|ll)\b | n't\b               # clitics that stand alone
  | \bno\.(?=\s*\d)                             # no. 7
  | \d+:\d\d(?=[ap]m\b) | \d[\d.,:/]*\d(?!\w)   # 12:45 of 12:45pm; 1,000.50
  | [^\W_]+(?:['/-][^\W_]+)*                    # words, and those that hyphens, apostrophes and slashes join
  | \.\.\.+ | --+ | [!?]{{2,}} | [^\s\w] | _
    """,
    re.VERBOSE,
)

_CLITIC = re.compile(r"(.+?)(n't|'(?:s|m|d|re|ve|ll))")

#: Two words that are written as one.
_TWO = {
    "cannot": ("can", "not"),
    "gonna": ("gon", "na"),
    "wanna": ("wan", "na"),
    "gotta": ("got", "ta"),
    "lemme": ("lem", "me"),
    "gimme": ("gim", "me"),
}


def words_of(caption: str) -> list[str]:
    text = caption.lower().replace("’", "'").replace("‘", "'")
    return [word for token in _TOKEN.findall(text) for word in _parts(token) if _is_word(word)]


def _parts(token: str) -> tuple[str, ...]:
    clitic = _CLITIC.fullmatch(token)
    if clitic is not None:
        return (*_parts(clitic[1]), clitic[2])
    return _TWO.get(token, (_BRACKETS.get(token, token),))


def _is_word(token: str) -> bool:
    return token not in PUNCTUATION and any(letter not in '-–—."“”…' for letter in token)
