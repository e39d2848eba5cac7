"""The losses of the steps that ask questions, and of those that tell captions: each batch is all of one kind.

Legend: B pictures, T tokens, K objects, M boxes, A candidates.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import box_iou

from glipv2.data.batches import Batch
from glipv2.head.understanding import Read
from glipv2.losses import processes
from glipv2.losses.answers import answer_loss
from glipv2.losses.assignment import assigned
from glipv2.losses.captions import caption_loss
from glipv2.losses.grounding import Targets, grounding_loss
from glipv2.losses.weights import LossWeights
from glipv2.model import GLIP
from glipv2.pyramid import Pyramid
from glipv2.understanding.answering import candidate_vectors, understood
from glipv2.understanding.scene import Scene, head_of, scene
from glipv2.understanding.telling import told

#: Part of the loss of what words speak of, beside that of the answer or the caption.
RESTS = 1.0

#: Intersection over union from which an object is a box's.
SAME = 0.5


def question_losses(model: GLIP, pyramid: Pyramid, batch: Batch, weights: LossWeights) -> dict[str, Tensor]:
    """`answers`, and of what questions speak of, tokens, boxes and centerness."""
    device = pyramid.features_BNC.device
    mask_BT = batch.mask_BT.to(device)
    # Of the others nobody knows what they speak of.
    known_BT = mask_BT & torch.tensor(batch.grounded, device=device)[:, None]
    text = model.encode_text(batch.ids_BT.to(device), mask_BT)
    parts: dict[str, Tensor] = {}
    if weights.answers:
        assert batch.candidates is not None
        assert batch.right_BA is not None
        seen = scene(model, pyramid, batch.sizes)
        found = understood(model, seen, text)
        candidates_AD = candidate_vectors(model, *(one.to(device) for one in batch.candidates))
        with torch.autocast(device.type, enabled=False):
            loss = answer_loss(found.vectors_BD, candidates_AD, batch.right_BA.to(device))
            asked_B1 = batch.right_BA.to(device).sum(dim=1, keepdim=True) > 0
            loss = loss + RESTS * rests_loss(found.logits_BTK, seen, batch.targets, known_BT & asked_B1)
        parts["answers"] = weights.answers * loss
    if weights.grounding:
        output = model.read(pyramid, text)
        with torch.autocast(device.type, enabled=False):
            places = assigned(batch.targets.boxes_M4, output.sizes, device)
            losses = grounding_loss(output, places, batch.targets.tokens_MT, known_BT)
        parts.update((name, weights.grounding * one) for name, one in losses._asdict().items())
    return parts


def rests_loss(logits_BTK: Tensor, seen: Scene, targets: Targets, known_BT: Tensor) -> Tensor:
    """Cross-entropy of each word with each object: does it speak of it? The mean over words, then over texts."""
    wanted_BTK = torch.zeros_like(logits_BTK)
    for row, (boxes_M4, tokens_MT) in enumerate(zip(targets.boxes_M4, targets.tokens_MT, strict=True)):
        if not len(boxes_M4):
            continue
        overlaps_KM = box_iou(seen.boxes_BK4[row], boxes_M4.to(logits_BTK.device, torch.float32))
        overlap_K, nearest_K = overlaps_KM.max(dim=1)
        of_box_KT = tokens_MT.to(logits_BTK.device)[nearest_K] & (overlap_K >= SAME)[:, None]
        wanted_BTK[row, : of_box_KT.shape[1]] = of_box_KT.t().to(wanted_BTK.dtype)
    losses_BTK = F.binary_cross_entropy_with_logits(logits_BTK, wanted_BTK, reduction="none")
    of_words_BT = (losses_BTK * seen.present_BK[:, None]).sum(dim=2)
    words_B = known_BT.sum(dim=1)
    of_texts_B = (of_words_BT * known_BT).sum(dim=1) / words_B.clamp(min=1)
    count = processes.mean((words_B > 0).sum().to(of_texts_B.dtype))
    return of_texts_B.sum() / count.clamp(min=1 / processes.world_size())


def told_rests_loss(read: Read, seen: Scene, targets: Targets, known_BT: Tensor) -> Tensor:
    """`rests_loss` of each word of a caption, and of what each says comes next."""
    later = targets._replace(tokens_MT=[one_MT[:, 1:] for one_MT in targets.tokens_MT])
    this = rests_loss(read.spoken_BTK, seen, targets, known_BT)
    return this + rests_loss(read.next_BTK[:, :-1], seen, later, known_BT[:, 1:])


def caption_losses(model: GLIP, pyramid: Pyramid, batch: Batch, weights: LossWeights) -> dict[str, Tensor]:
    """`captions`: of the pictures that have one."""
    device = pyramid.features_BNC.device
    ids_BT, mask_BT = batch.ids_BT.to(device), batch.mask_BT.to(device)
    seen = scene(model, pyramid, batch.sizes)
    read = told(model, seen, ids_BT, mask_BT)
    told_B = torch.tensor([kind == "captions" for kind in batch.kinds], device=device)
    known_B = told_B & torch.tensor(batch.grounded, device=device)
    embeddings_VL = model.text.embeddings.word.weight
    with torch.autocast(device.type, enabled=False):
        loss = caption_loss(head_of(model).words, embeddings_VL, read.states_BTL, ids_BT, mask_BT & told_B[:, None])
        loss = loss + RESTS * told_rests_loss(read, seen, batch.targets, mask_BT & known_B[:, None])
    return {"captions": weights.captions * loss}
