from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import counterpart
import pytest
import torch
from torch import Tensor
from weights import filled, waves

from glipv2.config import CONFIGS, GlipConfig, HeadConfig
from glipv2.model import GLIP, Output, TextFeatures
from glipv2.text.bert import BertConfig
from glipv2.vision.fpn import FpnConfig
from glipv2.vision.swin import SwinConfig

SMALL = GlipConfig(
    swin=SwinConfig(width=16, depths=(1, 1, 2, 1), heads=(1, 2, 4, 4)),
    fpn=FpnConfig(channels=32),
    text=BertConfig(width=24, layers=2, heads=4, hidden=48),
    head=HeadConfig(blocks=2, norm_groups=8),
)
#: Not the released ones.
SHAPES = {"fused": SMALL, "not fused": replace(SMALL, fusion=None)}


#: Of the fused small model of `filled` weights: sums of absolute values of logits, deltas and centerness, and some
#: logits of a region.
GOLDEN_SUMS = torch.tensor([586.378, 23.5579, 76.0329])
GOLDEN_LOGITS = torch.tensor([-0.279978, -0.158111, -0.101619, -0.083712])


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
        torch.testing.assert_close(getattr(mine, name), getattr(expected, name), atol=atol, rtol=1e-4, msg=name)
    present_B1T = mask_BT[:, None, :]
    torch.testing.assert_close(mine.logits_BNT * present_B1T, expected.logits_BNT * present_B1T, atol=atol, rtol=1e-4)
    present_BT1 = mask_BT[:, :, None]
    torch.testing.assert_close(mine.tokens_BTC * present_BT1, expected.tokens_BTC * present_BT1, atol=atol, rtol=1e-4)


def small(config: GlipConfig = SMALL) -> GLIP:
    model = filled(GLIP(config))
    assert isinstance(model, GLIP)
    return model


def assert_golden(output: Output) -> None:
    sums = torch.stack([one.abs().sum() for one in (output.logits_BNT, output.deltas_BN4, output.centerness_BN)])
    torch.testing.assert_close(sums, GOLDEN_SUMS, atol=0, rtol=1e-5)
    torch.testing.assert_close(output.logits_BNT[1, 100, :4], GOLDEN_LOGITS, atol=1e-4, rtol=0)


@torch.no_grad()
def test_golden_outputs() -> None:
    model = small()
    assert_golden(model(pictures((96, 128), (90, 70), height=96, width=128), model.encode_text(*texts(2, 9))))


def test_every_tensor_of_glip_t() -> None:
    """The official checkpoint has 745: of these 12 index windows, 5 are anchors, 2 classify fixed categories."""
    with torch.device("meta"):
        assert len(GLIP(CONFIGS["glip-t"]).state_dict()) == 745 - 12 - 5 - 2


@torch.no_grad()
def test_a_batch_is_its_pictures_and_texts() -> None:
    model = small()
    batch = pictures((96, 128), (90, 70), (64, 128), height=96, width=128)
    ids_BT, mask_BT = texts(3, 13)
    together = model(batch, model.encode_text(ids_BT, mask_BT))
    for number in range(3):
        length = int(mask_BT[number].sum())
        text = model.encode_text(ids_BT[number : number + 1, :length], mask_BT[number : number + 1, :length])
        alone = model(batch[number : number + 1], text)
        torch.testing.assert_close(together.logits_BNT[number, :, :length], alone.logits_BNT[0], atol=1e-4, rtol=0)
        torch.testing.assert_close(together.deltas_BN4[number], alone.deltas_BN4[0], atol=1e-4, rtol=0)


@torch.no_grad()
def test_one_look_serves_many_texts_and_one_text_many_pictures() -> None:
    model, (ids_BT, mask_BT) = small(), texts(2, 9)
    batch = pictures((96, 128), (90, 70), height=96, width=128)
    both = model.encode_text(ids_BT, mask_BT)
    repeated = model(batch[:1].repeat(2, 1, 1, 1), both)
    torch.testing.assert_close(model.read(model.look(batch[:1]), both)[0], repeated[0], atol=1e-5, rtol=0)
    one = model.encode_text(ids_BT[:1], mask_BT[:1])
    repeated = model(batch, TextFeatures.stacked([one, one]))
    torch.testing.assert_close(model(batch, one)[0], repeated[0], atol=1e-5, rtol=0)


def test_as_many_texts_as_pictures() -> None:
    model = small()
    with pytest.raises(ValueError, match="got 3 pictures and 2 texts"):
        model(pictures(*[(32, 32)] * 3, height=32, width=32), model.encode_text(*texts(2, 9)))


@torch.no_grad()
def test_texts_stacked_are_padded() -> None:
    model, (ids_BT, mask_BT) = small(), texts(2, 9)
    together = model.encode_text(ids_BT, mask_BT)
    apart = [
        model.encode_text(ids_BT[number : number + 1, :length], mask_BT[number : number + 1, :length])
        for number, length in ((0, 9), (1, 6))
    ]
    stacked = TextFeatures.stacked(apart)
    assert torch.equal(stacked.mask_BT, mask_BT)
    torch.testing.assert_close(stacked.embedded_BTC, together.embedded_BTC, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", SHAPES)
def test_gradients_reach_every_parameter(kind: str) -> None:
    """In training, with everything that is dropped."""
    torch.manual_seed(0)
    model = small(SHAPES[kind]).train()
    output = model(pictures((96, 128), (90, 70), height=96, width=128), model.encode_text(*texts(2, 9)))
    (output.logits_BNT.square().sum() + output.deltas_BN4.square().sum() + output.centerness_BN.sum()).backward()
    # The bias of a key changes all scores of a query alike, and softmax does not see it.
    for name, one in model.named_parameters():
        assert one.grad is not None, name
        assert one.grad.isfinite().all(), name
        assert one.grad.abs().max() > 0 or name.endswith("key.bias"), name


def test_checkpointing_gives_the_same_gradients() -> None:
    """In training, with everything that is dropped."""
    found = []
    for checkpointing in (False, True):
        model = small(replace(SMALL, head=replace(SMALL.head, checkpointing=checkpointing))).train()
        torch.manual_seed(0)
        output = model(pictures((96, 128), (90, 70), height=96, width=128), model.encode_text(*texts(2, 9)))
        (output.logits_BNT.square().sum() + output.deltas_BN4.square().sum() + output.centerness_BN.sum()).backward()
        found.append([output.logits_BNT, *(one.grad for one in model.parameters())])
    for one, other in zip(*found, strict=True):
        assert one is not None
        assert torch.equal(one, other)


def test_in_half_precision_it_is_nearly_the_same() -> None:
    model = small()
    inputs = pictures((96, 128), height=96, width=128), model.encode_text(*texts(1, 9))
    expected = model(*inputs).logits_BNT
    with torch.autocast("cpu", torch.bfloat16):
        found = model(*inputs).logits_BNT
    assert (found - expected).abs().mean() < 0.1 * expected.std()


class TestParity:
    """With the official network, on the same weights."""

    pytestmark: ClassVar = [pytest.mark.official, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]

    @pytest.mark.parametrize("kind", SHAPES)
    @pytest.mark.parametrize(
        ("sizes", "height", "width"),
        [([(96, 128)], 96, 128), ([(200, 161)], 200, 161), ([(256, 160), (190, 256)], 256, 256)],
    )
    @torch.no_grad()
    def test_small(
        self, official: Any, tmp_path: Path, kind: str, sizes: list[tuple[int, int]], height: int, width: int
    ) -> None:
        reference, ours = counterpart.pair(official, SHAPES[kind], tmp_path)
        ids_BT, mask_BT = texts(len(sizes), 13)
        batch = pictures(*sizes, height=height, width=width)
        expected = counterpart.run(reference, batch, ids_BT, mask_BT)
        assert expected.logits_BNT.std() > 0.01
        assert_equal(ours(batch, ours.encode_text(ids_BT, mask_BT)), expected, mask_BT)

    @torch.no_grad()
    def test_golden_outputs_are_official(self, official: Any, tmp_path: Path) -> None:
        reference, _ = counterpart.pair(official, SMALL, tmp_path)
        counterpart.NAMING.copy_back(small(), reference)
        batch = pictures((96, 128), (90, 70), height=96, width=128)
        assert_golden(counterpart.run(reference, batch, *texts(2, 9)))

    @pytest.mark.parametrize("kind", SHAPES)
    def test_gradients(self, official: Any, tmp_path: Path, kind: str) -> None:
        reference, ours = counterpart.pair(official, SHAPES[kind], tmp_path)
        ids_BT, mask_BT = texts(2, 9)
        batch = pictures((96, 128), (90, 70), height=96, width=128)
        for output in (
            counterpart.run(reference, batch, ids_BT, mask_BT),
            ours(batch, ours.encode_text(ids_BT, mask_BT)),
        ):
            logits_BNT = output.logits_BNT * mask_BT[:, None]
            made = [one * waves(*one.shape) for one in (logits_BNT, output.deltas_BN4, output.centerness_BN)]
            (sum(one.sum() for one in made) / 100).backward()  # type: ignore[union-attr]
        zero = torch.zeros(1)
        theirs = {key: one.grad for key, one in reference.named_parameters() if one.grad is not None}
        named = counterpart.NAMING.ours(theirs)
        for key, one in ours.named_parameters():
            torch.testing.assert_close(one.grad, named.get(key, zero.expand_as(one)), atol=1e-4, rtol=1e-3, msg=key)

    @pytest.mark.slow
    @torch.no_grad()
    def test_glip_t(self, official: Any, tmp_path: Path) -> None:
        reference, ours = counterpart.pair(official, CONFIGS["glip-t"], tmp_path)
        ids_BT, mask_BT = texts(1, 40)
        batch = pictures((256, 320), height=256, width=320)
        expected = counterpart.run(reference, batch, ids_BT, mask_BT)
        assert_equal(ours(batch, ours.encode_text(ids_BT, mask_BT)), expected, mask_BT)

    @pytest.mark.slow
    @torch.no_grad()
    def test_nano(self, official: Any, tmp_path: Path) -> None:
        """The official configuration can express it."""
        reference, ours = counterpart.pair(official, CONFIGS["glip-nano"], tmp_path)
        ids_BT, mask_BT = texts(2, 256)
        batch = pictures((256, 320), (256, 352), height=256, width=352)
        expected = counterpart.run(reference, batch, ids_BT, mask_BT)
        assert_equal(ours(batch, ours.encode_text(ids_BT, mask_BT)), expected, mask_BT)
