"""L_mlm: words that regions speak of are masked, and told from the rest of the text and from the picture.

By BERT's rule (Devlin et al., 2019, section 3.1), on grounded words alone: what no box speaks of cannot be seen.

Legend: B pictures, M boxes of a picture, T tokens, L channels of a token, P masked tokens, V pieces of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from glipv2.losses import processes
from glipv2.text.masked_words import MaskedWordHead

#: Part of the words that are to be told.
SHARE = 0.15

#: Part of these that become [MASK], and that become any word; the others stay, so that a word may also be itself.
MASKED, REPLACED = 0.8, 0.1


class Masked(NamedTuple):
    ids_BT: Tensor
    """What the model is given to read."""

    told_BT: Tensor
    """True for the tokens that are to be told."""


def grounded(tokens_MT: Sequence[Tensor]) -> Tensor:
    """words_BT, bool: the tokens that speak of a box. `tokens_MT`: as in `Targets`, all of the same T."""
    return torch.stack([one.any(dim=0) for one in tokens_MT])


def mask_words(ids_BT: Tensor, words_BT: Tensor, mask_id: int, vocabulary: int, generator: torch.Generator) -> Masked:
    """`words_BT`: where a word may be masked. `vocabulary`: number of its pieces. All on the generator's device, whose
    state is the same in all processes."""
    pictures, tokens = ids_BT.shape
    draws_BT, fates_BT, words = (processes.draw(pictures, tokens, generator) for _ in range(3))
    told_BT = words_BT & (draws_BT < SHARE)
    masked_BT = torch.where(told_BT & (fates_BT < MASKED), mask_id, ids_BT)
    replaced_BT = told_BT & (fates_BT >= MASKED) & (fates_BT < MASKED + REPLACED)
    return Masked(torch.where(replaced_BT, (words * vocabulary).long(), masked_BT), told_BT)


def mlm_loss(
    head: MaskedWordHead, embeddings_VL: Tensor, states_BTL: Tensor, ids_BT: Tensor, told_BT: Tensor
) -> Tensor:
    """Mean cross-entropy of the tokens that are to be told, of all processes; 0 where there are none.

    `states_BTL`: what the model says of the tokens; `ids_BT`: what they were.
    """
    logits_PV = head(states_BTL[told_BT].float(), embeddings_VL)
    of_part = F.cross_entropy(logits_PV, ids_BT[told_BT], reduction="sum")
    count = processes.mean(told_BT.sum().to(of_part.dtype))
    # Of several processes, only some may have any.
    return of_part / count.clamp(min=1 / processes.world_size())
