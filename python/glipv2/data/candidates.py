"""The answers among which a batch's questions choose: those that are right for one of them, and others.

Legend: B questions, A candidates, T tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from glipv2.text.wordpiece import WordPiece

#: Candidates of a batch, unless its own answers are more: a vocabulary of thousands is not read in each step.
MOST = 512

#: Tokens of a candidate that are read, the first and last included.
LONGEST = 32


class Candidates(NamedTuple):
    ids_AT: Tensor

    mask_AT: Tensor
    """True where there is a token, False for padding."""


def candidates(
    answers_B: Sequence[Sequence[str]], known: Sequence[str], tokenizer: WordPiece, rng: np.random.Generator
) -> tuple[Candidates, Tensor]:
    """And right_BA, how much each is right for each question: its part of the question's answers.

    `answers_B`: right ones, none for what is no question; `known`: all that there are.
    """
    chosen = list(dict.fromkeys(one for answers in answers_B for one in answers))
    there = set(chosen)
    others = [one for one in dict.fromkeys(known) if one not in there]
    rng.shuffle(others)
    chosen += others[: max(0, MOST - len(chosen))]
    place = {answer: row for row, answer in enumerate(chosen)}
    right_BA = torch.zeros(len(answers_B), max(1, len(chosen)))
    for row, answers in enumerate(answers_B):
        for one in answers:
            right_BA[row, place[one]] += 1 / len(answers)
    return encoded(chosen or ["none"], tokenizer), right_BA


def encoded(answers: Sequence[str], tokenizer: WordPiece) -> Candidates:
    """At least one."""
    ids = [candidate_ids(one, tokenizer) for one in answers]
    longest = max(map(len, ids))
    ids_AT = torch.full((len(ids), longest), tokenizer.pad_id)
    for row, one in enumerate(ids):
        ids_AT[row, : len(one)] = torch.tensor(one)
    return Candidates(ids_AT, torch.arange(longest) < torch.tensor([[len(one)] for one in ids]))


def candidate_ids(answer: str, tokenizer: WordPiece) -> list[int]:
    """As it is read; what is too long is cut."""
    ids = tokenizer.encode(answer).ids
    return ids if len(ids) <= LONGEST else [*ids[: LONGEST - 1], ids[-1]]
