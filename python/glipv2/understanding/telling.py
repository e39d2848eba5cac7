"""Pictures as questions and captions read them, and captions that are told of them.

Legend: B texts, T tokens, L channels of a token, V pieces of the vocabulary.
"""

from __future__ import annotations

from torch import Tensor

from glipv2.head.understanding import Read
from glipv2.model import GLIP
from glipv2.text.bert import present
from glipv2.understanding.scene import Scene, head_of


def told(model: GLIP, scene: Scene, ids_BT: Tensor, mask_BT: Tensor) -> Read:
    """Each state says what comes after its token: it depends on no later one."""
    text = model.text(ids_BT, mask_BT, causal=True)
    causal_B1TT = present(mask_BT.bool(), causal=True)
    return head_of(model).read(text.hidden_BTC, scene.objects_BKL, scene.lies_BKJG, scene.present_BK, causal_B1TT)


def told_states(model: GLIP, scene: Scene, ids_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """states_BTL of `told`."""
    return told(model, scene, ids_BT, mask_BT).states_BTL


def word_logits(model: GLIP, states_BTL: Tensor) -> Tensor:
    """logits_BTV of the next piece."""
    logits_BTV: Tensor = head_of(model).words(states_BTL, model.text.embeddings.word.weight)
    return logits_BTV
