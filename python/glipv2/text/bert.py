"""BERT (Devlin et al., 2019), the text encoder of GLIP.

Shape suffixes: B texts, T S tokens, C channels, H heads, D channels of a head, E those between `expand` and `reduce`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint


@dataclass(frozen=True)
class BertConfig:
    vocabulary: int = 30522
    """Pieces of the tokenizer."""
    width: int = 768
    """Channels of a token."""
    layers: int = 12
    """Transformer layers."""
    heads: int = 12
    """Attention heads; they divide `width`."""
    hidden: int = 3072
    """Channels inside a layer's feed-forward network."""
    longest: int = 512
    """Most tokens of a text: there are this many learned positions."""
    averaged_layers: int = 1
    """How many of the last layers make up `embedded_BTC`."""
    dropout: float = 0.1
    """Chance in training that a hidden value is dropped, and an attention weight."""
    norm_epsilon: float = 1e-12
    """Added to the variance in every layer normalisation."""
    checkpointing: bool = False
    """In training, recompute each layer in the backward pass and so save its memory."""

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"BertConfig: heads must divide width, got width={self.width} and heads={self.heads}")
        if not 1 <= self.averaged_layers <= self.layers:
            raise ValueError(f"BertConfig: averaged_layers must be 1 to {self.layers}, got {self.averaged_layers}")


class TextFeatures(NamedTuple):
    """What the text encoder says of a batch of texts."""

    embedded_BTC: Tensor
    """The features that regions are compared with: zero at padding."""
    hidden_BTC: Tensor
    """The last layer as it is, which fusion goes on with: padding holds values without meaning."""
    mask_BT: Tensor
    """True at tokens, False at padding."""

    @staticmethod
    def stacked(texts: Sequence[TextFeatures]) -> TextFeatures:
        """One batch of all, padded to the longest."""
        longest = max(one.mask_BT.shape[1] for one in texts)
        missing = [longest - one.mask_BT.shape[1] for one in texts]
        return TextFeatures(
            torch.cat([F.pad(one.embedded_BTC, (0, 0, 0, more)) for one, more in zip(texts, missing, strict=True)]),
            torch.cat([F.pad(one.hidden_BTC, (0, 0, 0, more)) for one, more in zip(texts, missing, strict=True)]),
            torch.cat([F.pad(one.mask_BT, (0, more)) for one, more in zip(texts, missing, strict=True)]),
        )


class BertEncoder(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.apply(_initialise)

    def forward(self, ids_BT: Tensor, mask_BT: Tensor, causal: bool = False) -> TextFeatures:
        """ids_BT: int64 pieces; mask_BT: 1 (or True) at tokens, 0 at padding. T may be any length up to `longest`.

        `causal`: no token sees a later one. ValueError when T is more.
        """
        x_BTC = self.embeddings(ids_BT)
        mask_BT = mask_BT.bool()
        present_B1ST = present(mask_BT, causal)
        outputs: list[Tensor] = []
        for layer in self.layers:
            if self.config.checkpointing and self.training:
                x_BTC = checkpoint(layer, x_BTC, present_B1ST, use_reentrant=False)
            else:
                x_BTC = layer(x_BTC, present_B1ST)
            outputs = [*outputs, x_BTC][-self.config.averaged_layers :]
        # Divided twice, as the released weights were trained; with one layer it makes no difference.
        mean_BTC = torch.stack(outputs).mean(0) / len(outputs) if len(outputs) > 1 else x_BTC
        return TextFeatures(mean_BTC * mask_BT[:, :, None].to(mean_BTC.dtype), x_BTC, mask_BT)


def present(mask_BT: Tensor, causal: bool) -> Tensor:
    """present_B1ST, bool: which tokens (T) each token (S) may read; S is 1 where that is the same for all."""
    present_B11T = mask_BT[:, None, None, :]
    if not causal:
        return present_B11T
    tokens = mask_BT.shape[1]
    return present_B11T & torch.ones(tokens, tokens, dtype=torch.bool, device=mask_BT.device).tril()


class Embeddings(nn.Module):
    """Sum of a learned vector for the piece, for its position and for "first text" (GLIP has no second)."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.word = nn.Embedding(config.vocabulary, config.width, padding_idx=0)
        self.position = nn.Embedding(config.longest, config.width)
        self.token_type = nn.Embedding(2, config.width)
        self.norm = nn.LayerNorm(config.width, config.norm_epsilon)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, ids_BT: Tensor) -> Tensor:
        """-> (B, T, C). ValueError: more tokens than positions."""
        tokens, longest = ids_BT.shape[1], self.position.num_embeddings
        if tokens > longest:
            raise ValueError(f"a text has {tokens} tokens, the text encoder takes at most {longest}: split or cut it")
        places_TC = self.position.weight[:tokens] + self.token_type.weight[0]
        dropped: Tensor = self.dropout(self.norm(self.word(ids_BT) + places_TC))
        return dropped


class Layer(nn.Module):
    """Attention, then a feed-forward network; each is added to its input and normalised after."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.attention = Attention(config)
        self.attention_norm = nn.LayerNorm(config.width, config.norm_epsilon)
        self.expand = nn.Linear(config.width, config.hidden)
        self.reduce = nn.Linear(config.hidden, config.width)
        self.output_norm = nn.LayerNorm(config.width, config.norm_epsilon)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x_BTC: Tensor, present_B1ST: Tensor) -> Tensor:
        """-> (B, T, C). `present_B1ST`: as `present` makes it."""
        x_BTC = self.attention_norm(x_BTC + self.dropout(self.attention(x_BTC, present_B1ST)))
        hidden_BTE = F.gelu(self.expand(x_BTC))
        normed: Tensor = self.output_norm(x_BTC + self.dropout(self.reduce(hidden_BTE)))
        return normed


class Attention(nn.Module):
    """Multi-head self-attention over the tokens that are present."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.heads, self.dropout = config.heads, config.dropout
        self.query = nn.Linear(config.width, config.width)
        self.key = nn.Linear(config.width, config.width)
        self.value = nn.Linear(config.width, config.width)
        self.output = nn.Linear(config.width, config.width)

    def forward(self, x_BTC: Tensor, present_B1ST: Tensor) -> Tensor:
        """-> (B, T, C). Padding asks too, but nobody asks it."""
        query_BHTD, key_BHTD, value_BHTD = (
            projection(x_BTC).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for projection in (self.query, self.key, self.value)
        )
        mixed_BHTD = F.scaled_dot_product_attention(
            query_BHTD, key_BHTD, value_BHTD, present_B1ST, dropout_p=self.dropout if self.training else 0.0
        )
        mixed_BTC: Tensor = self.output(mixed_BHTD.transpose(1, 2).flatten(2))
        return mixed_BTC


def _initialise(module: nn.Module) -> None:
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
    if isinstance(module, nn.Embedding) and module.padding_idx is not None:
        with torch.no_grad():
            module.weight[module.padding_idx] = 0
