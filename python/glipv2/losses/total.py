"""All losses of a batch: what a training step makes small.

Legend: B pictures, H W their sides; of pixel features, B E H W.
"""

from __future__ import annotations

from collections.abc import ItemsView
from dataclasses import dataclass

import torch
from torch import Tensor

from glipv2.config import InputConfig
from glipv2.data.batches import Batch
from glipv2.losses.assignment import assigned
from glipv2.losses.grounding import grounding_loss
from glipv2.losses.inter import inter_loss
from glipv2.losses.masks import mask_loss
from glipv2.losses.mlm import grounded, mask_words, mlm_loss
from glipv2.losses.pretraining import PretrainHeads
from glipv2.losses.weights import LossWeights
from glipv2.losses.words import caption_losses, question_losses
from glipv2.model import GLIP
from glipv2.pictures import normalised
from glipv2.text.wordpiece import WordPiece


@dataclass(frozen=True)
class Losses:
    """Scalars by name, weighted: tokens, boxes, centerness; inter; mlm; masks; answers; captions."""

    parts: dict[str, Tensor]

    @property
    def total(self) -> Tensor:
        return torch.stack([*self.parts.values()]).sum()

    def items(self) -> ItemsView[str, Tensor]:
        return self.parts.items()


def total_loss(
    model: GLIP, heads: PretrainHeads | None, batch: Batch, weights: LossWeights, generator: torch.Generator
) -> Losses:
    """Of a batch on the CPU, by a model on any device: those of its kind, of weights that are not 0.

    Under autocast the network computes in its precision and the losses in float32. `heads`: for `inter` and `mlm`.
    `generator`: which words are masked, and which regions of a large picture `inter` and `masks` take, are drawn from
    it; on the CPU, of the same state in all processes, which then have the losses and gradients of a single one on the
    whole batch. `masks` needs a model that finds them, and a batch that has them.
    """
    device = next(model.parameters()).device
    if batch.kind != "boxes":
        of_kind = question_losses if batch.kind == "questions" else caption_losses
        return Losses(of_kind(model, model.look(_pictures(batch, model.config.input, device)), batch, weights))
    masked = None
    if weights.mlm:
        words, pieces = grounded(batch.targets.tokens_MT), WordPiece.default()
        masked = mask_words(batch.ids_BT, words, pieces.mask_id, len(pieces.pieces), generator)
    told_BT = None if masked is None else masked.told_BT.to(device)
    mask_BT = batch.mask_BT.to(device)
    text = model.encode_text((batch.ids_BT if masked is None else masked.ids_BT).to(device), mask_BT)
    pyramid = model.look(_pictures(batch, model.config.input, device))
    output = model.read(pyramid, text)
    mask_head = model.masks if weights.masks else None
    pixels_BEHW = None if mask_head is None else mask_head(pyramid.replaced(output.regions_BNC))

    parts: dict[str, Tensor] = {}
    with torch.autocast(device.type, enabled=False):
        found = assigned(batch.targets.boxes_M4, output.sizes, device)
        if weights.grounding:
            grounding = grounding_loss(output, found, batch.targets.tokens_MT, mask_BT)
            parts.update((name, weights.grounding * one) for name, one in grounding._asdict().items())
        if weights.inter:
            assert heads is not None
            regions, words_BTL = pyramid.features_BNC, text.embedded_BTC
            parts["inter"] = weights.inter * inter_loss(
                heads, regions, words_BTL, found, batch.asked, told_BT, generator
            )
        if told_BT is not None:
            assert heads is not None
            embeddings = model.text.embeddings.word.weight
            parts["mlm"] = weights.mlm * mlm_loss(
                heads.words, embeddings, output.states_BTL, batch.ids_BT.to(device), told_BT
            )
        if weights.masks:
            assert mask_head is not None
            assert pixels_BEHW is not None
            assert batch.masks_MHW is not None
            parts["masks"] = weights.masks * mask_loss(
                mask_head, pixels_BEHW, output.regions_BNC, found, batch.masks_MHW, generator
            )
    return Losses(parts)


def _pictures(batch: Batch, config: InputConfig, device: torch.device) -> Tensor:
    """As the network takes them: 0 beyond each picture's edge, as `glipv2.pictures.batch` has it."""
    pictures_B3HW = normalised(batch.pictures_B3HW.to(device), config)
    for picture_3HW, (height, width) in zip(pictures_B3HW, batch.sizes, strict=True):
        picture_3HW[:, height:] = 0
        picture_3HW[:, :, width:] = 0
    return pictures_B3HW
