"""Bi-directional attention between the feature pyramid and the text: GLIP's deep fusion.

One score for each pair of a position and a token serves both directions: softmax over the tokens lets a position read
the text, softmax over the positions lets a token read the picture.

Legend: B pictures, N positions, T tokens, H heads, D width of a head, V channels of the picture, L of the text,
X = H x T.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from glipv2.fusion.both_ways import read_both_ways


@dataclass(frozen=True)
class FusionConfig:
    """Sizes of the fusion layers."""

    width: int = 2048
    """Channels in which the two sides meet, all heads together."""

    heads: int = 8
    """Attention heads; they divide `width`."""

    dropout: float = 0.1
    """Share of the attention weights that is dropped in training."""


class BiAttention(nn.Module):
    """Multi-head attention in both directions.

    Each projection of the picture is multiplied into the text first: (v A)(t B)^T = v (A (t B)^T). The N positions then
    meet X columns of V channels, in place of `width` columns and these X of D channels.
    """

    def __init__(self, config: FusionConfig, channels: int, text_width: int) -> None:
        super().__init__()
        if config.width % config.heads:
            raise ValueError(f"FusionConfig.width: expected a multiple of {config.heads} heads, got {config.width}")
        self.heads, self.head_width = config.heads, config.width // config.heads
        self.dropout = config.dropout
        self.query = nn.Linear(channels, config.width)
        self.key = nn.Linear(text_width, config.width)
        self.picture_value = nn.Linear(channels, config.width)
        self.text_value = nn.Linear(text_width, config.width)
        self.picture_output = nn.Linear(config.width, channels)
        self.text_output = nn.Linear(config.width, text_width)
        for layer in self.children():
            assert isinstance(layer, nn.Linear)
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, picture_BNV: Tensor, text_BTL: Tensor, mask_BT: Tensor | None) -> tuple[Tensor, Tensor]:
        """What the picture read in the text [B, N, V], and what the text read in the picture [B, T, L].

        `mask_BT`: True for tokens, False for padding, which no position reads; None: there is none.
        """
        tokens = text_BTL.shape[1]
        keys_BTHD = self._by_head(self.key(text_BTL)) * self.head_width**-0.5
        query_HDV = self.query.weight.unflatten(0, (self.heads, -1))
        queries_BXV = torch.einsum("bthd,hdv->bhtv", keys_BTHD, query_HDV).flatten(1, 2)
        shifts_BX = torch.einsum("bthd,hd->bht", keys_BTHD, self.query.bias.view(self.heads, -1)).flatten(1)
        values_BTHD = self._by_head(self.text_value(text_BTL))
        output_VHD = self.picture_output.weight.unflatten(1, (self.heads, -1))
        values_BXV = torch.einsum("bthd,vhd->bhtv", values_BTHD, output_VHD).flatten(1, 2)

        dropout = self.dropout if self.training else 0.0
        read = read_both_ways(picture_BNV, queries_BXV, shifts_BX, values_BXV, self.heads, mask_BT, dropout)
        picture_BNV = read.by_positions_BNV + self.picture_output.bias

        value_HDV = self.picture_value.weight.unflatten(0, (self.heads, -1))
        read_BHTV = read.by_tokens_BXV.unflatten(1, (self.heads, tokens))
        bias_H1D = self.picture_value.bias.view(self.heads, 1, -1)
        # The weights of one token add up to 1 only without dropout.
        read_BHTD = (
            torch.einsum("bhtv,hdv->bhtd", read_BHTV, value_HDV)
            + read.totals_BX1.unflatten(1, (self.heads, tokens)) * bias_H1D
        )
        return picture_BNV, self.text_output(read_BHTD.transpose(1, 2).flatten(2))

    def _by_head(self, values_BTW: Tensor) -> Tensor:
        """[B, T, H, D]"""
        apart: Tensor = values_BTW.unflatten(2, (self.heads, self.head_width))
        return apart


class FusionLayer(nn.Module):
    """Both sides, normalised, plus a learnt share of what each read in the other.

    Unlike in most transformers the sum starts from the normalised values, not from what came in.
    """

    def __init__(self, config: FusionConfig, channels: int, text_width: int, share: float) -> None:
        """`share`: where the learnt shares start."""
        super().__init__()
        self.picture_norm = nn.LayerNorm(channels)
        self.text_norm = nn.LayerNorm(text_width)
        self.attention = BiAttention(config, channels, text_width)
        self.picture_share = nn.Parameter(torch.full((channels,), share))
        self.text_share = nn.Parameter(torch.full((text_width,), share))

    def forward(self, picture_BNV: Tensor, text_BTL: Tensor, mask_BT: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """[B, N, V] and [B, T, L], each after it read the other; `mask_BT` as for `BiAttention`."""
        picture_BNV, text_BTL = self.picture_norm(picture_BNV), self.text_norm(text_BTL)
        of_text_BNV, of_picture_BTL = self.attention(picture_BNV, text_BTL, mask_BT)
        return (
            torch.addcmul(picture_BNV, self.picture_share, of_text_BNV),
            torch.addcmul(text_BTL, self.text_share, of_picture_BTL),
        )
