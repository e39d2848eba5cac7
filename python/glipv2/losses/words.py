"""The losses of the steps that ask questions, and of those that tell captions: each batch is all of one kind.

Legend: B pictures, T tokens, A candidates.
"""

from __future__ import annotations

import torch
from torch import Tensor

from glipv2.data.batches import Batch
from glipv2.losses.answers import answer_loss
from glipv2.losses.assignment import assigned
from glipv2.losses.captions import caption_loss
from glipv2.losses.grounding import grounding_loss
from glipv2.losses.weights import LossWeights
from glipv2.model import GLIP
from glipv2.pyramid import Pyramid
from glipv2.understanding.answering import candidate_vectors, question_vectors
from glipv2.understanding.seen import head_of
from glipv2.understanding.telling import scene, told_states


def question_losses(model: GLIP, pyramid: Pyramid, batch: Batch, weights: LossWeights) -> dict[str, Tensor]:
    """`answers`, and of what questions speak of, tokens, boxes and centerness."""
    device = pyramid.features_BNC.device
    mask_BT = batch.mask_BT.to(device)
    output = model.read(pyramid, model.encode_text(batch.ids_BT.to(device), mask_BT))
    parts: dict[str, Tensor] = {}
    if weights.answers:
        assert batch.candidates is not None
        assert batch.right_BA is not None
        questions_BD = question_vectors(model, output, mask_BT, batch.sizes)
        candidates_AD = candidate_vectors(model, *(one.to(device) for one in batch.candidates))
        with torch.autocast(device.type, enabled=False):
            loss = answer_loss(questions_BD, candidates_AD, batch.right_BA.to(device))
        parts["answers"] = weights.answers * loss
    if weights.grounding:
        # Of the others nobody knows what they speak of.
        known_B = torch.tensor(batch.grounded, device=device)
        with torch.autocast(device.type, enabled=False):
            found = assigned(batch.targets.boxes_M4, output.sizes, device)
            losses = grounding_loss(output, found, batch.targets.tokens_MT, mask_BT & known_B[:, None])
        parts.update((name, weights.grounding * one) for name, one in losses._asdict().items())
    return parts


def caption_losses(model: GLIP, pyramid: Pyramid, batch: Batch, weights: LossWeights) -> dict[str, Tensor]:
    """`captions`: of the pictures that have one."""
    device = pyramid.features_BNC.device
    ids_BT, mask_BT = batch.ids_BT.to(device), batch.mask_BT.to(device)
    states_BTL = told_states(model, scene(model, pyramid, batch.sizes), ids_BT, mask_BT)
    told_B = torch.tensor([kind == "captions" for kind in batch.kinds], device=device)
    embeddings_VL = model.text.embeddings.word.weight
    with torch.autocast(device.type, enabled=False):
        loss = caption_loss(head_of(model).words, embeddings_VL, states_BTL, ids_BT, mask_BT & told_B[:, None])
    return {"captions": weights.captions * loss}
