"""Questions and candidate answers in one space.

Legend: B questions, A candidates, T tokens, L channels of a token, D of the common space.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from glipv2.head.counting import counted
from glipv2.model import GLIP, Output
from glipv2.text.bert import present
from glipv2.understanding.seen import head_of, seen


def question_vectors(model: GLIP, output: Output, mask_BT: Tensor, sizes: Sequence[tuple[int, int]]) -> Tensor:
    """[B, D] of questions that were read with their pictures; `sizes`: (height, width) of these without padding.

    Dot products with `candidate_vectors` are the logits of the answers.
    """
    head, regions = head_of(model), seen(output, sizes)
    counts_BTK = counted(output.logits_BNT, regions.centerness_BN, regions.boxes_BN4)
    states_BTL = head.read(
        output.states_BTL,
        regions.regions_BNC,
        regions.place_BNP,
        output.logits_BNT,
        present(mask_BT.bool(), causal=False),
        counts_BTK,
    )
    return head.questions(states_BTL, mask_BT)


def candidate_vectors(model: GLIP, ids_AT: Tensor, mask_AT: Tensor) -> Tensor:
    """[A, D] of candidates, whatever the picture: to be kept."""
    return head_of(model).answers(model.encode_text(ids_AT, mask_AT))
