"""What the model reads: categories joined to texts, or a caption, and which tokens stand for which label.

A span is `(start, end)` in code points, `end` exclusive. Labels count from 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from glipv2.errors import InputError
from glipv2.text.wordpiece import NOWHERE, WordPiece

Span = tuple[int, int]


@dataclass(frozen=True)
class Prompt:
    """One text for the model, and what its labels mean."""

    text: str

    ids: list[int]
    """Its tokens, [CLS] and [SEP] included."""

    groups: list[list[int]]
    """Positions of each label's tokens among them."""

    first: int
    """What label 0 is: an index into the categories or phrases; the others follow."""


@dataclass(frozen=True)
class Wording:
    """How categories become text."""

    separator: str = ". "
    """Between two of them. The official demo has " . ", and its scores differ a little."""

    around: Sequence[Mapping[str, str]] | None = None
    """`prefix`, `name` and `suffix` of each category, which are read in place of its name: the official
    CAPTION_PROMPT."""

    distractors: Sequence[str] = ()
    """Names that are read too, in every text, and never found: the official SUPRESS_QUERY."""

    repeated: bool = False
    """Whether categories that read the same are each asked for, as LVIS has some: `bow_(weapon)` and
    `bow_(decorative_ribbons)`. Otherwise they are refused."""


@dataclass(frozen=True)
class Window:
    """How much one text may hold."""

    tokens: int = 256
    """[CLS] and [SEP] included."""

    labels: int | None = None
    """None: any number. The official head tells 80 apart."""


@dataclass(frozen=True)
class _Category:
    prefix: str
    name: str
    suffix: str

    @property
    def text(self) -> str:
        return self.prefix + self.name + self.suffix


def clean_name(name: str) -> str:
    """Without what is in parentheses, underscores as spaces, single spaces: as the official evaluation has it."""
    return " ".join(re.sub(r"\(.*\)", "", name).replace("_", " ").split())


def category_prompts(
    tokenizer: WordPiece, names: Sequence[str], wording: Wording | None = None, window: Window | None = None
) -> list[Prompt]:
    """As many prompts as the names need, in order, each as full as the window allows; none for no names.

    InputError: a name that is empty, unknown to the vocabulary, too long, or the same as another one to the model.
    """
    wording, window = wording or Wording(), window or Window()
    categories = _categories(tokenizer, names, wording)
    return list(_prompts(tokenizer, categories, wording, window))


def caption_prompts(
    tokenizer: WordPiece, caption: str, spans: Sequence[Span], window: Window | None = None
) -> list[Prompt]:
    """The caption as it is, with a label for each span; once for every `window.labels` of them, none for no span.

    InputError: an empty caption, one longer than the window, a span outside of it or without a token, or twice.
    """
    window = window or Window()
    tokens = tokenizer.encode(caption)
    if not caption.strip():
        raise InputError("caption", "a text", repr(caption))
    if len(tokens.ids) > window.tokens:
        expected = f"at most {window.tokens} tokens, special ones included"
        raise InputError("caption", expected, str(len(tokens.ids)))
    groups: list[list[int]] = []
    seen: set[Span] = set()
    for index, (start, end) in enumerate(spans):
        path = f"phrases[{index}]"
        if (start, end) in seen:
            raise InputError(path, "a span of its own", f"{start} to {end} again")
        if not 0 <= start < end <= len(caption):
            expected = f"a span with 0 <= start < end <= {len(caption)}, in code points"
            raise InputError(path, expected, f"{start} to {end}")
        seen.add((start, end))
        groups.append(tokens_of((start, end), tokens.spans))
        if not groups[-1]:
            raise InputError(path, "a span with a word in it", repr(caption[start:end]))
    step = window.labels or max(len(groups), 1)
    return [Prompt(caption, tokens.ids, groups[at : at + step], at) for at in range(0, len(groups), step)]


def tokens_of(span: Span, spans: Sequence[Span]) -> list[int]:
    """Positions of the tokens that share a character with the span; none for spaces and what the tokenizer drops.

    `spans`: of the tokens, in the text's order, as `WordPiece.encode` says them.
    """
    start, end = span
    return [at for at, token in enumerate(spans) if token != NOWHERE and token[0] < end and start < token[1]]


def _categories(tokenizer: WordPiece, names: Sequence[str], wording: Wording) -> list[_Category]:
    if wording.around is not None and len(wording.around) != len(names):
        expected = f"the {len(wording.around)} categories that the prompt words, in their order"
        raise InputError("categories", expected, f"{len(names)} of them")
    seen: dict[tuple[int, ...], int] = {}
    categories = []
    for index, given in enumerate(names):
        name = clean_name(given)
        ids = _checked(tokenizer, f"categories[{index}]", given, name)
        if ids in seen and not wording.repeated:
            received = f"{given!r}, which reads the same as categories[{seen[ids]}] {names[seen[ids]]!r}"
            raise InputError(f"categories[{index}]", "a name of its own", received)
        seen[ids] = index
        words = {"prefix": "", "name": name, "suffix": ""} if wording.around is None else wording.around[index]
        categories.append(_Category(words["prefix"], words["name"], words["suffix"]))
    return categories


def _checked(tokenizer: WordPiece, path: str, given: str, name: str) -> tuple[int, ...]:
    """The name's tokens."""
    if not name:
        raise InputError(path, "a name", repr(given))
    ids = tuple(tokenizer.encode(name).ids[1:-1])
    if all(one == tokenizer.unknown_id for one in ids):
        raise InputError(path, "a name that the text encoder's English vocabulary can spell", repr(given))
    if {tokenizer.cls_id, tokenizer.sep_id, tokenizer.pad_id, tokenizer.mask_id}.intersection(ids):
        raise InputError(path, "a name without the text encoder's own marks, like [SEP]", repr(given))
    return ids


def _prompts(
    tokenizer: WordPiece, categories: Sequence[_Category], wording: Wording, window: Window
) -> Iterator[Prompt]:
    rest = len(tokenizer.encode(wording.separator.join(wording.distractors)).ids)
    sizes = [_length(tokenizer, one.text + wording.separator) for one in categories]
    labels = window.labels or len(categories)
    first = 0
    while first < len(categories):
        end, tokens = first, rest
        while end < len(categories) and end - first < labels and (end == first or tokens + sizes[end] <= window.tokens):
            tokens += sizes[end]
            end += 1
        # What the pieces need by themselves is a little more than they need together, as a rule.
        while (prompt := _joined(tokenizer, categories[first:end], wording, window, first)) is None:
            end -= 1
            if end == first:
                expected = f"a name of at most {window.tokens - rest} tokens"
                raise InputError(
                    f"categories[{first}]", expected, f"one of {_length(tokenizer, categories[first].text)}"
                )
        yield prompt
        first = end


def _joined(
    tokenizer: WordPiece, categories: Sequence[_Category], wording: Wording, window: Window, first: int
) -> Prompt | None:
    """None: it does not fit the window."""
    text, spans = "", []
    for index, one in enumerate(categories):
        text += (wording.separator if index else "") + one.prefix
        spans.append((len(text), len(text) + len(one.name)))
        text += one.name + one.suffix
    if wording.distractors:
        text += wording.separator + wording.separator.join(wording.distractors)
    tokens = tokenizer.encode(text)
    if len(tokens.ids) > window.tokens:
        return None
    return Prompt(text, tokens.ids, [tokens_of(span, tokens.spans) for span in spans], first)


def _length(tokenizer: WordPiece, text: str) -> int:
    """Tokens, without [CLS] and [SEP]."""
    return len(tokenizer.encode(text).ids) - 2
