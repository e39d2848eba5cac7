"""Pictures as captions read them: regions that read no word, and words that read the regions and the words before.

Legend: B captions, T tokens, L channels of a token, V pieces of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from glipv2.model import GLIP
from glipv2.pyramid import Pyramid
from glipv2.text.bert import present
from glipv2.text.wordpiece import WordPiece
from glipv2.understanding.seen import Seen, head_of, seen


class Scene(NamedTuple):
    """Pictures, ready to be told of."""

    fused_BNC: list[Tensor]
    """What each fusion layer reads."""

    seen: Seen

    def repeated(self, times: int) -> Scene:
        """A single picture, as often: for several captions of it."""
        return Scene(
            [one.expand(times, -1, -1) for one in self.fused_BNC],
            Seen(*(one.expand(times, *one.shape[1:]) for one in self.seen)),
        )


def scene(model: GLIP, pyramid: Pyramid, sizes: Sequence[tuple[int, int]]) -> Scene:
    """`sizes`: (height, width) of the pictures without padding."""
    pieces = WordPiece.default()
    ids_1T = torch.tensor([[pieces.cls_id, pieces.sep_id]], device=pyramid.features_BNC.device)
    scan = model.scan(pyramid, model.encode_text(ids_1T, torch.ones_like(ids_1T, dtype=torch.bool)))
    return Scene(scan.fused_BNC, seen(scan.output, sizes))


def told_states(model: GLIP, scene: Scene, ids_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """states_BTL, of which each says what comes after its token: it depends on no later one."""
    states_BTL = model.tell(scene.fused_BNC, ids_BT, mask_BT)
    regions = scene.seen
    logits_BNT = model.words(regions.regions_BNC, states_BTL).logits_BNT
    causal_B1TT = present(mask_BT.bool(), causal=True)
    return head_of(model).read(states_BTL, regions.regions_BNC, regions.place_BNP, logits_BNT, causal_B1TT)


def word_logits(model: GLIP, states_BTL: Tensor) -> Tensor:
    """logits_BTV of the next piece."""
    logits_BTV: Tensor = head_of(model).words(states_BTL, model.text.embeddings.word.weight)
    return logits_BTV
