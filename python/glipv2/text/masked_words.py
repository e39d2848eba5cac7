"""From what is known of a token to the pieces of the vocabulary.

Legend: P tokens, L channels of a token, V pieces.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glipv2.text.bert import BertConfig


class MaskedWordHead(nn.Module):
    """Through the text encoder's own embeddings, as in BERT."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.width, config.width)
        self.norm = nn.LayerNorm(config.width, config.norm_epsilon)
        self.bias = nn.Parameter(torch.zeros(config.vocabulary))
        nn.init.normal_(self.dense.weight, std=0.02)
        nn.init.zeros_(self.dense.bias)

    def forward(self, states_PL: Tensor, embeddings_VL: Tensor, bias_V: Tensor | None = None) -> Tensor:
        """logits_PV. `bias_V`: where `embeddings_VL` are of some pieces only, theirs."""
        return F.linear(
            self.norm(F.gelu(self.dense(states_PL))), embeddings_VL, self.bias if bias_V is None else bias_V
        )
