"""How well each label fits each region: the probabilities of its tokens, made one.

Legend: N regions, T tokens of the text, U those of any label, K labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

#: The positions of each label's tokens in the text. A label without one is never found.
Groups = Sequence[Sequence[int]]

#: Over the tokens of a label. The released models are scored by the mean.
Aggregation = Literal["mean", "max"]


def label_scores(logits_NT: Tensor, groups: Groups, aggregation: Aggregation = "mean") -> Tensor:
    """scores_KN in 0 to 1, float32: for each label, as the regions of one label lie together in memory.

    ValueError: a token that the text does not have.
    """
    tokens = logits_NT.shape[1]
    used = sorted({token for group in groups for token in group})
    if used and not 0 <= used[0] <= used[-1] < tokens:
        wrong = used[0] if used[0] < 0 else used[-1]
        raise ValueError(f"groups: expected tokens of a text that has {tokens}, from 0 on, got {wrong}")
    index_U = torch.tensor(used, dtype=torch.long, device=logits_NT.device)
    # Others' logits are most of them, and a sigmoid costs more than a copy.
    probabilities_UN = logits_NT.index_select(1, index_U).float().sigmoid_().T.contiguous()
    row = {token: number for number, token in enumerate(used)}
    scores_KN = probabilities_UN.new_zeros(len(groups), len(logits_NT))
    # The first token of every label, then the second of those that have one, ...: as many steps as the longest has.
    for rank in range(max(map(len, groups), default=0)):
        longer = [label for label, group in enumerate(groups) if len(group) > rank]
        labels = torch.tensor(longer, device=logits_NT.device)
        of_rank = probabilities_UN[[row[groups[label][rank]] for label in longer]]
        if aggregation == "max":
            scores_KN[labels] = scores_KN[labels].maximum(of_rank)
        else:
            scores_KN.index_add_(0, labels, of_rank)
    if aggregation == "mean":
        counts = [max(len(group), 1) for group in groups]
        scores_KN /= scores_KN.new_tensor(counts)[:, None]
    return scores_KN
