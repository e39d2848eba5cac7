"""What the model reads: categories joined into prompts, and which tokens stand for which label.

A span is `(start, end)` in code points, `end` exclusive. Labels count from 1, as the official head does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from glip_worker.errors import invalid_argument

Span = tuple[int, int]


@dataclass(frozen=True)
class Prompt:
    """One text for the model, and what its labels mean."""

    text: str

    positive_map: dict[int, list[int]]
    """Positions of each label's tokens."""

    first: int
    """What label 1 is: an index into the categories or phrases; the others follow."""


@dataclass(frozen=True)
class Wording:
    """How categories become text: keys of the configuration, DATASETS below."""

    separator: str
    """SEPARATION_TOKENS."""

    around: Sequence[dict[str, str]] | None = None
    """CAPTION_PROMPT, if it is in use: prefix, name and suffix of each category."""

    distractors: Sequence[str] = ()
    """SUPRESS_QUERY, if it is in use: names that are read too and never given."""

    repeated: bool = False
    """Whether categories that read the same are each asked for, as LVIS has some; otherwise they are refused."""


@dataclass(frozen=True)
class Window:
    """How much one prompt may hold."""

    tokens: int
    """With the two special ones: MODEL.LANGUAGE_BACKBONE.MAX_QUERY_LEN."""

    labels: int
    """What the head tells apart."""


def clean_name(name: str) -> str:
    """Without what is in parentheses, underscores as spaces, single spaces: as the official evaluation has it."""
    return " ".join(re.sub(r"\(.*\)", "", name).replace("_", " ").split())


def category_prompts(tokenizer: Any, names: Sequence[str], wording: Wording, window: Window) -> Iterator[Prompt]:
    """As many prompts as `names` need, in order, each as full as the window allows.

    Names are cleaned and joined by the separator as the official evaluation does it, which the published figures come
    from; the official demo joins by " . " and scores differ a little. GlipError `invalid_argument` names the category:
    empty, unknown to the vocabulary, too long, or the same as another one to the model.
    """
    parts = _parts(tokenizer, names, wording)
    return _prompts(tokenizer, parts, wording, window)


def _parts(tokenizer: Any, names: Sequence[str], wording: Wording) -> list[tuple[str, str, str]]:
    """Prefix, name and suffix of each category."""
    if wording.around is not None and len(wording.around) != len(names):
        expected = f"the {len(wording.around)} categories that DATASETS.CAPTION_PROMPT words, in their order"
        raise invalid_argument("categories", expected, f"{len(names)} of them")
    seen: dict[tuple[int, ...], int] = {}
    parts = []
    for index, given in enumerate(names):
        path = f"categories[{index}]"
        name = clean_name(given)
        if not name:
            raise invalid_argument(path, "a name", repr(given))
        ids = tuple(tokenizer(name, add_special_tokens=False)["input_ids"])
        if all(one == tokenizer.unk_token_id for one in ids):
            raise invalid_argument(path, "a name that the text encoder's English vocabulary can spell", repr(given))
        if {one for one in ids if one != tokenizer.unk_token_id}.intersection(tokenizer.all_special_ids):
            raise invalid_argument(path, "a name without the text encoder's own marks, like [SEP]", repr(given))
        if ids in seen and not wording.repeated:
            received = f"{given!r}, which reads the same as categories[{seen[ids]}] {names[seen[ids]]!r}"
            raise invalid_argument(path, "a name of its own", received)
        seen[ids] = index
        words = None if wording.around is None else wording.around[index]
        parts.append(("", name, "") if words is None else (words["prefix"], words["name"], words["suffix"]))
    return parts


def _prompts(
    tokenizer: Any, parts: Sequence[tuple[str, str, str]], wording: Wording, window: Window
) -> Iterator[Prompt]:
    sizes = [len(tokenizer("".join(part) + wording.separator, add_special_tokens=False)["input_ids"]) for part in parts]
    rest = len(tokenizer(wording.separator.join(wording.distractors))["input_ids"])
    first = 0
    while first < len(parts):
        end, tokens = first, rest
        while (
            end < len(parts) and end - first < window.labels and (end == first or tokens + sizes[end] <= window.tokens)
        ):
            tokens += sizes[end]
            end += 1
        # What the pieces need by themselves is a little more than they need together, as a rule.
        while (prompt := _joined(tokenizer, parts[first:end], wording, window, first)) is None:
            end -= 1
            if end == first:
                expected = f"a name of at most {window.tokens - rest} tokens"
                raise invalid_argument(f"categories[{first}]", expected, f"one of {sizes[first]}")
        yield prompt
        first = end


def _joined(
    tokenizer: Any, parts: Sequence[tuple[str, str, str]], wording: Wording, window: Window, first: int
) -> Prompt | None:
    """None: it does not fit the window."""
    text, spans = "", []
    for index, (prefix, name, suffix) in enumerate(parts):
        text += (wording.separator if index else "") + prefix
        spans.append((len(text), len(text) + len(name)))
        text += name + suffix
    if wording.distractors:
        text += wording.separator + wording.separator.join(wording.distractors)
    offsets = token_offsets(tokenizer, text)
    if len(offsets) > window.tokens:
        return None
    return Prompt(text, {label: tokens_of(span, offsets) for label, span in enumerate(spans, 1)}, first)


def token_offsets(tokenizer: Any, text: str) -> list[Span | None]:
    """The span of each token, special ones included, which have none. The text is not cut."""
    encoded = tokenizer(text, return_offsets_mapping=True, return_special_tokens_mask=True, truncation=False)
    special = encoded["special_tokens_mask"]
    return [
        None if mask else (start, end) for mask, (start, end) in zip(special, encoded["offset_mapping"], strict=True)
    ]


def tokens_of(span: Span, offsets: Sequence[Span | None]) -> list[int]:
    """Positions of the tokens that share a character with the span; none for spaces and what the tokenizer drops."""
    return [at for at, token in enumerate(offsets) if token is not None and token[0] < span[1] and span[0] < token[1]]


def caption_prompts(tokenizer: Any, caption: str, spans: Sequence[Span], window: Window) -> Iterator[Prompt]:
    """The caption as it is, once for every `window.labels` spans.

    GlipError `invalid_argument`: an empty caption, one longer than the window, a span outside of it or without a token.
    """
    offsets = token_offsets(tokenizer, caption)
    if not caption.strip():
        raise invalid_argument("caption", "a text", repr(caption))
    if len(offsets) > window.tokens:
        expected = f"at most {window.tokens} tokens, special ones included"
        raise invalid_argument("caption", expected, f"{len(offsets)}")
    tokens: list[list[int]] = []
    for index, (start, end) in enumerate(spans):
        path = f"phrases[{index}]"
        if (start, end) in spans[:index]:
            raise invalid_argument(path, "a span of its own", f"{start} to {end} again")
        if not start < end <= len(caption):
            expected = f"a span with start < end <= {len(caption)}, in code points"
            raise invalid_argument(path, expected, f"{start} to {end}")
        tokens.append(tokens_of((start, end), offsets))
        if not tokens[-1]:
            raise invalid_argument(path, "a span with a word in it", repr(caption[start:end]))
    return _caption_prompts(caption, tokens, window)


def _caption_prompts(caption: str, tokens: Sequence[list[int]], window: Window) -> Iterator[Prompt]:
    for first in range(0, len(tokens), window.labels):
        part = tokens[first : first + window.labels]
        yield Prompt(caption, dict(enumerate(part, 1)), first)
