"""Fusion attention between vision and text, re-associated.

Legend: B pictures, N visual positions, T text tokens, H heads, D width of a head, V width of vision, L of text.
"""

from __future__ import annotations

import importlib
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from glip_worker.engines.official.compat.patching import Changes, Settings

#: As in the official forward: what half precision can hold.
CLAMP = 50000.0

#: Added to the scores of masked tokens, as there.
MASKED = -9e15


def reassociate(changes: Changes, settings: Settings) -> None:
    """BiMultiHeadAttention.forward with each visual projection multiplied into the text side first.

    (v Wq)(l Wk)^T = v (Wq (l Wk)^T): what is multiplied with the N visual positions is H x T columns wide in place of
    H x D. The same for both value paths. Dropout draws the same random numbers in the same order.
    """
    helper: Any = importlib.import_module("maskrcnn_benchmark.utils.fuse_helper")
    attention = helper.BiMultiHeadAttention
    original = attention.forward

    def forward(self: Any, v: Tensor, l: Tensor, attention_mask_l: Tensor | None = None) -> tuple[Tensor, Tensor]:  # noqa: E741
        if self.num_heads * l.shape[1] >= self.embed_dim or torch.is_autocast_enabled(v.device.type):
            plain: tuple[Tensor, Tensor] = original(self, v, l, attention_mask_l)
            return plain
        return attend(self, v, l, attention_mask_l)

    changes.set(attention, "forward", forward)


def attend(module: Any, vision_BNV: Tensor, text_BTL: Tensor, mask_BT: Tensor | None) -> tuple[Tensor, Tensor]:
    """What the module's own forward gives: vision [B, N, V] that read the text, text [B, T, L] that read the vision."""
    heads, width = module.num_heads, module.head_dim
    batch, positions, _ = vision_BNV.shape
    tokens = text_BTL.shape[1]

    scores_BNHT = _scores(module, vision_BNV, text_BTL)
    of_text_BXN = scores_BNHT.flatten(2).transpose(1, 2).contiguous()  # X: heads x tokens
    to_vision_BXN = _clamped(module, of_text_BXN - of_text_BXN.amax(dim=-1, keepdim=True)).softmax(dim=-1)
    if mask_BT is not None:
        scores_BNHT = scores_BNHT + torch.where(mask_BT == 0, MASKED, mask_BT)[:, None, None, :].to(vision_BNV.dtype)
    to_text_BNHT = scores_BNHT.softmax(dim=-1)

    if module.training and module.dropout > 0:
        # Vision before text, each laid out as there, so that a seed gives the official masks.
        by_head = F.dropout(to_text_BNHT.transpose(1, 2).contiguous(), module.dropout)
        to_text_BNHT = by_head.transpose(1, 2)
        to_vision_BXN = F.dropout(to_vision_BXN, module.dropout)

    values_BTHD = module.values_l_proj(text_BTL).view(batch, tokens, heads, width)
    out_weight = module.out_v_proj.weight.view(-1, heads, width)
    values_BXV = torch.einsum("bthd,vhd->bhtv", values_BTHD, out_weight).reshape(batch, heads * tokens, -1)
    vision = torch.bmm(to_text_BNHT.reshape(batch, positions, heads * tokens), values_BXV) + module.out_v_proj.bias

    read_BHTV = torch.bmm(to_vision_BXN, vision_BNV).view(batch, heads, tokens, -1)
    value_weight = module.values_v_proj.weight.view(heads, width, -1)
    value_bias = module.values_v_proj.bias.view(heads, width)
    # The weights of one token add up to 1 only without dropout.
    totals_BTH1 = to_vision_BXN.sum(dim=-1).view(batch, heads, tokens).transpose(1, 2).unsqueeze(-1)
    read_BTHD = torch.einsum("bhtv,hdv->bthd", read_BHTV, value_weight) + totals_BTH1 * value_bias
    text: Tensor = module.out_l_proj(read_BTHD.reshape(batch, tokens, heads * width))
    return vision, text


def _scores(module: Any, vision_BNV: Tensor, text_BTL: Tensor) -> Tensor:
    heads, width = module.num_heads, module.head_dim
    batch, positions, _ = vision_BNV.shape
    tokens = text_BTL.shape[1]
    keys_BTHD = module.l_proj(text_BTL).view(batch, tokens, heads, width) * module.scale
    weight, bias = module.v_proj.weight.view(heads, width, -1), module.v_proj.bias.view(heads, width)
    queries_BXV = torch.einsum("bthd,hdv->bhtv", keys_BTHD, weight).reshape(batch, heads * tokens, -1)
    offsets_B1X = (keys_BTHD * bias).sum(dim=-1).transpose(1, 2).reshape(batch, 1, heads * tokens)
    scores = torch.baddbmm(offsets_B1X, vision_BNV, queries_BXV.transpose(1, 2)).view(batch, positions, heads, tokens)
    if module.stable_softmax_2d:
        scores = scores - scores.max()
    return _clamped(module, scores)


def _clamped(module: Any, scores: Tensor) -> Tensor:
    low = -CLAMP if module.clamp_min_for_underflow else None
    high = CLAMP if module.clamp_max_for_overflow else None
    return scores if low is None and high is None else scores.clamp(low, high)
