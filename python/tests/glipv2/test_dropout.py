from __future__ import annotations

import torch

from glipv2.ops.dropout import Dropout

CPU = torch.device("cpu")


def test_the_mean_stays() -> None:
    dropout = Dropout(0.1, 7, CPU)
    values = dropout.drop_(torch.ones(1000, 1001)) * dropout.scale
    assert abs(values.mean() - 1) < 1e-3
    assert abs((values == 0).float().mean() - 0.1) < 1e-3
    # Neighbours are drawn from the same word.
    pairs = (values[:, :1000].reshape(-1, 4) == 0).float()
    assert ((pairs.t() @ pairs / len(pairs))[~torch.eye(4, dtype=torch.bool)] - 0.01).abs().max() < 1e-3


def test_a_seed_draws_the_same_in_the_same_order() -> None:
    first, again, other = Dropout(0.5, 3, CPU), Dropout(0.5, 3, CPU), Dropout(0.5, 4, CPU)
    one, two = first.drop_(torch.ones(33)), first.drop_(torch.ones(5, 7))
    assert torch.equal(again.drop_(torch.ones(33)), one)
    assert torch.equal(again.drop_(torch.ones(5, 7)), two)
    assert not torch.equal(other.drop_(torch.ones(33)), one)


def test_nothing_is_dropped_and_nothing_is_drawn_for_a_share_of_0() -> None:
    state = torch.get_rng_state()
    dropout = Dropout(0.0, Dropout.seed(0.0), CPU)
    assert not dropout
    assert dropout.scale == 1
    assert dropout.drop_(torch.ones(4)).tolist() == [1, 1, 1, 1]
    assert torch.equal(torch.get_rng_state(), state)
    Dropout.seed(0.1)
    assert not torch.equal(torch.get_rng_state(), state)
