"""The noun phrases of a caption, found by its words alone: no tagger, no data to fetch.

English has few words that are not nouns, adjectives or verbs, and they are listed here; they end a phrase, and a
determiner or a numeral starts one. Of verbs, captions use few: those are listed too, and what stands right before a
determiner ("a man feeds the birds") is one even if it is not. Wrong now and then, as taggers are: callers who
know the phrases name them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]

#: A word or a mark; "left of", "how many" and their like are one word, which no phrase has.
_WORD = re.compile(r"\b(?:(?:left|right) of|how (?:many|much|few))\b|\w+(?:['’-]\w+)*|[^\w\s]", re.IGNORECASE)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


DETERMINERS = _words(
    """a an the this that these those some any every each another other both all several many few no my your his her
    its our their one two three four five six seven eight nine ten eleven twelve dozen dozens lots"""
)

#: They end a phrase, and are in none.
BETWEEN = _words(
    """of in on at by to from with without within under underneath over above below beneath behind near next between
    among amongst beside besides into onto upon for as and or but nor not off out up down along across against
    around about after before during while through toward towards inside outside atop via per than like until
    since because so if when where whose who whom which what why how there here it he she they them him i you we
    us me himself herself itself themselves is are was were be been being am has have had having do does did
    done can could will would may might must shall should very too also just then together away back apart front"""
)

#: Verbs of captions that may well stand before a preposition, by their stems.
_VERBS = _words(
    """sit stand lie lay walk run ride hold wear look lean jump fly swim play eat drink drive carry push pull throw
    catch sleep rest hang point talk speak smile laugh wait watch read write cut cook serve fill cover surround
    contain show follow lead cross climb fall float graze perch pose gather move turn travel sail surf ski skate
    kick hit swing reach touch rise grow face use make take give get put go come see work dance sing wash clean
    brush open close park sell buy pick set keep stretch stare peek hug kiss feed chase bark prepare attach
    mount tie"""
)

#: Forms that the rules below do not make.
_IRREGULAR = _words(
    """sat stood lay lain laid ran rode ridden held wore worn leant flew flown swam ate eaten drank drove driven threw
    thrown caught slept hung spoke read wrote written cut led fell fallen rose risen grew grown made took taken
    gave given got put went gone came seen saw sang sung sold bought kept fed tied lies dies"""
)

#: Nouns that look like a present participle.
_THINGS = _words(
    """building buildings ceiling painting drawing railing clothing wedding string ring king wing thing lightning
    evening morning awning bowling spring sling earring building pudding dressing icing lighting seating parking
    crossing something anything nothing everything viking duckling swing sibling wing stocking flooring siding
    bedding"""
)


#: They end no phrase: "is the bicycle large or small?"
_SIZES = _words("large small big little huge tiny larger smaller bigger largest smallest biggest")


def noun_phrases(caption: str) -> list[Span]:
    """`(start, end)` of each, in code points, `end` exclusive, in order; none overlap, and none is empty."""
    spans: list[Span] = []
    phrase: list[re.Match[str]] = []
    for word in [*_WORD.finditer(caption), None]:
        text = "" if word is None else word.group().lower()
        starts = text in DETERMINERS
        if word is not None and not starts and text not in BETWEEN and " " not in text and re.match(r"\w", text):
            phrase.append(word)
            continue
        # "the man's two dogs": a determiner after a possessive or an adjective goes on; after a bare verb it does not.
        spans.extend(_parts(phrase, before_determiner=starts))
        phrase = [word] if word is not None and starts else []
    return spans


def _parts(words: list[re.Match[str]], before_determiner: bool) -> Iterator[Span]:
    """The phrases of a run of words without any that ends one: verbs divide it."""
    if before_determiner and len(words) > 1 and _first_noun(words) < len(words) - 1:
        # Nothing else joins a phrase to the next one's determiner.
        words = words[:-1]
    part: list[re.Match[str]] = []
    for at, word in enumerate(words):
        if _is_verb(word.group().lower(), last=at == len(words) - 1, has_noun=_has_noun(part)):
            yield from _span(part)
            part = []
        else:
            part.append(word)
    yield from _span(part)


def _is_verb(word: str, last: bool, has_noun: bool) -> bool:
    if word in _THINGS:
        return False
    if word.endswith("ing") and len(word) > 4:
        # "a dog running", "two men playing guitar", but "running water" and "a flying bird".
        return has_noun or last
    return word in _FORMS and (has_noun or last)


def _forms() -> frozenset[str]:
    forms = set(_IRREGULAR)
    for verb in _VERBS:
        stem = verb[:-1] if verb.endswith("e") else verb
        short = verb[:-1] + "i" if verb.endswith("y") and verb[-2] not in "aeou" else None
        forms |= {f"{verb}s", f"{stem}ed"} if short is None else {f"{short}es", f"{short}ed"}
        forms |= {f"{verb}es", f"{verb}{verb[-1]}ed"}
    # As nouns they are more frequent.
    return frozenset(forms) - _words(
        "plays shows works parks points uses faces cooks rides drinks cuts sets rings rose crosses"
    )


_FORMS = _forms()


def _first_noun(words: list[re.Match[str]]) -> int:
    """Index of the first word that may be the noun of a phrase."""
    return next((at for at, word in enumerate(words) if word.group().lower() not in DETERMINERS), len(words))


def _has_noun(words: list[re.Match[str]]) -> bool:
    return _first_noun(words) < len(words)


def _span(words: list[re.Match[str]]) -> Iterator[Span]:
    while words and words[-1].group().lower() in _SIZES:
        words = words[:-1]
    if _has_noun(words):
        yield words[0].start(), words[-1].end()
