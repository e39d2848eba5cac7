"""The official model of a configuration of ours, on the same weights."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from weights import Naming, drawn

from glipv2.checkpoints import names_fusion, names_head, names_text, names_vision
from glipv2.config import GlipConfig
from glipv2.model import GLIP, Output
from glipv2.text.wordpiece import VOCABULARY

_ALL = (names_vision, names_text, names_fusion, names_head)
NAMING = Naming(
    "",
    "",
    tuple(rule for names in _ALL for rule in names.RULES),
    tuple(pattern for names in _ALL for pattern in names.DERIVED),
)


def settings(config: GlipConfig) -> list[Any]:
    """The configuration as keys and values of the official one, over its defaults."""
    swin, fpn, text, head = config.swin, config.fpn, config.text, config.head
    fusion = {} if config.fusion is None else {"EARLY_FUSE_ON": True, "USE_FUSED_FEATURES_DOT_PRODUCT": True}
    values: dict[str, Any] = {
        "DEVICE": "cpu",
        "META_ARCHITECTURE": "GeneralizedVLRCNN",
        "RPN_ONLY": True,
        "RPN_ARCHITECTURE": "VLDYHEAD",
        "BACKBONE.CONV_BODY": "SWINT-FPN-RETINANET",
        "BACKBONE.OUT_CHANNELS": fpn.channels,
        "BACKBONE.FREEZE_CONV_BODY_AT": swin.frozen_stages,
        "SWINT.EMBED_DIM": swin.width,
        "SWINT.OUT_CHANNELS": tuple(swin.channels(stage) for stage in range(4)),
        "SWINT.DEPTHS": swin.depths,
        "SWINT.NUM_HEADS": swin.heads,
        "SWINT.WINDOW_SIZE": swin.window,
        "SWINT.DROP_PATH_RATE": swin.drop_path,
        "FPN.DROP_PROB": fpn.drop_block,
        "LANGUAGE_BACKBONE.LANG_DIM": text.width,
        "RPN.USE_FPN": True,
        "RPN.ANCHOR_SIZES": (64, 128, 256, 512, 1024),
        "RPN.ANCHOR_STRIDE": (8, 16, 32, 64, 128),
        "RPN.ASPECT_RATIOS": (1.0,),
        "RPN.SCALES_PER_OCTAVE": 1,
        "GROUP_NORM.NUM_GROUPS": head.norm_groups,
        "ATSS.INFERENCE_TH": 0.0,
        "DYHEAD.CHANNELS": fpn.channels,
        "DYHEAD.NUM_CONVS": head.blocks,
        "DYHEAD.USE_GN": True,
        "DYHEAD.USE_DYRELU": True,
        "DYHEAD.USE_DFCONV": True,
        "DYHEAD.USE_DYFUSE": True,
        "DYHEAD.PRIOR_PROB": head.prior,
        "DYHEAD.LOG_SCALE": head.log_scale,
    }
    fuse = {
        "TYPE": "MHA-B",
        "JOINT_EMB_SIZE": fpn.channels,
        "USE_DOT_PRODUCT_TOKEN_LOSS": True,
        "CLAMP_MIN_FOR_UNDERFLOW": True,
        "CLAMP_MAX_FOR_OVERFLOW": True,
        "CLAMP_BERTATTN_MIN_FOR_UNDERFLOW": True,
        "CLAMP_BERTATTN_MAX_FOR_OVERFLOW": True,
        "CLAMP_DOT_PRODUCT": True,
        **fusion,
    }
    values |= {f"DYHEAD.FUSE_CONFIG.{key}": value for key, value in fuse.items()}
    return [part for key, value in values.items() for part in (f"MODEL.{key}", value)]


@contextmanager
def text_encoder_of(config: GlipConfig, folder: Path) -> Iterator[None]:
    """A folder that the official code takes for bert-base-uncased: this configuration's sizes, without weights."""
    from glip_worker.engines.official.compat.installation import text_encoder

    text = config.text
    (folder / "vocab.txt").write_bytes((VOCABULARY.parent / "vocab.txt").read_bytes())
    sizes = {"vocab_size": text.vocabulary, "max_position_embeddings": text.longest, "hidden_size": text.width}
    sizes |= {"num_hidden_layers": text.layers, "num_attention_heads": text.heads, "intermediate_size": text.hidden}
    rates = {"hidden_dropout_prob": text.dropout, "attention_probs_dropout_prob": text.dropout}
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", **sizes, **rates}))
    with text_encoder(folder):
        yield


def pair(official: Any, config: GlipConfig, folder: Path, seed: int = 3) -> tuple[Any, GLIP]:
    """The official model with drawn weights, and ours with the same: every key of both takes part."""
    from maskrcnn_benchmark.modeling.detector import build_detection_model

    cfg = official.clone()
    cfg.merge_from_list(settings(config))
    with text_encoder_of(config, folder):
        reference: Any = drawn(build_detection_model(cfg), seed)
    ours = GLIP(config).eval()
    NAMING.copy(reference, ours)
    return reference, ours


def run(reference: Any, pictures_B3HW: Tensor, ids_BT: Tensor, mask_BT: Tensor) -> Output:
    """What the official network says, in our form, without anchors, selection and losses."""
    text = reference.language_backbone({"input_ids": ids_BT, "attention_mask": mask_BT.long()})
    maps = reference.backbone(pictures_B3HW)
    tower: list[Any] = []
    hook = reference.rpn.head.dyhead_tower.register_forward_hook(lambda module, given, made: tower.append(made))
    _, deltas, centerness, _, _, _, logits, *_ = reference.rpn.head(maps, text, text["embedded"])
    hook.remove()
    words = tower[0]["lang"]["hidden"]
    if not reference.cfg.MODEL.DYHEAD.FUSE_CONFIG.USE_FUSED_FEATURES_DOT_PRODUCT:
        words = text["embedded"]
    tokens = reference.rpn.head.dot_product_projection_text(torch.nn.functional.normalize(words, dim=-1) / 2)
    return Output(
        torch.cat(logits, 1),
        _flat(deltas),
        _flat(centerness)[..., 0],
        tuple((one.shape[2], one.shape[3]) for one in maps),
        _flat(tower[0]["visual"]),
        tokens,
        tower[0]["lang"]["hidden"],
    )


def _flat(maps_BCHW: list[Tensor]) -> Tensor:
    return torch.cat([one.flatten(2).transpose(1, 2) for one in maps_BCHW], dim=1)
