"""The loss of captions: each word from the picture and the words before it.

GLIPv2 masks the attention to later words and tells masked ones; here every word is told from the state of the one
before it, so that all of a caption's words teach something in each step.

Legend: B captions, T tokens, L channels of a token, P tokens that are told, V pieces of the vocabulary.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from glipv2.losses import processes
from glipv2.text.masked_words import MaskedWordHead


def caption_loss(
    head: MaskedWordHead, embeddings_VL: Tensor, states_BTL: Tensor, ids_BT: Tensor, mask_BT: Tensor
) -> Tensor:
    """Mean cross-entropy of the tokens after the first, [SEP] included, of all processes; 0 where there are none.

    `states_BTL`: of `told_states`; `mask_BT`: False for padding, and all of it for what is no caption.
    """
    told_BT = mask_BT[:, 1:]
    logits_PV = head(states_BTL[:, :-1][told_BT].float(), embeddings_VL)
    of_part = F.cross_entropy(logits_PV, ids_BT[:, 1:][told_BT], reduction="sum")
    count = processes.mean(told_BT.sum().to(of_part.dtype))
    # Of several processes, only some may have any.
    return of_part / count.clamp(min=1 / processes.world_size())
