from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn
from weights import Naming, drawn, filled

from glipv2.checkpoints.names_text import DERIVED, RULES
from glipv2.text.bert import BertConfig, BertEncoder, TextFeatures
from glipv2.text.wordpiece import VOCABULARY

NAMING = Naming("language_backbone.body.model.", "text.", RULES, DERIVED)
SMALL = BertConfig(vocabulary=60, width=24, layers=3, heads=4, hidden=40, longest=32)

#: Of the small model of `filled` weights on `texts`: the sum of absolute values, and two tokens' first channels.
GOLDEN_SUM = 279.396
GOLDEN_TOKENS = torch.tensor([[1.797933, -2.979108, 0.041040, 1.045078], [-0.165161, -0.662532, -0.203650, -0.042346]])


def texts(batch: int, tokens: int, vocabulary: int = 60) -> tuple[Tensor, Tensor]:
    """ids_BT and mask_BT; each text is one token shorter than the one before."""
    place_BT = torch.arange(batch * tokens).view(batch, tokens)
    mask_BT = (torch.arange(tokens) < tokens - torch.arange(batch)[:, None]).long()
    return (place_BT * 7 + 3) % (vocabulary - 1) * mask_BT + mask_BT, mask_BT


def small(**changes: Any) -> BertEncoder:
    model = filled(BertEncoder(replace(SMALL, **changes)))
    assert isinstance(model, BertEncoder)
    return model


def test_golden_outputs() -> None:
    hidden_BTC = small()(*texts(2, 7)).hidden_BTC
    torch.testing.assert_close(hidden_BTC.abs().sum().item(), GOLDEN_SUM, atol=1e-3, rtol=0)
    torch.testing.assert_close(hidden_BTC[[0, 1], [2, 5], :4], GOLDEN_TOKENS, atol=1e-5, rtol=0)


def test_padding_changes_nothing_but_itself() -> None:
    model, (ids_BT, mask_BT) = small(), texts(1, 7)
    alone = model(ids_BT, mask_BT)
    padded = model(nn.functional.pad(ids_BT, (0, 5)), nn.functional.pad(mask_BT, (0, 5)))
    torch.testing.assert_close(padded.hidden_BTC[:, :7], alone.hidden_BTC, atol=1e-6, rtol=0)
    torch.testing.assert_close(padded.embedded_BTC[:, :7], alone.hidden_BTC, atol=1e-6, rtol=0)
    assert padded.embedded_BTC[:, 7:].abs().max() == 0
    assert padded.hidden_BTC[:, 7:].abs().max() > 0


def test_a_batch_is_its_texts() -> None:
    model, (ids_BT, mask_BT) = small(), texts(3, 9)
    together = model(ids_BT, mask_BT)
    for one in range(3):
        alone = model(ids_BT[one : one + 1], mask_BT[one : one + 1])
        torch.testing.assert_close(together.hidden_BTC[one], alone.hidden_BTC[0], atol=1e-6, rtol=0)


def test_too_many_tokens_are_refused() -> None:
    with pytest.raises(ValueError, match="a text has 33 tokens, the text encoder takes at most 32"):
        small()(*texts(1, 33))


@pytest.mark.parametrize("change", [{"heads": 5}, {"averaged_layers": 0}, {"averaged_layers": 4}])
def test_a_configuration_that_cannot_be(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        replace(SMALL, **change)


def test_checkpointing_gives_the_same_gradients() -> None:
    gradients = []
    for checkpointing in (False, True):
        model = small(checkpointing=checkpointing, dropout=0.0).train()
        model(*texts(2, 7)).embedded_BTC.square().sum().backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    torch.testing.assert_close(gradients[0], gradients[1])


def test_dropout_is_for_training_alone() -> None:
    model = small()
    assert torch.equal(model(*texts(1, 7)).hidden_BTC, model(*texts(1, 7)).hidden_BTC)
    model.train()
    assert not torch.equal(model(*texts(1, 7)).hidden_BTC, model(*texts(1, 7)).hidden_BTC)


class TestParity:
    """With the official language backbone, on the same weights."""

    pytestmark: ClassVar = [pytest.mark.official, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]

    @pytest.fixture
    def folder(self, official: Any, tmp_path: Path) -> Iterator[Path]:
        """A folder that the official code takes for bert-base-uncased: the small model's sizes."""
        from glip_worker.engines.official.compat.installation import text_encoder

        (tmp_path / "vocab.txt").write_bytes((VOCABULARY.parent / "vocab.txt").read_bytes())
        sizes = {"vocab_size": SMALL.vocabulary, "max_position_embeddings": SMALL.longest}
        sizes |= {"hidden_size": SMALL.width, "num_hidden_layers": SMALL.layers, "num_attention_heads": SMALL.heads}
        content = {"model_type": "bert", "intermediate_size": SMALL.hidden, **sizes}
        (tmp_path / "config.json").write_text(json.dumps(content))
        with text_encoder(tmp_path):
            yield tmp_path

    @pytest.mark.parametrize("averaged_layers", [1, 3])
    @pytest.mark.parametrize(("batch", "tokens"), [(1, 1), (1, 7), (3, 13), (3, 32)])
    def test_small(self, official: Any, folder: Path, averaged_layers: int, batch: int, tokens: int) -> None:
        config = replace(SMALL, averaged_layers=averaged_layers)
        reference, ours = pair(official, config)
        inputs = texts(batch, tokens)
        assert_equal(ours(*inputs), run(reference, *inputs))

    def test_golden_outputs_are_official(self, official: Any, folder: Path) -> None:
        reference, _ = pair(official, SMALL)
        NAMING.copy_back(small(), reference.model)
        hidden_BTC = run(reference, *texts(2, 7))["hidden"]
        torch.testing.assert_close(hidden_BTC.abs().sum().item(), GOLDEN_SUM, atol=1e-3, rtol=0)
        torch.testing.assert_close(hidden_BTC[[0, 1], [2, 5], :4], GOLDEN_TOKENS, atol=1e-5, rtol=0)

    def test_gradients(self, official: Any, folder: Path) -> None:
        reference, ours = pair(official, SMALL)
        inputs = texts(2, 9)
        for features in (run(reference, *inputs)["embedded"], ours(*inputs).embedded_BTC):
            features.square().mul(torch.linspace(0, 1, SMALL.width)).sum().backward()
        theirs = NAMING.ours({key: value.grad for key, value in reference.model.named_parameters()})
        mine = {key: value.grad for key, value in ours.named_parameters()}
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)

    @pytest.mark.slow
    @pytest.mark.parametrize(("batch", "tokens"), [(1, 5), (2, 256)])
    def test_base(self, official: Any, batch: int, tokens: int) -> None:
        reference, ours = pair(official, BertConfig())
        inputs = texts(batch, tokens, vocabulary=30522)
        assert_equal(ours(*inputs), run(reference, *inputs))


def pair(official: Any, config: BertConfig) -> tuple[Any, BertEncoder]:
    """The official encoder with drawn weights, and ours with the same."""
    from maskrcnn_benchmark.modeling.language_backbone.bert_model import BertEncoder as Reference

    cfg = official.clone()
    cfg.MODEL.LANGUAGE_BACKBONE.N_LAYERS = config.averaged_layers
    cfg.MODEL.DYHEAD.FUSE_CONFIG.USE_DOT_PRODUCT_TOKEN_LOSS = True
    reference: Any = drawn(Reference(cfg), seed=3)
    ours = BertEncoder(config).eval()
    NAMING.copy(reference.model, ours)
    return reference, ours


def run(reference: Any, ids_BT: Tensor, mask_BT: Tensor) -> dict[str, Tensor]:
    output: dict[str, Tensor] = reference({"input_ids": ids_BT, "attention_mask": mask_BT})
    return output


def assert_equal(ours: TextFeatures, reference: dict[str, Tensor]) -> None:
    torch.testing.assert_close(ours.embedded_BTC, reference["embedded"], atol=1e-5, rtol=0)
    torch.testing.assert_close(ours.hidden_BTC, reference["hidden"], atol=1e-5, rtol=0)
