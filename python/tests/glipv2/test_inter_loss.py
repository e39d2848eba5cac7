"""L_inter against cases worked by hand, and against its definition written as loops."""

from __future__ import annotations

import math
from itertools import product

import pytest
import torch
from torch import Tensor

from glipv2.config import GlipConfig, HeadConfig
from glipv2.data.batches import Asked
from glipv2.losses import inter
from glipv2.losses.assignment import Assigned
from glipv2.losses.inter import inter_loss
from glipv2.losses.pretraining import PretrainHeads
from glipv2.text.bert import BertConfig
from glipv2.vision.fpn import FpnConfig

CONFIG = GlipConfig(
    fpn=FpnConfig(channels=4), text=BertConfig(width=4, layers=1, heads=1, hidden=8), head=HeadConfig(norm_groups=4)
)
REGION, PHRASE, NOTHING = torch.eye(4)[0], torch.eye(4)[1], torch.eye(4)[3]
DOG, CAT = torch.eye(4)[0], torch.eye(4)[1]


def plain_heads() -> PretrainHeads:
    """Regions and phrases as they are; scores are cosines."""
    heads = PretrainHeads(CONFIG)
    with torch.no_grad():
        for layer in (heads.region, heads.phrase):
            layer.weight.copy_(torch.eye(64, 4))
            layer.bias.zero_()
        heads.log_scale.zero_()
    return heads


def asked(names: list[str | None], phrases: list[tuple[int, ...]]) -> Asked:
    """Each phrase is one token, its own."""
    return Asked(tuple(names), torch.eye(len(names), 4, dtype=torch.bool), tuple(phrases))


def regions_of(boxes: list[list[int]]) -> Assigned:
    """`boxes`: of each picture, the box of each of its regions, -1 for none."""
    found = [(picture, region, box) for picture, row in enumerate(boxes) for region, box in enumerate(row) if box >= 0]
    picture_P, region_P, box_P = torch.tensor(found, dtype=torch.long).reshape(-1, 3).t()
    return Assigned(picture_P, region_P, box_P, torch.zeros(len(found), 4), torch.zeros(len(found), 4))


def loss_of(
    regions: list[list[Tensor]],
    tokens: list[list[Tensor]],
    boxes: list[list[int]],
    texts: list[Asked],
    told_BT: Tensor | None = None,
) -> Tensor:
    embedded = [torch.stack([*row, *[torch.zeros(4)] * (4 - len(row))]) for row in tokens]
    pictures_BNC = torch.stack([torch.stack(row) for row in regions])
    generator = torch.Generator().manual_seed(0)
    return inter_loss(plain_heads(), pictures_BNC, torch.stack(embedded), regions_of(boxes), texts, told_BT, generator)


def test_lists_of_categories_share_their_phrases() -> None:
    """Each picture has a region of one category and one without a box; each text names both categories."""
    loss = loss_of(
        [[DOG, NOTHING], [CAT, NOTHING]],
        [[DOG, CAT], [CAT, DOG]],
        [[0, -1], [0, -1]],
        [asked(["dog", "cat"], [(0,)]), asked(["cat", "dog"], [(0,)])],
    )
    # A region has two of four phrases, of score 1: half of the probability each.
    of_regions = math.log(2 * math.e + 2) - 1
    # A phrase, also one whose own picture lacks it, has one of four regions.
    of_phrases = math.log(math.e + 3) - 1
    assert loss.item() == pytest.approx((of_regions + of_phrases) / 2)


def test_a_captions_phrase_is_its_own_pictures() -> None:
    """The same as before, but the second text is a caption that speaks of a dog, as the first picture's region is."""
    loss = loss_of(
        [[DOG, NOTHING], [DOG, NOTHING]],
        [[DOG, CAT], [DOG]],
        [[0, -1], [0, -1]],
        [asked(["dog", "cat"], [(0,)]), asked([None], [(0,)])],
    )
    # Three phrases of scores 1, 0, 1, of which one is right.
    of_regions = math.log(2 * math.e + 1) - 1
    # Of the list, "cat" has no region and does not count. The two others have four regions of scores 1, 0, 1, 0.
    of_phrases = math.log(2 * math.e + 2) - 1
    assert loss.item() == pytest.approx((of_regions + of_phrases) / 2)


def test_two_phrases_of_a_caption_for_one_box() -> None:
    loss = loss_of([[DOG]], [[DOG, CAT]], [[0]], [asked([None, None], [(0, 1)])])
    of_regions = math.log(math.e + 1) - (1 + 0) / 2
    assert loss.item() == pytest.approx(of_regions / 2), "a phrase has its only region for certain"


def test_masked_words_show_nothing() -> None:
    """A phrase all of whose tokens are to be told takes no part; one of two tokens is what the other says."""
    pair = Asked(("dog", "cat"), torch.tensor([[True, True, False, False], [False, False, True, False]]), ((0,), (1,)))
    told_BT = torch.tensor([[False, True, True, False]])
    loss = loss_of([[DOG, CAT]], [[DOG, CAT, CAT]], [[0, 1]], [pair], told_BT)
    # Left are the dog's region, whose only phrase it is, and the phrase with its two regions.
    assert loss.item() == pytest.approx((math.log(math.e + 1) - 1) / 2)


def test_nothing_in_common_is_no_loss() -> None:
    regions_BNC = torch.rand(2, 3, 4, requires_grad=True)
    heads = plain_heads()
    texts = [asked(["dog"], []), asked([], [])]
    loss = inter_loss(
        heads, regions_BNC, torch.rand(2, 4, 4), regions_of([[-1] * 3] * 2), texts, None, torch.Generator()
    )
    assert loss == 0
    loss.backward()
    assert regions_BNC.grad is not None
    assert not regions_BNC.grad.any()
    assert all(one.grad is not None and not one.grad.any() for one in (heads.region.weight, heads.phrase.weight))


def test_of_a_large_picture_regions_with_a_box_are_taken_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inter, "REGIONS", 2)
    texts = [asked(["dog"], [(0,)])]
    loss = loss_of([[NOTHING, DOG, NOTHING, NOTHING]], [[DOG]], [[-1, 0, -1, -1]], texts)
    # One of the others is taken beside it.
    assert loss.item() == pytest.approx((math.log(math.e + 1) - 1) / 2)


def test_the_factor_of_cosines_has_a_limit() -> None:
    heads = plain_heads()
    with torch.no_grad():
        heads.log_scale.fill_(10)
    torch.testing.assert_close(heads.regions(torch.tensor([[3.0, 0, 4.0, 0]]))[0, :3], torch.tensor([60.0, 0, 80.0]))


def test_it_is_its_definition() -> None:
    """On random features, boxes and texts of both kinds."""
    generator = torch.Generator().manual_seed(3)
    names: list[list[str | None]] = [["a", "b", "c"], ["c", "a"], [None, None, None], ["d", "b"], [None]]
    phrases: list[list[tuple[int, ...]]] = [[(0,), (2,), (0,)], [(1,)], [(0, 2), (1,)], [], [(0,)]]
    texts = [asked(one, other) for one, other in zip(names, phrases, strict=True)]
    boxes = [[0, 1, 2, -1, 1, 0], [-1, 0, 0, -1, -1, -1], [1, 0, -1, 0, -1, 1], [-1] * 6, [0, -1, -1, -1, 0, 0]]
    regions_BNC = torch.randn(5, 6, 4, generator=generator)
    embedded_BTL = torch.randn(5, 4, 4, generator=generator)
    heads = PretrainHeads(CONFIG)
    loss = inter_loss(heads, regions_BNC, embedded_BTL, regions_of(boxes), texts, None, generator)

    of_regions, of_phrases = [], []
    every_region = [*product(range(5), range(6))]
    every_phrase = [(text, phrase) for text in range(5) for phrase in range(len(names[text]))]

    @torch.no_grad()
    def score(region: tuple[int, int], phrase: tuple[int, int]) -> float:
        return (heads.regions(regions_BNC[region][None]) @ heads.phrases(embedded_BTL[phrase][None]).t()).item()

    def fits(region: tuple[int, int], phrase: tuple[int, int]) -> bool:
        box = boxes[region[0]][region[1]]
        if box < 0:
            return False
        own = phrases[region[0]][box]
        name = names[phrase[0]][phrase[1]]
        if region[0] == phrase[0]:
            return phrase[1] in own
        return name is not None and name in [names[region[0]][one] for one in own]

    def entropy(scores: list[float], positive: list[bool]) -> list[float]:
        total = math.log(sum(math.exp(one) for one in scores))
        told = [total - one for one, fitting in zip(scores, positive, strict=True) if fitting]
        return [sum(told) / len(told)] if told else []

    for region in every_region:
        of_regions += entropy([score(region, one) for one in every_phrase], [fits(region, one) for one in every_phrase])
    for phrase in every_phrase:
        of_phrases += entropy([score(one, phrase) for one in every_region], [fits(one, phrase) for one in every_region])
    expected = (sum(of_regions) / len(of_regions) + sum(of_phrases) / len(of_phrases)) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-5)
