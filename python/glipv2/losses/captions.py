"""The loss of captions: each word from the picture and the words before it.

GLIPv2 masks the attention to later words and tells masked ones; here every word is told from the state of the one
before it, so that all of a caption's words teach something in each step.

Legend: B captions, T tokens, L channels of a token, P tokens that are told, V pieces of the vocabulary, S
some of them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from glipv2.losses import processes
from glipv2.text.masked_words import MaskedWordHead


class Some(NamedTuple):
    """Pieces of the vocabulary that stand for all of it, once each."""

    ids_S: Tensor
    """All that captions have, and others by lot,"""

    corrections_S: Tensor
    """and the logarithm of how many each of them stands for (sampled softmax: Jean et al., 2015)."""

    place_V: Tensor
    """Of each piece of the vocabulary, where it stands in `ids_S`."""


def some(ids_S: Tensor, others: int, vocabulary: int) -> Some:
    """`ids_S`: pieces that captions have; `others`: of the rest, at most so many."""
    rest_V = torch.ones(vocabulary, dtype=torch.bool)
    rest_V[ids_S] = False
    rest_R = rest_V.nonzero()[:, 0]
    drawn_D = rest_R[torch.randperm(len(rest_R))[:others]]
    corrections_S = torch.zeros(len(ids_S) + len(drawn_D))
    corrections_S[len(ids_S) :] = math.log(max(len(rest_R), 1) / max(len(drawn_D), 1))
    ids_S = torch.cat([ids_S, drawn_D])
    place_V = torch.zeros(vocabulary, dtype=torch.int64)
    place_V[ids_S] = torch.arange(len(ids_S))
    return Some(ids_S, corrections_S, place_V)


def caption_loss(
    head: MaskedWordHead,
    embeddings_VL: Tensor,
    states_BTL: Tensor,
    ids_BT: Tensor,
    mask_BT: Tensor,
    among: Some | None = None,
) -> Tensor:
    """Mean cross-entropy of the tokens after the first, [SEP] included, of all processes; 0 where there are none.

    `states_BTL`: of `told_states`; `mask_BT`: False for padding, and all of it for what is no caption; `among`: for a
    small part of the price, with all pieces of `ids_BT`.
    """
    told_BT = mask_BT[:, 1:]
    states_PL, wanted_P = states_BTL[:, :-1][told_BT].float(), ids_BT[:, 1:][told_BT]
    if among is None:
        of_part = F.cross_entropy(head(states_PL, embeddings_VL), wanted_P, reduction="sum")
    else:
        logits_PS = head(states_PL, embeddings_VL[among.ids_S], head.bias[among.ids_S]) + among.corrections_S
        of_part = F.cross_entropy(logits_PS, among.place_V[wanted_P], reduction="sum")
    count = processes.mean(told_BT.sum().to(of_part.dtype))
    # Of several processes, only some may have any.
    return of_part / count.clamp(min=1 / processes.world_size())
