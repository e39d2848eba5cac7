"""All measures of a set of captions, as COCO's caption evaluation gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from glipv2.errors import InputError
from glipv2.scoring.captions.bleu import bleu
from glipv2.scoring.captions.cider import cider, cider_d
from glipv2.scoring.captions.java import AbsentError
from glipv2.scoring.captions.meteor import meteor
from glipv2.scoring.captions.ptb import ptb_words
from glipv2.scoring.captions.rouge import rouge_l
from glipv2.scoring.captions.spice import spice
from glipv2.scoring.captions.stretches import Words
from glipv2.scoring.captions.words import words_of


@dataclass(frozen=True)
class CaptionScores:
    bleu: tuple[float, float, float, float]
    """BLEU-1 to BLEU-4, 0 to 1."""
    rouge_l: float
    """0 to 1."""
    cider: float
    """0 to 10 (often given times 100)."""
    cider_d: float
    """0 to 10: what the reference evaluation calls CIDEr."""
    meteor: float | None
    """0 to 1; None: see `absent`."""
    spice: float | None
    """0 to 1; None: see `absent`."""
    captions: int
    words: Literal["stanford", "own"]
    """Whose they are: published figures have those of Stanford's tokenizer."""
    absent: dict[str, str] = field(default_factory=dict)
    """What was not measured, or not by the reference's program, and what it needs."""


def caption_scores(
    found: Mapping[int, str], references: Mapping[int, Sequence[str]], jars: Path | None = None
) -> CaptionScores:
    """`found`, `references`: by picture, the same ones in both. `jars`: as `java` has it.

    InputError: a picture has no caption, or no reference; there is no picture.
    JavaError: a program that is there fails.
    """
    pictures = _pictures(found, references)
    absent: dict[str, str] = {}
    texts = [found[one] for one in pictures]
    theirs = [references[one] for one in pictures]
    words, whose = _words([*texts, *(text for several in theirs for text in several)], jars, absent)
    rest = iter(words[len(texts) :])
    mine = words[: len(texts)]
    wanted = [[next(rest) for _ in several] for several in theirs]
    bleus = bleu(mine, wanted)
    return CaptionScores(
        bleu=(bleus[0], bleus[1], bleus[2], bleus[3]),
        rouge_l=_mean(rouge_l(mine, wanted)),
        cider=_mean(cider(mine, wanted)),
        cider_d=_mean(cider_d(mine, wanted)),
        meteor=_meteor(mine, wanted, jars, absent),
        spice=_spice(mine, wanted, jars, absent),
        captions=len(pictures),
        words=whose,
        absent=absent,
    )


def cider_of_each(found: Mapping[int, str], references: Mapping[int, Sequence[str]]) -> dict[int, float]:
    """CIDEr-D by picture, 0 to 10, with words of our own: a difference of tokenizers changes no order worth the name.

    InputError: as `caption_scores`.
    """
    pictures = _pictures(found, references)
    mine = [words_of(found[one]) for one in pictures]
    wanted = [[words_of(text) for text in references[one]] for one in pictures]
    return dict(zip(pictures, cider_d(mine, wanted), strict=True))


def _pictures(found: Mapping[int, str], references: Mapping[int, Sequence[str]]) -> list[int]:
    if not references:
        raise InputError("references", "captions of at least one picture", "none")
    for name, here, there in (("found", found, references), ("references", references, found)):
        missing = sorted(set(there) - set(here))
        if missing:
            shown = ", ".join(map(str, missing[:5]))
            raise InputError(name, "captions of the same pictures in both", f"none for {len(missing)}, such as {shown}")
    for picture, several in references.items():
        if not several:
            raise InputError(f"references[{picture}]", "at least one caption", "none")
    return sorted(references)


def _words(
    captions: Sequence[str], jars: Path | None, absent: dict[str, str]
) -> tuple[list[list[str]], Literal["stanford", "own"]]:
    try:
        return ptb_words(captions, jars), "stanford"
    except AbsentError as error:
        absent["words"] = str(error)
        return [words_of(one) for one in captions], "own"


def _meteor(
    found: list[list[str]], references: Sequence[Sequence[Words]], jars: Path | None, absent: dict[str, str]
) -> float | None:
    try:
        return meteor(found, references, jars)[0]
    except AbsentError as error:
        absent["meteor"] = str(error)
        return None


def _spice(
    found: list[list[str]], references: Sequence[Sequence[Words]], jars: Path | None, absent: dict[str, str]
) -> float | None:
    try:
        return _mean(spice(found, references, jars))
    except AbsentError as error:
        absent["spice"] = str(error)
        return None


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
