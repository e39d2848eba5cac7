"""What a model says about a picture in words: answers by matching, captions word by word.

The paper's classifier of answers and its captioning are not published in detail. Here both texts read the objects that
the model finds when it is asked for all names that it knows, as bottom-up attention (Anderson et al., 2018) reads a
detector's; an object brings the words that it fits, as tags do in Oscar (Li et al., 2020), from the one matching of
regions and words. Objects read each other first, by what they are and how they lie (Hu et al., 2018). An answer is
then matched, not classified: every candidate is a text, read by the same encoder. A caption is told from left to right
by the masked-word head.

Legend: B pictures, K J objects, N regions, T S tokens, A candidates; C channels of a region, P numbers of a place, L
channels of a token, D of the space in which questions and answers are compared, H heads, G numbers that say how two
objects lie, V pieces of the vocabulary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

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

#: Numbers that say how two objects lie to each other, channels between them and the attention,
LIES, LIES_HIDDEN = 7, 32

#: and what places are multiplied by in them: neighbours are a small part of the picture apart.
LIES_SCALE = 4.0

#: Of what was spoken of, in attention: times what is learnt, which moves as slowly as any other weight.
SAID_SCALE = 10.0

#: How much surer than their odds an object's words are before anything is learnt: of many names, each fits a little.
SHARPNESS = 2.0

#: Counts that are told apart: 0 to BINS - 1.
BINS = 12

#: What scores of absent objects become.
NEVER = -30.0

#: Of an attention weight before anything is learnt: few objects are what a word speaks of.
RARELY = -2.0


@dataclass(frozen=True)
class UnderstandingConfig:
    width: int = 104
    """Channels in which questions and answers are compared."""
    layers: int = 3
    """Times that a text reads the objects, a text layer after each."""
    heads: int = 4
    """Of that attention, and half of those by which objects read each other: so many divide the text's width."""
    hidden: int = 96
    """Channels within these layers."""
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


class Read(NamedTuple):
    """What a text is after it read the objects."""

    states_BTL: Tensor

    spoken_BTK: Tensor
    """Logits: of which objects a token speaks,"""

    next_BTK: Tensor
    """and, where no token sees a later one, of which the one after it."""


class Understanding(nn.Module):
    def __init__(self, config: UnderstandingConfig, channels: int, text: BertConfig) -> None:
        super().__init__()
        self.regions = nn.LayerNorm(channels)
        self.features = nn.LayerNorm(channels)
        self.object = nn.Linear(2 * channels + PLACE + 1 + text.width, text.width)
        self.object_norm = nn.LayerNorm(text.width)
        nn.init.normal_(self.object.weight[:, 2 * channels : 2 * channels + PLACE], std=PLACE_STD)
        self.sharpness = nn.Parameter(torch.tensor(SHARPNESS))
        self.between = Between(text, config)
        self.layers = nn.ModuleList(Reader(text, config, first=not count) for count in range(config.layers))
        self.question = nn.Sequential(nn.Linear(text.width, text.width), nn.GELU(), nn.Linear(text.width, config.width))
        self.answer = nn.Linear(text.width, config.width)
        self.log_scale = nn.Parameter(torch.tensor(LOG_SCALE))
        self.words = MaskedWordHead(text)

    def objects(
        self,
        regions_BKC: Tensor,
        features_BKC: Tensor,
        place_BKP: Tensor,
        lies_BKJG: Tensor,
        scores_BK: Tensor,
        logits_BKT: Tensor,
        present_BK: Tensor,
        names_TL: Tensor,
    ) -> Tensor:
        """objects_BKL. `lies_BKJG`: of `lies`; `features_BKC`: of the picture alone, where `regions_BKC` read names;
        `logits_BKT`: how well the names' tokens fit, whose states are `names_TL`; `present_BK`: False for what is no
        object."""
        fits_BKT = (self.sharpness * logits_BKT.float()).softmax(dim=-1)
        named_BKL = fits_BKT @ names_TL.float()
        known = (self.regions(regions_BKC), self.features(features_BKC), place_BKP, scores_BK[..., None], named_BKL)
        dtype = known[0].dtype
        objects_BKL = self.object_norm(self.object(torch.cat([one.to(dtype) for one in known], dim=-1)))
        read_BKL: Tensor = self.between(objects_BKL, lies_BKJG.to(dtype), present_BK)
        return read_BKL

    def read(
        self, states_BTL: Tensor, objects_BKL: Tensor, lies_BKJG: Tensor, present_BK: Tensor, present_B1ST: Tensor
    ) -> Read:
        """`present_BK`: False for what is no object; `present_B1ST`: as `glipv2.text.bert.present` makes it."""
        matches: list[Tensor] = []
        known: Spoken | None = None
        for layer in self.layers:
            states_BTL, scores_BHTK = layer(states_BTL, objects_BKL, present_BK, present_B1ST, known)
            matches.append(scores_BHTK[:, 0])
            if known is None:
                known = spoken(matches[0], lies_BKJG, present_B1ST)
        return Read(states_BTL, matches[0], matches[-1])

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


class Between(nn.Module):
    """Attention of objects to each other, by what they are and how they lie, then a feed-forward network."""

    def __init__(self, text: BertConfig, config: UnderstandingConfig) -> None:
        super().__init__()
        self.heads = 2 * config.heads
        self.query = nn.Linear(text.width, text.width)
        self.key = nn.Linear(text.width, text.width)
        self.value = nn.Linear(text.width, text.width)
        self.lies = nn.Sequential(nn.Linear(LIES, LIES_HIDDEN), nn.GELU(), nn.Linear(LIES_HIDDEN, self.heads))
        self.output = nn.Linear(text.width, text.width)
        self.norm = nn.LayerNorm(text.width)
        self.expand = nn.Linear(text.width, config.hidden)
        self.reduce = nn.Linear(config.hidden, text.width)
        self.output_norm = nn.LayerNorm(text.width)

    def forward(self, objects_BKL: Tensor, lies_BKJG: Tensor, present_BK: Tensor) -> Tensor:
        """objects_BKL, which know of each other."""
        query_BHKD, key_BHJD, value_BHJD = (
            one(objects_BKL).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for one in (self.query, self.key, self.value)
        )
        scores_BHKJ = (query_BHKD @ key_BHJD.transpose(2, 3)).float() / query_BHKD.shape[-1] ** 0.5
        scores_BHKJ = scores_BHKJ + self.lies(lies_BKJG).float().permute(0, 3, 1, 2)
        scores_BHKJ = scores_BHKJ.masked_fill(~present_BK[:, None, None], NEVER)
        # A score of 0 beside them is of no object.
        weights_BHKJ = F.pad(scores_BHKJ, (0, 1)).softmax(dim=-1)[..., :-1].to(value_BHJD.dtype)
        read_BKL = self.output((weights_BHKJ @ value_BHJD).transpose(1, 2).flatten(2))
        objects_BKL = self.norm(objects_BKL + read_BKL)
        normed: Tensor = self.output_norm(objects_BKL + self.reduce(F.gelu(self.expand(objects_BKL))))
        return normed


class Reader(nn.Module):
    """Attention of tokens to objects, or to none; how many there are, which no mean can tell; then a text layer."""

    def __init__(self, text: BertConfig, config: UnderstandingConfig, first: bool) -> None:
        """`first`: before it, nobody knows what the text speaks of."""
        super().__init__()
        self.heads = config.heads
        self.said = None if first else nn.Parameter(torch.zeros(config.heads))
        self.lies = None if first else nn.Linear(LIES, text.width)
        self.query = nn.Linear(text.width, text.width)
        self.key = nn.Linear(text.width, text.width)
        self.value = nn.Linear(text.width, text.width)
        self.bias = nn.Parameter(torch.full((config.heads,), RARELY))
        self.counts = nn.Linear(config.heads * BINS, text.width)
        self.norm = nn.LayerNorm(text.width, text.norm_epsilon)
        self.dropout = nn.Dropout(text.dropout)
        self.layer = Layer(replace(text, hidden=config.hidden))

    def forward(
        self,
        states_BTL: Tensor,
        objects_BKL: Tensor,
        present_BK: Tensor,
        present_B1ST: Tensor,
        known: Spoken | None,
    ) -> tuple[Tensor, Tensor]:
        """States (B, T, L), and the logits of the attention (B, H, T, K)."""
        query_BHTD, key_BHKD, value_BHKD = (
            one.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for one in (self.query(states_BTL), self.key(objects_BKL), self.value(objects_BKL))
        )
        scores_BHTK = (query_BHTD @ key_BHKD.transpose(2, 3)).float() / query_BHTD.shape[-1] ** 0.5
        scores_BHTK = scores_BHTK.masked_fill(~present_BK[:, None, None], NEVER) + self.bias[:, None, None]
        if known is not None and self.said is not None:
            scores_BHTK = scores_BHTK + SAID_SCALE * self.said[:, None, None] * known.said_BSK[:, None]
        # A score of 0 beside them is of no object.
        weights_BHTK = F.pad(scores_BHTK, (0, 1)).softmax(dim=-1)[..., :-1].to(value_BHKD.dtype)
        counts_BTH = scores_BHTK.sigmoid().sum(dim=-1).transpose(1, 2)
        read_BTL = (weights_BHTK @ value_BHKD).transpose(1, 2).flatten(2)
        read_BTL = read_BTL + self.counts(bumps(counts_BTH).to(read_BTL.dtype))
        if known is not None and self.lies is not None:
            read_BTL = read_BTL + self.lies(known.lies_BTG.to(read_BTL.dtype))
        read: Tensor = self.layer(self.norm(states_BTL + self.dropout(read_BTL)), present_B1ST)
        return read, scores_BHTK


class Spoken(NamedTuple):
    """What a text speaks of, as far as each of its tokens sees it."""

    said_BSK: Tensor
    """0 to 1: that one of the words speaks of an object; S is 1 where all see the same. A caption knows so what it has
    told of (coverage: See et al., 2017), a question what it asks of."""

    lies_BTG: Tensor
    """How the other objects that are spoken of lie to those that a token speaks of; 0 where there is none."""


def spoken(logits_BTK: Tensor, lies_BKJG: Tensor, present_B1ST: Tensor) -> Spoken:
    """`logits_BTK`: of which objects a token speaks; `lies_BKJG`: of `lies`; `present_B1ST`: what a token sees."""
    not_BTK = F.logsigmoid(-logits_BTK)
    said_BSK = 1 - (present_B1ST[:, 0].to(not_BTK.dtype) @ not_BTK).exp()
    this_BTK = logits_BTK.sigmoid()
    others_KJ = 1 - torch.eye(lies_BKJG.shape[1], device=lies_BKJG.device)
    said_BTJ = said_BSK.expand_as(this_BTK)
    weights_BTKJ = this_BTK[..., None] * said_BTJ[:, :, None] * others_KJ
    weights_BTKJ = weights_BTKJ / weights_BTKJ.sum(dim=(2, 3), keepdim=True).clamp(min=1)
    lies_BTG = weights_BTKJ.flatten(2) @ lies_BKJG.flatten(1, 2).to(weights_BTKJ.dtype)
    return Spoken(said_BSK, lies_BTG)


def lies(place_BKP: Tensor) -> Tensor:
    """lies_BKJG: how the object J lies to K. `place_BKP`: of `places`."""
    center_BK2, side_BK2 = place_BKP[..., :2] / 2, (place_BKP[..., 2:4] + 1) / 2
    away_BKJ2 = center_BK2[:, None] - center_BK2[:, :, None]
    reach_BKJ2 = (side_BK2[:, None] + side_BK2[:, :, None]) / 2
    smaller_BKJ2 = torch.minimum(side_BK2[:, None], side_BK2[:, :, None])
    common_BKJ = (reach_BKJ2 - away_BKJ2.abs()).clamp(min=0).minimum(smaller_BKJ2).prod(dim=-1)
    area_BK = side_BK2.clamp(min=1e-3).prod(dim=-1)
    numbers = [
        LIES_SCALE * away_BKJ2,
        LIES_SCALE * away_BKJ2.abs(),
        (common_BKJ / area_BK[:, :, None])[..., None],
        (common_BKJ / area_BK[:, None])[..., None],
        (area_BK[:, None] / area_BK[:, :, None]).log()[..., None] / 2,
    ]
    return torch.cat(numbers, dim=-1)


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
