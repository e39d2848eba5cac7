"""All losses of a batch together."""

from __future__ import annotations

from dataclasses import asdict

import pytest
import torch
from tiny_runs import TINY

from glipv2.data.batches import Asked, Batch, of_boxes
from glipv2.losses.grounding import Targets
from glipv2.losses.pretraining import PretrainHeads
from glipv2.losses.total import Losses, total_loss
from glipv2.losses.weights import LossWeights
from glipv2.model import GLIP

TOKENS = 9


@pytest.fixture
def model() -> GLIP:
    torch.manual_seed(0)
    return GLIP(TINY).eval()


@pytest.fixture
def heads() -> PretrainHeads:
    torch.manual_seed(1)
    return PretrainHeads(TINY)


def batch(seed: int = 0) -> Batch:
    """A list of categories, a caption, and a text without phrases, of pictures of three sizes."""
    generator = torch.Generator().manual_seed(seed)
    tokens_KT = torch.eye(3, TOKENS).roll(1, 1).bool()
    asked = [
        Asked(("dog", "cat", "fish"), tokens_KT, ((0,), (2,))),
        Asked((None, None), tokens_KT[:2], ((0, 1),)),
        Asked((), tokens_KT[:0], ()),
    ]
    first, second = torch.tensor([[10.0, 10, 90, 80], [30, 30, 120, 120]]), torch.tensor([[10.0, 10, 90, 80]])
    return Batch(
        torch.randint(0, 255, (3, 3, 128, 160), generator=generator, dtype=torch.uint8),
        [(128, 160), (100, 160), (128, 120)],
        torch.randint(1000, 2000, (3, TOKENS), generator=torch.Generator().manual_seed(9)),
        torch.arange(TOKENS) < torch.tensor([[9], [9], [5]]),
        Targets([first, second, torch.zeros(0, 4)], [of_boxes(one) for one in asked]),
        asked,
    )


def losses(model: GLIP, heads: PretrainHeads | None, one: Batch, seed: int = 0, **weights: float) -> Losses:
    return total_loss(model, heads, one, LossWeights(**weights), torch.Generator().manual_seed(seed))


def values(found: Losses) -> dict[str, float]:
    return {name: one.item() for name, one in found.items()}


@torch.no_grad()
def test_each_is_switched_and_weighted(model: GLIP, heads: PretrainHeads) -> None:
    assert [*losses(model, None, batch()).parts] == ["tokens", "boxes", "centerness"]
    assert [*losses(model, heads, batch(), grounding=0, inter=1).parts] == ["inter"]
    every = losses(model, heads, batch(), inter=1, mlm=1)
    assert [*every.parts] == ["tokens", "boxes", "centerness", "inter", "mlm"]
    assert all(value > 0 for value in values(every).values())
    assert every.total.item() == pytest.approx(sum(values(every).values()))
    weighted = values(losses(model, heads, batch(), grounding=0.5, inter=2, mlm=0.1))
    factors = {"tokens": 0.5, "boxes": 0.5, "centerness": 0.5, "inter": 2, "mlm": 0.1}
    assert weighted == {name: pytest.approx(factors[name] * value) for name, value in values(every).items()}


@torch.no_grad()
def test_what_pads_a_picture_makes_no_difference(model: GLIP, heads: PretrainHeads) -> None:
    one, other = batch(), batch()
    for picture, (height, width) in zip(other.pictures_B3HW, other.sizes, strict=True):
        picture[:, height:] = 255
        picture[:, :, width:] = 255
    assert not torch.equal(one.pictures_B3HW, other.pictures_B3HW)
    assert values(losses(model, heads, one, inter=1, mlm=1)) == values(losses(model, heads, other, inter=1, mlm=1))


@torch.no_grad()
def test_the_generator_decides_what_is_masked(model: GLIP, heads: PretrainHeads) -> None:
    found = [values(losses(model, heads, batch(), seed, mlm=1)) for seed in (0, 0, 1)]
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_gradients_reach_everything(model: GLIP, heads: PretrainHeads) -> None:
    model.train()
    losses(model, heads, batch(), inter=1, mlm=1).total.backward()
    for name, one in [*model.named_parameters(), *heads.named_parameters()]:
        assert one.grad is not None, name
        assert one.grad.isfinite().all(), name
        # Not every level has a box; softmax does not see the bias of a key.
        assert one.grad.any() or "boxes.scales" in name or name.endswith("key.bias"), name


def test_autocast_is_for_the_network(model: GLIP, heads: PretrainHeads) -> None:
    expected = values(losses(model, heads, batch(), inter=1, mlm=1))
    with torch.autocast("cpu", torch.bfloat16):
        found = losses(model, heads, batch(), inter=1, mlm=1)
    assert {one.dtype for _, one in found.items()} == {torch.float32}
    assert values(found) == {name: pytest.approx(value, rel=0.02) for name, value in expected.items()}
    found.total.backward()


def test_weights_of_losses() -> None:
    others = dict.fromkeys(("inter", "mlm", "masks", "answers", "captions"), 0.0)
    assert asdict(LossWeights()) == {"grounding": 1.0, **others}
    with pytest.raises(ValueError, match="inter must be a number of at least 0, got -1"):
        LossWeights(inter=-1)
    with pytest.raises(ValueError, match="mlm must be a number of at least 0, got nan"):
        LossWeights(mlm=float("nan"))
    with pytest.raises(ValueError, match="a loss must have a weight of more than 0"):
        LossWeights(grounding=0)
