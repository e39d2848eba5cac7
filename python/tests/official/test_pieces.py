"""Each optional piece of the official tree on a small model: one training step and one evaluation.

docs/official-pieces.md says the same in words: change both.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from small import CATEGORIES, CHANNELS, MODEL, Workshop

pytestmark = [
    pytest.mark.official,
    pytest.mark.slow,
    pytest.mark.timeout(300),  # a cold disk can take minutes to give torch and transformers
    pytest.mark.filterwarnings("ignore"),  # the official code's own
]

FUSE = "MODEL.DYHEAD.FUSE_CONFIG."
MASK: dict[str, Any] = {
    "MODEL.MASK_ON": True,
    "MODEL.BOX_ON": False,
    "MODEL.RPN_ONLY": False,
    "MODEL.ROI_HEADS.USE_FPN": True,
    "MODEL.ROI_MASK_HEAD.SHARE_BOX_FEATURE_EXTRACTOR": False,
    "MODEL.ROI_MASK_HEAD.FEATURE_EXTRACTOR": "MaskRCNNFPNFeatureExtractor",
    "MODEL.ROI_MASK_HEAD.POOLER_SCALES": (0.125, 0.0625, 0.03125, 0.015625, 0.0078125),
    "MODEL.ROI_MASK_HEAD.POOLER_SAMPLING_RATIO": 2,
    "MODEL.ROI_MASK_HEAD.RESOLUTION": 28,
}
VL_MASK = {**MASK, "MODEL.ROI_MASK_HEAD.PREDICTOR": "VLMaskRCNNC4Predictor"}
TOKEN = {
    FUSE + "USE_TOKEN_LOSS": True,
    FUSE + "USE_DOT_PRODUCT_TOKEN_LOSS": False,
    FUSE + "USE_FUSED_FEATURES_DOT_PRODUCT": False,
}
SHALLOW_BACKBONE = {FUSE + "USE_BACKBONE_SHALLOW_CONTRASTIVE_LOSS": True}


class Piece(NamedTuple):
    keys: dict[str, Any]
    #: A loss that must be there and finite, "" when any finite losses do; an exception's name; "nan".
    train: str = ""
    #: "" when it gives boxes, else an exception's name.
    evaluation: str = ""


PIECES = {
    "baseline": Piece({}),
    "mlm": Piece({FUSE + "MLM_LOSS": True, FUSE + "MLM_LOSS_FOR_ONLY_POSITIVES": False}, "mlm_loss"),
    "mlm on detection data alone": Piece({FUSE + "MLM_LOSS": True}, "nan"),
    "shallow contrastive": Piece({FUSE + "USE_SHALLOW_CONTRASTIVE_LOSS": True}, "loss_shallow_contrastive"),
    "shallow contrastive on the backbone": Piece(SHALLOW_BACKBONE, "fails", "fails"),
    "mask head": Piece(MASK, "loss_mask"),
    "mask head, text": Piece(VL_MASK, "loss_mask", "IndexError"),
    "mask head, text, aggregated": Piece({**VL_MASK, "TEST.MDETR_STYLE_AGGREGATE_CLASS_NUM": 5}, "loss_mask"),
    "prompt layer": Piece({FUSE + "ADD_LINEAR_LAYER": True}),
    "token loss": Piece(TOKEN, "fails", "fails"),
    "contrastive alignment": Piece({**TOKEN, FUSE + "USE_CONTRASTIVE_ALIGN_LOSS": True}, "fails", "fails"),
    "fusion MHA-S": Piece({FUSE + "TYPE": "MHA-S"}),
    "fusion none": Piece({FUSE + "TYPE": ""}),
    "mask head, forced boxes": Piece({**MASK, "MODEL.RPN.FORCE_BOXES": True}, "loss_mask", "TypeError"),
    "mask head, hourglass": Piece(
        {
            **MASK,
            "MODEL.ROI_MASK_HEAD.FEATURE_EXTRACTOR": "HourglassFPNFeatureExtractor",
            "MODEL.ROI_MASK_HEAD.CONV_LAYERS": (CHANNELS,) * 4,
        },
        "loss_mask",
    ),
    "shallow contrastive on the backbone, vl": Piece(
        {**SHALLOW_BACKBONE, "MODEL.SWINT.VERSION": "vl", "MODEL.FPN.RETURN_SWINT_FEATURE_BEFORE_FUSION": True},
        "loss_shallow_contrastive",
    ),
    "swin vl": Piece({"MODEL.SWINT.VERSION": "vl"}),
    "early fusion off": Piece({FUSE + "EARLY_FUSE_ON": False, FUSE + "USE_FUSED_FEATURES_DOT_PRODUCT": False}),
    "fusion FILM": Piece({FUSE + "TYPE": "FILM", FUSE + "JOINT_OUT_SIZE": CHANNELS}, "fails"),
    "fusion SCAN": Piece({FUSE + "TYPE": "SCAN"}, "fails", "fails"),
    "separate bidirectional": Piece(
        {FUSE + "SEPARATE_BIDIRECTIONAL": True, FUSE + "DO_LANG_PROJ_OUTSIDE_CHECKPOINT": True}
    ),
    "stable softmax": Piece({FUSE + "STABLE_SOFTMAX_2D": True}),
    "swin v2": Piece({"MODEL.SWINT.VERSION": "v2"}),
    "gradient checkpointing": Piece(
        {
            "MODEL.DYHEAD.USE_CHECKPOINT": True,
            "MODEL.BACKBONE.USE_CHECKPOINT": True,
            "MODEL.LANGUAGE_BACKBONE.USE_CHECKPOINT": True,
        }
    ),
    "mask special": Piece({"MODEL.LANGUAGE_BACKBONE.MASK_SPECIAL": True}),
    "text not padded": Piece({"MODEL.LANGUAGE_BACKBONE.PAD_MAX": False}, "fails"),
}


@pytest.fixture(scope="module")
def official(workshop: Workshop) -> Iterator[Workshop]:
    from glip_worker.engines.official.compat.checkout import use_checkout
    from glip_worker.engines.official.compat.installation import install, uninstall

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.dont_write_bytecode", True)
        patch.setattr("sys.path", [*importlib.sys.path])  # type: ignore[attr-defined]
        patch.setenv("DATASET", str(workshop.folder))
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.chdir(workshop.folder)
        use_checkout(workshop.checkout)
        install(device="cpu", bert=workshop.bert, accelerate=["deformable"])
        yield workshop
        uninstall()


def configured(official: Workshop, keys: dict[str, Any]) -> Any:
    config = importlib.import_module("maskrcnn_benchmark.config").cfg.clone()
    config.local_rank, config.num_gpus = 0, 1
    config.merge_from_file(official.train_yaml)
    config.merge_from_list([*MODEL, "SOLVER.IMS_PER_BATCH", 1, *(part for pair in keys.items() for part in pair)])
    return config


def batch(config: Any) -> tuple[Any, ...]:
    data = importlib.import_module("maskrcnn_benchmark.data")
    return next(iter(data.make_data_loader(config, is_train=True)))  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", PIECES)
def test_piece(official: Workshop, name: str) -> None:
    piece = PIECES[name]
    config = configured(official, piece.keys)
    torch.manual_seed(0)
    model = built(config)
    outcome = train_once(config, model)
    while outcome == "nan" and piece.train == "mlm_loss" and torch.rand(1) < 0.95:
        outcome = train_once(config, model)  # of so short a caption, often no token is chosen
    if piece.train in ("fails", "nan"):
        assert outcome == piece.train, outcome
    else:
        assert isinstance(outcome, dict), outcome
        assert not piece.train or piece.train in outcome, sorted(outcome)
    found = evaluate_once(config, model)
    if piece.evaluation:
        assert found == piece.evaluation or piece.evaluation == "fails", found
        assert isinstance(found, str), "it works by now"
    else:
        assert isinstance(found, int), found


def built(config: Any) -> Any:
    return importlib.import_module("maskrcnn_benchmark.modeling.detector").build_detection_model(config)


def train_once(config: Any, model: Any) -> dict[str, float] | str:
    """The losses of one step, "nan" when one is, "fails" when the step raises."""
    try:
        model.train()
        images, targets, _, positive_map, _, greenlight_map = batch(config)
        captions = [target.get_field("caption") for target in targets]
        losses = model(images, targets, captions, positive_map, greenlight_map=greenlight_map)
        sum(losses.values()).backward()
    except Exception as error:
        print(f"train: {type(error).__name__}: {error}")  # noqa: T201  shown by pytest when the test fails
        return "fails"
    values = {key: float(value.detach()) for key, value in losses.items()}
    return values if all(math.isfinite(value) for value in values.values()) else "nan"


def evaluate_once(config: Any, model: Any) -> int | str:
    """How many boxes it finds, or the exception's name."""
    try:
        model.eval()
        caption = ". ".join(CATEGORIES)
        labels = {i + 1: [1 + 2 * i] for i in range(len(CATEGORIES))}
        with torch.no_grad():
            found = model([torch.randn(3, 128, 128) * 50], captions=[caption], positive_map=labels)[0]
    except Exception as error:
        print(f"evaluation: {type(error).__name__}: {error}")  # noqa: T201
        return type(error).__name__
    assert not config.MODEL.MASK_ON or found.get_field("mask").shape[1:] == (1, 28, 28)
    return len(found)


def test_knowledge_at_inference(official: Workshop, tmp_path: Path) -> None:
    lines = [f"{name}: {{clean_name: {name}, def_wiki: a photo of {name}, def_wn: a {name}, gpt3: [a, b, c, d, e]}}"
             for name in CATEGORIES]  # fmt: skip
    file = tmp_path / "knowledge.yaml"
    file.write_text("\n".join(lines) + "\n")
    keys = {
        "GLIPKNOW.KNOWLEDGE_FILE": str(file),
        "GLIPKNOW.KNOWLEDGE_TYPE": "def_wiki",
        "GLIPKNOW.PARALLEL_LANGUAGE_INPUT": True,
        "GLIPKNOW.LAN_FEATURE_AGG_TYPE": "first",
    }
    assert isinstance(evaluate_knowledge(configured(official, keys)), int)


def evaluate_knowledge(config: Any) -> int:
    model = built(config)
    model.eval()
    labels = {i + 1: [i] for i in range(len(CATEGORIES))}  # one column a class
    with torch.no_grad():
        found = model([torch.randn(3, 128, 128) * 50], captions=[list(CATEGORIES)], positive_map=labels)[0]
    return len(found)
