"""The loss of answers: which of the candidates are right, of all questions of a batch.

Where several are right, as people's answers may be, each is wanted by its part of them. The paper's loss of its
classifier is not published in detail; this is the softmax's cross-entropy, as of a vocabulary of which one is right.

Legend: B questions, A candidates, D channels of their space.
"""

from __future__ import annotations

from torch import Tensor

from glipv2.losses import processes


def answer_loss(questions_BD: Tensor, candidates_AD: Tensor, right_BA: Tensor) -> Tensor:
    """The mean over questions of all processes; 0 where there are none.

    `right_BA`: how much each candidate is right, adding up to 1, or to 0 for what is no question.
    """
    logits_BA = questions_BD.float() @ candidates_AD.float().t()
    of_part = -(logits_BA.log_softmax(dim=1) * right_BA).sum()
    count = processes.mean((right_BA.sum(dim=1) > 0).sum().to(of_part.dtype))
    # Of several processes, only some may have any.
    return of_part / count.clamp(min=1 / processes.world_size())
