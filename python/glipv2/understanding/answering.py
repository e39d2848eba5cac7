"""Questions and candidate answers in one space.

Legend: B questions, A candidates, T tokens, K objects, D of the common space.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from glipv2.model import GLIP
from glipv2.text.bert import TextFeatures, present
from glipv2.understanding.scene import Scene, head_of


class Understood(NamedTuple):
    vectors_BD: Tensor
    """Dot products with `candidate_vectors` are the logits of the answers."""

    logits_BTK: Tensor
    """Which objects each token speaks of."""


def understood(model: GLIP, scene: Scene, text: TextFeatures) -> Understood:
    """Questions, each of its picture of the scene."""
    head = head_of(model)
    visible_B1ST = present(text.mask_BT.bool(), causal=False)
    read = head.read(text.hidden_BTC, scene.objects_BKL, scene.lies_BKJG, scene.present_BK, visible_B1ST)
    return Understood(head.questions(read.states_BTL), read.spoken_BTK)


def question_vectors(model: GLIP, scene: Scene, text: TextFeatures) -> Tensor:
    """[B, D] of `understood`."""
    return understood(model, scene, text).vectors_BD


def candidate_vectors(model: GLIP, ids_AT: Tensor, mask_AT: Tensor) -> Tensor:
    """[A, D] of candidates, whatever the picture: to be kept."""
    return head_of(model).answers(model.encode_text(ids_AT, mask_AT))
