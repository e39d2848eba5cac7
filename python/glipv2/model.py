"""GLIP (Li et al., 2022): detection as the grounding of a text's tokens in a picture's regions.

Legend: B pictures, H W their sides, N regions (positions of all levels), T tokens, C channels of the pyramid,
L channels of a token.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from glipv2.config import GlipConfig
from glipv2.fusion.attention import FusionLayer
from glipv2.head.dyconv import DyConv
from glipv2.head.masks import MaskHead
from glipv2.head.scores import BoxHead, WordHead
from glipv2.head.understanding import Understanding
from glipv2.pyramid import Pyramid, Sizes
from glipv2.text.bert import BertEncoder, TextFeatures
from glipv2.text.bert import Layer as TextLayer
from glipv2.vision.fpn import FPN
from glipv2.vision.swin import Swin

__all__ = ["GLIP", "STRIDES", "Output", "TextFeatures"]

#: Pixels from one place of a level to the next.
STRIDES = (8, 16, 32, 64, 128)


class Output(NamedTuple):
    logits_BNT: Tensor
    """How well each token fits each region, before the sigmoid. Those of padding have no meaning."""

    deltas_BN4: Tensor
    """From each region's anchor to its box."""

    centerness_BN: Tensor
    """Logits."""

    sizes: Sizes
    """Of the levels, whose strides are `STRIDES`; the regions are theirs one after the other, row by row."""

    regions_BNC: Tensor
    """What the dot products took of the picture ..."""

    tokens_BTC: Tensor
    """... and of the text."""

    states_BTL: Tensor
    """The tokens as fusion left them."""

    def row(self, row: int) -> Output:
        """Of one picture with its text."""
        one = slice(row, row + 1)
        return Output(
            self.logits_BNT[one],
            self.deltas_BN4[one],
            self.centerness_BN[one],
            self.sizes,
            self.regions_BNC[one],
            self.tokens_BTC[one],
            self.states_BTL[one],
        )


class GLIP(nn.Module):
    def __init__(self, config: GlipConfig) -> None:
        super().__init__()
        self.config = config
        self._checkpointing = config.head.checkpointing
        channels, text_width, blocks = config.fpn.channels, config.text.width, config.head.blocks
        self.swin = Swin(config.swin)
        self.fpn = FPN(tuple(config.swin.channels(stage) for stage in config.swin.levels), config.fpn)
        self.text = BertEncoder(config.text)
        tower: list[nn.Module] = []
        for _ in range(blocks):
            if config.fusion is not None:
                tower.append(FusionLayer(config.fusion, channels, text_width, share=1 / blocks))
                tower.append(TextLayer(config.text))
            tower.append(DyConv(channels, config.head.norm_groups))
        self.tower = nn.ModuleList(tower)
        self.boxes = BoxHead(channels, levels=len(STRIDES))
        self.words = WordHead(channels, text_width, config.head.prior, config.head.log_scale)
        self.masks = None if config.masks is None else MaskHead(config.masks, channels, config.swin.channels(0))
        understanding = config.understanding
        self.understanding = None if understanding is None else Understanding(understanding, channels, config.text)

    def encode_text(self, ids_BT: Tensor, mask_BT: Tensor) -> TextFeatures:
        """ids_BT: int64 word pieces; mask_BT: True (or 1) at tokens. To be kept, and used for any number of pictures.

        ValueError: more tokens than the text encoder has positions.
        """
        features: TextFeatures = self.text(ids_BT, mask_BT)
        return features

    def look(self, pictures_B3HW: Tensor) -> Pyramid:
        """What the picture alone says: once for all texts that it is read with. Pictures are normalised and padded as
        `config.input` says."""
        if self.masks is None:
            return Pyramid.of(self.fpn(self.swin(pictures_B3HW)))
        maps, detail_BDHW = self.swin.with_detail(pictures_B3HW)
        return Pyramid.of(self.fpn(maps), detail_BDHW)

    def read(self, pyramid: Pyramid, text: TextFeatures) -> Output:
        """Picture and text together. Either may be one for many of the other."""
        pyramid, text = _paired(pyramid, text)
        text_BTL, mask_BT = text.hidden_BTC, text.mask_BT
        # A GPU would have to be waited for to know.
        padded = mask_BT.device.type != "cpu" or not bool(mask_BT.all())
        for layer in self.tower:
            if isinstance(layer, FusionLayer):
                regions_BNC, text_BTL = self._applied(
                    layer, pyramid.features_BNC, text_BTL, mask_BT if padded else None
                )
                pyramid = pyramid.replaced(regions_BNC)
            elif isinstance(layer, TextLayer):
                text_BTL = self._applied(layer, text_BTL, mask_BT[:, None, None, :])
            else:
                pyramid = self._applied(layer, pyramid)
        boxes = self.boxes(pyramid)
        words = self.words(pyramid.features_BNC, text.embedded_BTC if self.config.fusion is None else text_BTL)
        return Output(
            words.logits_BNT,
            boxes.deltas_BN4,
            boxes.centerness_BN,
            pyramid.sizes,
            pyramid.features_BNC,
            words.tokens_BTC,
            text_BTL,
        )

    def _applied(self, layer: nn.Module, *arguments: Any) -> Any:
        if self._checkpointing and self.training:
            return checkpoint(layer, *arguments, use_reentrant=False)
        return layer(*arguments)

    def forward(self, pictures_B3HW: Tensor, text: TextFeatures) -> Output:
        """`look`, then `read`."""
        return self.read(self.look(pictures_B3HW), text)


def _paired(pyramid: Pyramid, text: TextFeatures) -> tuple[Pyramid, TextFeatures]:
    pictures, texts = len(pyramid.features_BNC), len(text.mask_BT)
    if pictures == texts:
        return pyramid, text
    if pictures == 1:
        return pyramid.replaced(pyramid.features_BNC.expand(texts, -1, -1)), text
    if texts == 1:
        return pyramid, TextFeatures(*(one.expand(pictures, *one.shape[1:]) for one in text))
    raise ValueError(f"a text for each picture, or one of either: got {pictures} pictures and {texts} texts")
