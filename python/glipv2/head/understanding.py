"""What a model says about a picture in words: answers by matching, captions word by word.

The paper's classifier of answers and its captioning are not published in detail. Here both texts go on from where the
fused layers left them, and read the regions as they are found at last, with their boxes. An answer is then matched, not
classified: every candidate is a text, read by the same encoder. A caption is told from left to right by the masked-word
head.

Legend: B pictures, N regions, T S tokens, K counts, A candidates; C channels of a region, P with its place, L of a
token, D of the space in which questions and answers are compared, H heads, V pieces of the vocabulary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glipv2.head.counting import AT, BINS, bumps
from glipv2.text.bert import BertConfig, Layer, TextFeatures
from glipv2.text.masked_words import MaskedWordHead

#: Of the logarithm of the factor of cosines: where it starts, and the most it becomes (Radford et al., 2021).
LOG_SCALE, MOST_LOG_SCALE = math.log(1 / 0.07), math.log(100)

#: Numbers that say where a region's object is, and how central the region lies in it.
PLACE = 5


@dataclass(frozen=True)
class UnderstandingConfig:
    width: int = 128
    """Channels in which questions and answers are compared."""
    layers: int = 2
    """Times that a text reads the regions as they are found at last, a text layer after each."""
    heads: int = 4
    """Of that attention; they divide the text's width."""
    longest: int = 64
    """Most tokens of a caption, the first and last included."""
    answers: tuple[str, ...] = ()
    """What a question is answered by where nobody names candidates."""

    def __post_init__(self) -> None:
        for name, least in (("width", 1), ("layers", 1), ("heads", 1), ("longest", 3)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}: expected at least {least}, got {getattr(self, name)}")


class Understanding(nn.Module):
    def __init__(self, config: UnderstandingConfig, channels: int, text: BertConfig) -> None:
        super().__init__()
        self.regions = nn.LayerNorm(channels)
        self.counts = nn.Linear(len(AT) * BINS, text.width)
        self.layers = nn.ModuleList(Reader(channels + PLACE, text, config.heads) for _ in range(config.layers))
        self.question = nn.Sequential(
            nn.Linear(2 * text.width, text.width), nn.GELU(), nn.Linear(text.width, config.width)
        )
        self.answer = nn.Linear(text.width, config.width)
        self.log_scale = nn.Parameter(torch.tensor(LOG_SCALE))
        self.words = MaskedWordHead(text)

    def read(
        self,
        states_BTL: Tensor,
        regions_BNC: Tensor,
        place_BNP: Tensor,
        logits_BNT: Tensor,
        present_B1ST: Tensor,
        counts_BTK: Tensor | None = None,
    ) -> Tensor:
        """states_BTL, after the text read the regions.

        `place_BNP`: PLACE numbers of each region; `logits_BNT`: how well tokens fit regions; `present_B1ST`: as
        `glipv2.text.bert.present` makes it; `counts_BTK`: of what each token speaks of.
        """
        seen_BNP = torch.cat([self.regions(regions_BNC), place_BNP.to(regions_BNC.dtype)], dim=-1)
        if counts_BTK is not None:
            states_BTL = states_BTL + self.counts(bumps(counts_BTK).to(states_BTL.dtype))
        for layer in self.layers:
            states_BTL = layer(states_BTL, seen_BNP, logits_BNT, present_B1ST)
        return states_BTL

    def questions(self, states_BTL: Tensor, mask_BT: Tensor) -> Tensor:
        """[B, D]: of the first token's state and the mean of all; dot products with `answers` are logits."""
        weights_BT1 = mask_BT[:, :, None].to(states_BTL.dtype)
        mean_BL = (states_BTL * weights_BT1).sum(1) / weights_BT1.sum(1)
        both_BD = self.question(torch.cat([states_BTL[:, 0], mean_BL], dim=-1))
        scale = self.log_scale.clamp(max=MOST_LOG_SCALE).exp()
        return scale * F.normalize(both_BD.float(), dim=-1)

    def answers(self, text: TextFeatures) -> Tensor:
        """[A, D], each of length 1: of texts that were read without any picture, the mean of their words."""
        words_AT = text.mask_BT.clone()
        words_AT[:, 0] = False
        words_AT.scatter_(1, text.mask_BT.sum(1, keepdim=True) - 1, False)
        weights_AT1 = words_AT[:, :, None].to(text.hidden_BTC.dtype)
        mean_AL = (text.hidden_BTC * weights_AT1).sum(1) / weights_AT1.sum(1).clamp(min=1)
        return F.normalize(self.answer(mean_AL).float(), dim=-1)


class Reader(nn.Module):
    """Attention of tokens to regions, to which their matching is added, then a text layer."""

    def __init__(self, channels: int, text: BertConfig, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(text.width, text.width)
        self.key = nn.Linear(channels, text.width)
        self.value = nn.Linear(channels, text.width)
        self.output = nn.Linear(text.width, text.width)
        #: How much it counts for each head that a token fits a region.
        self.match = nn.Parameter(torch.linspace(1, 0, heads))
        self.norm = nn.LayerNorm(text.width, text.norm_epsilon)
        self.dropout = nn.Dropout(text.dropout)
        self.layer = Layer(text)

    def forward(self, states_BTL: Tensor, seen_BNP: Tensor, logits_BNT: Tensor, present_B1ST: Tensor) -> Tensor:
        """-> (B, T, L)."""
        query_BHTD, key_BHND, value_BHND = (
            one.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for one in (self.query(states_BTL), self.key(seen_BNP), self.value(seen_BNP))
        )
        scores_BHTN = query_BHTD @ key_BHND.transpose(2, 3) / query_BHTD.shape[-1] ** 0.5
        match_BHTN = self.match[:, None, None] * logits_BNT.float().transpose(1, 2)[:, None]
        weights_BHTN = (scores_BHTN.float() + match_BHTN).softmax(dim=-1).to(value_BHND.dtype)
        read_BTL = self.output((weights_BHTN @ value_BHND).transpose(1, 2).flatten(2))
        read: Tensor = self.layer(self.norm(states_BTL + self.dropout(read_BTL)), present_B1ST)
        return read


def places(boxes_BN4: Tensor, centerness_BN: Tensor, sizes: list[tuple[int, int]]) -> Tensor:
    """place_BNP: centre and sides of each region's box, -1 to 1 within its picture, and how central the region lies.

    `boxes_BN4`: in pixels; `centerness_BN`: 0 to 1; `sizes`: (height, width) of each picture.
    """
    sides_B12 = boxes_BN4.new_tensor([[width, height] for height, width in sizes])[:, None]
    low, high = boxes_BN4[..., :2] / sides_B12, boxes_BN4[..., 2:] / sides_B12
    ways = torch.cat([low + high - 1, 2 * (high - low) - 1, centerness_BN[..., None]], dim=-1)
    return ways.clamp(-2, 2)
