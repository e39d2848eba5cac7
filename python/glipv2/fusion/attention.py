"""Bi-directional attention between the feature pyramid and the text: GLIP's deep fusion.

One score for each pair of a position and a token serves both directions: softmax over the tokens lets a position read
the text, softmax over the positions lets a token read the picture.

Legend: B pictures, N positions, T tokens, H heads, D width of a head, V channels of the picture, L of the text,
X = H x T.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: Scores beyond it are cut: what half precision can hold. As in the released configurations.
LIMIT = 50000.0


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
    """Multi-head attention in both directions, written two ways of equal result.

    While X < `width`, each projection of the picture is multiplied into the text first: (v A)(t B)^T = v (A (t B)^T),
    so that the N positions meet X columns in place of `width`. Longer texts go through scaled_dot_product_attention.
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
        if self.heads * text_BTL.shape[1] < self.heads * self.head_width:
            return self._reassociated(picture_BNV, text_BTL, mask_BT)
        return self._direct(picture_BNV, text_BTL, mask_BT)

    def _reassociated(self, picture_BNV: Tensor, text_BTL: Tensor, mask_BT: Tensor | None) -> tuple[Tensor, Tensor]:
        channels, tokens = picture_BNV.shape[2], text_BTL.shape[1]
        scores_BXN = self._scores(picture_BNV, text_BTL)
        dropout = self.dropout if self.training else 0.0

        of_tokens_BXN = F.dropout(scores_BXN.softmax(dim=-1), dropout)
        read_BXV = torch.bmm(of_tokens_BXN, picture_BNV)
        # The weights of one token add up to 1 only without dropout.
        totals_BX1 = of_tokens_BXN.sum(dim=-1, keepdim=True) if dropout else read_BXV.new_ones(1, 1, 1)
        del of_tokens_BXN

        scores_BHTN = scores_BXN.unflatten(1, (self.heads, tokens))
        if mask_BT is not None:
            scores_BHTN = scores_BHTN.masked_fill_(~mask_BT[:, None, :, None], -torch.inf)
        of_positions_BXN = F.dropout(scores_BHTN.softmax(dim=2), dropout).flatten(1, 2)
        del scores_BXN, scores_BHTN
        values_BTHD = self.text_value(text_BTL).unflatten(2, (self.heads, -1))
        output_VHD = self.picture_output.weight.unflatten(1, (self.heads, -1))
        values_BXV = torch.einsum("bthd,vhd->bhtv", values_BTHD, output_VHD).reshape(len(picture_BNV), -1, channels)
        picture_BNV = torch.baddbmm(self.picture_output.bias, of_positions_BXN.transpose(1, 2), values_BXV)

        weight_HDV = self.picture_value.weight.unflatten(0, (self.heads, -1))
        read_BHTD = torch.einsum("bhtv,hdv->bhtd", read_BXV.unflatten(1, (self.heads, tokens)), weight_HDV)
        bias_H1D = self.picture_value.bias.view(self.heads, 1, -1)
        read_BHTD = read_BHTD + totals_BX1.unflatten(1, (-1, tokens if dropout else 1)) * bias_H1D
        return picture_BNV, self.text_output(read_BHTD.transpose(1, 2).flatten(2))

    def _scores(self, picture_BNV: Tensor, text_BTL: Tensor) -> Tensor:
        """[B, X, N]"""
        keys_BTHD = self.key(text_BTL).unflatten(2, (self.heads, -1)) * self.head_width**-0.5
        weight_HDV = self.query.weight.unflatten(0, (self.heads, -1))
        queries_BXV = torch.einsum("bthd,hdv->bhtv", keys_BTHD, weight_HDV).flatten(1, 2)
        bias_HD = self.query.bias.view(self.heads, -1)
        shift_BX1 = torch.einsum("bthd,hd->bht", keys_BTHD, bias_HD).flatten(1).unsqueeze(2)
        scores_BXN = torch.baddbmm(shift_BX1, queries_BXV, picture_BNV.transpose(1, 2))
        return scores_BXN.clamp(-LIMIT, LIMIT) if scores_BXN.requires_grad else scores_BXN.clamp_(-LIMIT, LIMIT)

    def _direct(self, picture_BNV: Tensor, text_BTL: Tensor, mask_BT: Tensor | None) -> tuple[Tensor, Tensor]:
        dropout = self.dropout if self.training else 0.0
        query, key = self._by_head(self.query(picture_BNV)), self._by_head(self.key(text_BTL))
        mask = None if mask_BT is None else mask_BT[:, None, None, :]
        of_text = F.scaled_dot_product_attention(
            query, key, self._by_head(self.text_value(text_BTL)), attn_mask=mask, dropout_p=dropout
        )
        picture_BNV_read = self.picture_output(of_text.transpose(1, 2).flatten(2))
        del of_text
        of_picture = F.scaled_dot_product_attention(
            key, query, self._by_head(self.picture_value(picture_BNV)), dropout_p=dropout
        )
        return picture_BNV_read, self.text_output(of_picture.transpose(1, 2).flatten(2))

    def _by_head(self, values: Tensor) -> Tensor:
        """[B, *, H x D] as [B, H, *, D]"""
        apart: Tensor = values.unflatten(2, (self.heads, self.head_width))
        return apart.transpose(1, 2)


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
