"""The re-associated fusion and the unpadded text, against the plain forms written out."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from glip_worker.engines.official.compat.accelerate import fusion, text
from glip_worker.engines.official.compat.patching import Changes, Settings


class Attention(nn.Module):
    """What the official block computes, head by head."""

    def __init__(self, vision: int = 12, words: int = 10, heads: int = 2, width: int = 16) -> None:
        super().__init__()
        embed = heads * width
        self.num_heads, self.head_dim, self.embed_dim, self.scale = heads, width, embed, width**-0.5
        self.v_proj, self.values_v_proj = nn.Linear(vision, embed), nn.Linear(vision, embed)
        self.l_proj, self.values_l_proj = nn.Linear(words, embed), nn.Linear(words, embed)
        self.out_v_proj, self.out_l_proj = nn.Linear(embed, vision), nn.Linear(embed, words)
        self.dropout = 0.3
        self.stable_softmax_2d = self.clamp_min_for_underflow = self.clamp_max_for_overflow = True

    def forward(self, v: Tensor, l: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:  # noqa: E741
        def split(x: Tensor) -> Tensor:
            return x.view(x.shape[0], x.shape[1], self.num_heads, self.head_dim).transpose(1, 2).contiguous()

        scores = split(self.v_proj(v) * self.scale) @ split(self.l_proj(l)).transpose(2, 3)
        scores = (scores - scores.max()).clamp(-50000, 50000)
        of_text = scores.transpose(2, 3)
        to_vision = (of_text - of_text.amax(-1, keepdim=True)).clamp(-50000, 50000).softmax(-1)
        if mask is not None:
            scores = scores + mask.masked_fill(mask == 0, -9e15)[:, None, None, :]
        to_text = F.dropout(scores.softmax(-1), self.dropout, self.training)
        to_vision = F.dropout(to_vision.contiguous(), self.dropout, self.training)
        vision = (to_text @ split(self.values_l_proj(l))).transpose(1, 2).flatten(2)
        words = (to_vision @ split(self.values_v_proj(v))).transpose(1, 2).flatten(2)
        return self.out_v_proj(vision), self.out_l_proj(words)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_fusion_is_the_same_mathematics(training: bool, masked: bool) -> None:
    torch.manual_seed(0)
    module = Attention().double().train(training)
    v = torch.randn(2, 30, 12, dtype=torch.double, requires_grad=True)
    words = torch.randn(2, 7, 10, dtype=torch.double, requires_grad=True)
    mask = torch.tensor([[1.0] * 7, [1.0] * 4 + [0.0] * 3], dtype=torch.double) if masked else None
    torch.manual_seed(1)
    expected = module(v, words, mask)
    torch.manual_seed(1)
    got = fusion.attend(module, v, words, mask)
    leaves = [v, words, *module.parameters()]
    for one, reference in zip(got, expected, strict=True):
        torch.testing.assert_close(one, reference)
    grads = [torch.autograd.grad(sum(part.sin().sum() for part in pair), leaves) for pair in (got, expected)]
    for one, reference in zip(*grads, strict=True):
        torch.testing.assert_close(one, reference)


@pytest.fixture
def changes() -> Iterator[Changes]:
    made = Changes()
    yield made
    made.undo()


def test_fusion_steps_aside_where_it_would_not_win(changes: Changes, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Block(Attention):
        def forward(self, v: Tensor, l: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:  # noqa: E741
            asked.append("plain")
            return super().forward(v, l, mask)

    helper = SimpleNamespace(BiMultiHeadAttention=Block)
    monkeypatch.setattr(fusion.importlib, "import_module", lambda name: helper)
    fusion.reassociate(changes, Settings())
    block = Block().eval()
    block(torch.randn(1, 5, 12), torch.randn(1, 7, 10))
    assert asked == []
    block(torch.randn(1, 5, 12), torch.randn(1, 16, 10))  # 2 heads x 16 tokens: as wide as the attention
    assert asked == ["plain"]
    with torch.autocast("cpu"):
        block(torch.randn(1, 5, 12), torch.randn(1, 7, 10))
    assert asked == ["plain", "plain"]


@pytest.mark.parametrize(
    ("training", "dot_product", "one_hot", "padded"),
    [(False, True, False, False), (True, True, False, True), (False, False, False, True), (False, True, True, True)],
)
def test_text_is_padded_where_something_counts_on_it(
    training: bool, dot_product: bool, one_hot: bool, padded: bool, changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Node(dict[str, Any]):
        __getattr__ = dict.__getitem__

    class GeneralizedVLRCNN:
        def __init__(self) -> None:
            self.training = training
            self.text = Node(PAD_MAX=True)
            head = Node(FUSE_CONFIG=Node(USE_DOT_PRODUCT_TOKEN_LOSS=dot_product))
            self.cfg = Node(MODEL=Node(LANGUAGE_BACKBONE=self.text, DYHEAD=head), DATASETS=Node(ONE_HOT=one_hot))

        def forward(self, fail: bool = False) -> bool:
            if fail:
                raise RuntimeError
            return bool(self.text.PAD_MAX)

    detector = SimpleNamespace(GeneralizedVLRCNN=GeneralizedVLRCNN)
    monkeypatch.setattr(text.importlib, "import_module", lambda name: detector)
    text.short_text(changes, Settings())
    model = GeneralizedVLRCNN()
    assert model.forward() is padded
    with pytest.raises(RuntimeError):
        model.forward(fail=True)
    assert model.text.PAD_MAX is True, "it is back after each call"
