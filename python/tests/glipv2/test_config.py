from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch

from glipv2.config import CONFIGS, GlipConfig, HeadConfig, SettingsError, added_heads, changed
from glipv2.head.masks import MaskConfig
from glipv2.model import GLIP


def parameters(name: str) -> int:
    with torch.device("meta"):
        return sum(one.numel() for one in GLIP(CONFIGS[name]).parameters())


#: As the official code builds them, without its classifier over 80 fixed categories, which nothing reads.
CLASSIFIER = 256 * 80 + 80


def test_sizes_of_the_released_models() -> None:
    assert parameters("glip-t") == 231_780_222 - CLASSIFIER
    assert round((parameters("glip-t-a") + CLASSIFIER) / 1e6, 1) == 151.4
    assert round((parameters("glip-l") + CLASSIFIER) / 1e6, 1) == 430.4


def test_nano_is_nano() -> None:
    assert parameters("glip-nano") <= 12_000_000
    assert CONFIGS["glip-nano"].text.vocabulary == 30522
    # Fixed in the official code, which nano's configuration must not leave.
    fusion = CONFIGS["glip-nano"].fusion
    assert fusion is not None
    assert (fusion.width, fusion.heads) == (2048, 8)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_round_trip(name: str) -> None:
    text = json.dumps(CONFIGS[name].to_json())
    assert GlipConfig.from_json(json.loads(text)) == CONFIGS[name]


def test_what_is_not_said_is_as_in_glip_t() -> None:
    assert GlipConfig.from_json({}) == CONFIGS["glip-t"]
    assert GlipConfig.from_json({"swin": {"drop_path": 0}}).swin.drop_path == 0.0
    assert GlipConfig.from_json({"fusion": None}).fusion is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], r"config: expected an object, got \[\]"),
        ({"head": {"block": 3, "x": 1}}, r"config\.head: unknown block, x; there are blocks, norm_groups"),
        ({"neck": {}}, r"config: unknown neck; there are swin, fpn"),
        ({"head": {"blocks": "3"}}, r"config\.head\.blocks: expected int, got '3'"),
        ({"head": {"blocks": True}}, r"config\.head\.blocks: expected int, got True"),
        ({"head": {"blocks": 2.5}}, r"config\.head\.blocks: expected int, got 2\.5"),
        ({"input": {"bgr": 1}}, r"config\.input\.bgr: expected bool, got 1"),
        ({"input": {"mean": [1.0, 2.0]}}, r"config\.input\.mean: expected 3 values, got 2"),
        ({"swin": {"heads": [1, 2, 4, "8"]}}, r"config\.swin\.heads\[3\]: expected int, got '8'"),
        ({"swin": {"heads": 3}}, r"config\.swin\.heads: expected a list, got 3"),
        ({"text": {"heads": 5}}, r"config\.text: BertConfig: heads must divide width"),
        ({"fpn": None}, r"config\.fpn: expected an object, got None"),
        ({"head": {"norm_groups": 7}}, r"config: GlipConfig: head\.norm_groups must divide fpn\.channels"),
        ({"prompt": {"max_tokens": 513}}, r"config: GlipConfig: prompt\.max_tokens must be at most text\.longest"),
    ],
)
def test_what_cannot_be_is_refused_by_its_path(content: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GlipConfig.from_json(content)


def test_settings_add_a_head_and_change_it() -> None:
    nano = CONFIGS["glip-nano"]
    assert nano.masks is None
    assert changed(nano, {"masks": {}}).masks == MaskConfig()
    assert changed(nano, {"masks.width": 32}).masks == changed(nano, {"masks": {"width": 32}}).masks
    both = {"width": 40, "norm_groups": 8}
    assert changed(nano, {"masks": both}).masks == MaskConfig(**both)
    assert changed(nano, {"masks": dict(reversed(both.items()))}).masks == MaskConfig(**both)
    small = replace(nano, masks=MaskConfig(width=16))
    assert changed(small, {"masks": {}, "text": {}}) == small
    assert changed(small, {"masks": None}) == nano
    assert added_heads(nano, small) == ("masks",)
    assert added_heads(small, small) == added_heads(small, nano) == ()
    for key, message in (("masks.widht", "unknown widht"), ("mask.width", "no such key"), ("masks.width", "divide")):
        with pytest.raises(SettingsError, match=message):
            changed(nano, {key: 24})


@pytest.mark.parametrize("blocks", [0, -1])
def test_a_head_has_a_block(blocks: int) -> None:
    with pytest.raises(ValueError, match=f"blocks must be at least 1, got {blocks}"):
        replace(HeadConfig(), blocks=blocks)
