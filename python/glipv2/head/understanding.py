"""What a model says about a picture in words: answers by matching, captions word by word.

The paper's classifier of answers and its captioning are not published in detail. Here both texts read the objects that
the model finds when it is asked for all names that it knows, as bottom-up attention (Anderson et al., 2018) reads a
detector's; an object brings the words that it fits, as tags do in Oscar (Li et al., 2020), from the one matching of
regions and words. An answer is then matched, not classified: every candidate is a text, read by the same encoder. A
caption is told from left to right by the masked-word head.

Legend: B pictures, K objects, N regions, T S tokens, A candidates; C channels of a region, P numbers of a place, L
channels of a token, D of the space in which questions and answers are compared, H heads, V pieces of the vocabulary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from glipv2.text.bert import BertConfig, Layer, TextFeatures
from glipv2.text.masked_words import MaskedWordHead

#: Of the logarithm of the factor of cosines: where it starts, and the most it becomes (Radford et al., 2021).
LOG_SCALE, MOST_LOG_SCALE = math.log(1 / 0.07), math.log(100)

#: Waves in which each number of an object's box is told, a whole and its halves (Mildenhall et al., 2020): alone, a few
#: numbers drown in a layer that reads hundreds.
WAVES = (1, 2, 4)

#: Numbers that say where an object is, and how central its region lies in it.
PLACE = 5 + 4 * 2 * len(WAVES)

#: Of their weights before anything is learnt, some times the others'.
PLACE_STD = 0.15

#: Counts that are told apart: 0 to BINS - 1.
BINS = 12

#: What scores of absent objects become.
NEVER = -30.0

#: Of an attention weight before anything is learnt: few objects are what a word speaks of.
RARELY = -2.0


@dataclass(frozen=True)
class UnderstandingConfig:
    width: int = 128
    """Channels in which questions and answers are compared."""
    layers: int = 3
    """Times that a text reads the objects, a text layer after each."""
    heads: int = 4
    """Of that attention; they divide the text's width."""
    hidden: int = 144
    """Channels within these text layers."""
    objects: int = 24
    """Most objects of a picture that a text reads,"""
    least: float = 0.3
    """and their least score: the root of centerness times how well the best of the names' tokens fits."""
    names: tuple[str, ...] = ()
    """What a picture is searched for before it is asked anything; in training, the data's categories."""
    longest: int = 64
    """Most tokens of a caption, the first and last included."""
    answers: tuple[str, ...] = ()
    """What a question is answered by where nobody names candidates."""

    def __post_init__(self) -> None:
        for name, least in (("width", 1), ("layers", 1), ("heads", 1), ("hidden", 1), ("objects", 1), ("longest", 3)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}: expected at least {least}, got {getattr(self, name)}")


class Understanding(nn.Module):
    def __init__(self, config: UnderstandingConfig, channels: int, text: BertConfig) -> None:
        super().__init__()
        self.regions = nn.LayerNorm(channels)
        self.features = nn.LayerNorm(channels)
        self.object = nn.Linear(2 * channels + PLACE + 1 + text.width, text.width)
        self.object_norm = nn.LayerNorm(text.width)
        nn.init.normal_(self.object.weight[:, 2 * channels : 2 * channels + PLACE], std=PLACE_STD)
        self.layers = nn.ModuleList(Reader(text, config) for _ in range(config.layers))
        self.question = nn.Sequential(nn.Linear(text.width, text.width), nn.GELU(), nn.Linear(text.width, config.width))
        self.answer = nn.Linear(text.width, config.width)
        self.log_scale = nn.Parameter(torch.tensor(LOG_SCALE))
        self.words = MaskedWordHead(text)

    def objects(
        self,
        regions_BKC: Tensor,
        features_BKC: Tensor,
        place_BKP: Tensor,
        scores_BK: Tensor,
        logits_BKT: Tensor,
        names_TL: Tensor,
    ) -> Tensor:
        """objects_BKL. `features_BKC`: of the picture alone, where `regions_BKC` read the names; `logits_BKT`: how well
        the names' tokens fit, whose states are `names_TL`."""
        fits_BKT = logits_BKT.float().sigmoid()
        named_BKL = (fits_BKT @ names_TL.float()) / (fits_BKT.sum(-1, keepdim=True) + 1e-3)
        known = (self.regions(regions_BKC), self.features(features_BKC), place_BKP, scores_BK[..., None], named_BKL)
        dtype = known[0].dtype
        objects_BKL: Tensor = self.object_norm(self.object(torch.cat([one.to(dtype) for one in known], dim=-1)))
        return objects_BKL

    def read(
        self, states_BTL: Tensor, objects_BKL: Tensor, present_BK: Tensor, present_B1ST: Tensor
    ) -> tuple[Tensor, Tensor]:
        """states_BTL, after the text read the objects, and logits_BTK: which objects a token speaks of.

        `present_BK`: False for what is no object; `present_B1ST`: as `glipv2.text.bert.present` makes it.
        """
        matches = []
        for layer in self.layers:
            states_BTL, scores_BHTK = layer(states_BTL, objects_BKL, present_BK, present_B1ST)
            matches.append(scores_BHTK)
        return states_BTL, matches[0][:, 0]

    def questions(self, states_BTL: Tensor) -> Tensor:
        """[B, D]: of the first token's state; dot products with `answers` are logits."""
        scale = self.log_scale.clamp(max=MOST_LOG_SCALE).exp()
        return scale * F.normalize(self.question(states_BTL[:, 0]).float(), dim=-1)

    def answers(self, text: TextFeatures) -> Tensor:
        """[A, D], each of length 1: of texts that were read without any picture, the mean of their words."""
        words_AT = text.mask_BT.clone()
        words_AT[:, 0] = False
        words_AT.scatter_(1, text.mask_BT.sum(1, keepdim=True) - 1, False)
        weights_AT1 = words_AT[:, :, None].to(text.hidden_BTC.dtype)
        mean_AL = (text.hidden_BTC * weights_AT1).sum(1) / weights_AT1.sum(1).clamp(min=1)
        return F.normalize(self.answer(mean_AL).float(), dim=-1)


class Reader(nn.Module):
    """Attention of tokens to objects, or to none; how many there are, which no mean can tell; then a text layer."""

    def __init__(self, text: BertConfig, config: UnderstandingConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.query = nn.Linear(text.width, text.width)
        self.key = nn.Linear(text.width, text.width)
        self.value = nn.Linear(text.width, text.width)
        self.output = nn.Linear(text.width, text.width)
        self.bias = nn.Parameter(torch.full((config.heads,), RARELY))
        self.counts = nn.Linear(config.heads * BINS, text.width)
        self.norm = nn.LayerNorm(text.width, text.norm_epsilon)
        self.dropout = nn.Dropout(text.dropout)
        self.layer = Layer(replace(text, hidden=config.hidden))

    def forward(
        self, states_BTL: Tensor, objects_BKL: Tensor, present_BK: Tensor, present_B1ST: Tensor
    ) -> tuple[Tensor, Tensor]:
        """States (B, T, L), and the logits of the attention (B, H, T, K)."""
        query_BHTD, key_BHKD, value_BHKD = (
            one.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for one in (self.query(states_BTL), self.key(objects_BKL), self.value(objects_BKL))
        )
        scores_BHTK = (query_BHTD @ key_BHKD.transpose(2, 3)).float() / query_BHTD.shape[-1] ** 0.5
        scores_BHTK = scores_BHTK.masked_fill(~present_BK[:, None, None], NEVER) + self.bias[:, None, None]
        # A score of 0 beside them is of no object.
        weights_BHTK = F.pad(scores_BHTK, (0, 1)).softmax(dim=-1)[..., :-1].to(value_BHKD.dtype)
        counts_BTH = scores_BHTK.sigmoid().sum(dim=-1).transpose(1, 2)
        read_BTL = self.output((weights_BHTK @ value_BHKD).transpose(1, 2).flatten(2))
        read_BTL = read_BTL + self.counts(bumps(counts_BTH).to(read_BTL.dtype))
        read: Tensor = self.layer(self.norm(states_BTL + self.dropout(read_BTL)), present_B1ST)
        return read, scores_BHTK


def bumps(counts_BTH: Tensor) -> Tensor:
    """[B, T, H x BINS]: near 1 where a count is near a number, else near 0."""
    numbers = torch.arange(BINS, dtype=torch.float32, device=counts_BTH.device)
    return (-2 * (counts_BTH.float()[..., None] - numbers).square()).exp().flatten(2)


def places(boxes_BN4: Tensor, centerness_BN: Tensor, sizes: list[tuple[int, int]]) -> Tensor:
    """place_BNP: centre and sides of each region's box, -1 to 1 within its picture, how central the region lies, and
    the box's numbers in waves.

    `boxes_BN4`: in pixels; `centerness_BN`: 0 to 1; `sizes`: (height, width) of each picture.
    """
    sides_B12 = boxes_BN4.new_tensor([[width, height] for height, width in sizes])[:, None]
    low, high = boxes_BN4[..., :2] / sides_B12, boxes_BN4[..., 2:] / sides_B12
    box_BN4 = torch.cat([low + high - 1, 2 * (high - low) - 1], dim=-1).clamp(-2, 2)
    angles = [math.pi / 2 * count * box_BN4 for count in WAVES]
    waves = [wave for angle in angles for wave in (angle.sin(), angle.cos())]
    return torch.cat([box_BN4, centerness_BN[..., None], *waves], dim=-1)
