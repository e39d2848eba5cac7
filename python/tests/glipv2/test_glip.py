from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import counterpart
import pytest
import torch
from torch import Tensor
from weights import waves

from glipv2.config import GlipConfig, HeadConfig
from glipv2.model import Output
from glipv2.text.bert import BertConfig
from glipv2.vision.fpn import FpnConfig
from glipv2.vision.swin import SwinConfig

SMALL = GlipConfig(
    swin=SwinConfig(width=16, depths=(1, 1, 2, 1), heads=(1, 2, 4, 4)),
    fpn=FpnConfig(channels=32),
    text=BertConfig(width=24, layers=2, heads=4, hidden=48),
    head=HeadConfig(blocks=2, norm_groups=8),
)
CONFIGS = {"fused": SMALL, "not fused": replace(SMALL, fusion=None)}


def texts(batch: int, tokens: int) -> tuple[Tensor, Tensor]:
    """ids_BT and mask_BT; each text is three tokens shorter than the one before."""
    place_BT = torch.arange(batch * tokens).view(batch, tokens)
    mask_BT = torch.arange(tokens) < tokens - 3 * torch.arange(batch)[:, None]
    return (place_BT * 7919 + 3) % 30521 * mask_BT + mask_BT, mask_BT


def pictures(*sizes: tuple[int, int], height: int, width: int) -> Tensor:
    """One of each size, padded by zeros below and to the right."""
    batch = torch.zeros(len(sizes), 3, height, width)
    for number, (rows, columns) in enumerate(sizes):
        batch[number, :, :rows, :columns] = 2 * waves(3, rows, columns, phase=number)
    return batch


def assert_equal(mine: Output, expected: Output, mask_BT: Tensor, atol: float = 1e-4) -> None:
    assert mine.sizes == expected.sizes
    for name in ("deltas_BN4", "centerness_BN", "regions_BNC"):
        torch.testing.assert_close(getattr(mine, name), getattr(expected, name), atol=atol, rtol=0, msg=name)
    present_B1T = mask_BT[:, None, :]
    torch.testing.assert_close(mine.logits_BNT * present_B1T, expected.logits_BNT * present_B1T, atol=atol, rtol=0)
    present_BT1 = mask_BT[:, :, None]
    torch.testing.assert_close(mine.tokens_BTC * present_BT1, expected.tokens_BTC * present_BT1, atol=atol, rtol=0)


class TestParity:
    """With the official network, on the same weights."""

    pytestmark: ClassVar = [pytest.mark.official, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]

    @pytest.mark.parametrize("kind", CONFIGS)
    @pytest.mark.parametrize(
        ("sizes", "height", "width"),
        [([(96, 128)], 96, 128), ([(200, 161)], 200, 161), ([(256, 160), (190, 256)], 256, 256)],
    )
    @torch.no_grad()
    def test_small(
        self, official: Any, tmp_path: Path, kind: str, sizes: list[tuple[int, int]], height: int, width: int
    ) -> None:
        reference, ours = counterpart.pair(official, CONFIGS[kind], tmp_path)
        ids_BT, mask_BT = texts(len(sizes), 13)
        batch = pictures(*sizes, height=height, width=width)
        expected = counterpart.run(reference, batch, ids_BT, mask_BT)
        assert expected.logits_BNT.std() > 0.01
        assert_equal(ours(batch, ours.encode_text(ids_BT, mask_BT)), expected, mask_BT)
