"""What the typed options are called in the official configuration, and the README's values where they are not given."""

from __future__ import annotations

from typing import Any

from glip_worker.device import Device
from glip_worker.engines.official.training.configuration import Flat
from glip_worker.engines.official.training.refusals import unsupported
from glip_worker.errors import invalid_argument
from glip_worker.protocol.messages import (
    Knowledge,
    Pieces,
    TrainingEvaluateParams,
    TrainingFinetuneParams,
    TrainingPretrainParams,
    Wording,
)

Training = TrainingPretrainParams | TrainingFinetuneParams
Run = Training | TrainingEvaluateParams

FUSE = "MODEL.DYHEAD.FUSE_CONFIG."

#: Stages of a Swin Transformer.
BACKBONE_STAGES = 4

#: "Full Model Fine-Tuning" of the README, and the warm-up of its ODinW configurations.
FINETUNE_DEFAULTS: Flat = {
    "SOLVER.IMS_PER_BATCH": 4,
    "SOLVER.WEIGHT_DECAY": 0.05,
    "SOLVER.WARMUP_ITERS": 0,
    "SOLVER.MODEL_EMA": 0.0,
    "SOLVER.USE_AMP": True,
    "SOLVER.FIND_UNUSED_PARAMETERS": False,
    "SOLVER.CHECKPOINT_PER_EPOCH": 1.0,
    "MODEL.BACKBONE.FREEZE_CONV_BODY_AT": 2,
    "MODEL.DYHEAD.USE_CHECKPOINT": True,
    "DATASETS.DISABLE_SHUFFLE": True,
    "DATALOADER.ASPECT_RATIO_GROUPING": False,
}

#: Epochs of the README, whose runs end by patience, and of its ODinW configurations.
EPOCHS_WITH_PATIENCE, EPOCHS = 200, 12

#: The README's values for its "Prompt Tuning", v2; v4 trains the same tensor.
PROMPT_LAYER_DEFAULTS: Flat = {"SOLVER.WEIGHT_DECAY": 0.25, "SOLVER.BASE_LR": 0.05}
PROMPT_LAYER_METHODS = ("prompt_v2", "prompt_v4")

OFFICIAL_METHODS = {
    "full": "full",
    "linear_probe": "linear_prob",
    "prompt_v1": "language_prompt_v1",
    "prompt_v2": "language_prompt_v2",
    "prompt_v3": "language_prompt_v3",
    "prompt_v4": "language_prompt_v4",
}

#: What tools/finetune.py makes of a method: backbone, FPN, RPN and BERT frozen; linear probe; prompt layer.
_METHOD_SWITCHES = {
    "full": (False, False, False, False, False, False),
    "linear_probe": (True, True, False, True, True, False),
    "prompt_v1": (True, True, True, False, False, False),
    "prompt_v2": (True, True, True, True, False, True),
    "prompt_v3": (True, True, True, False, True, False),
    "prompt_v4": (True, True, True, True, True, True),
}
_SWITCHES = (
    *("MODEL.BACKBONE.FREEZE", "MODEL.FPN.FREEZE", "MODEL.RPN.FREEZE", "MODEL.LANGUAGE_BACKBONE.FREEZE"),
    *("MODEL.LINEAR_PROB", f"{FUSE}ADD_LINEAR_LAYER"),
)

_TRAINING_KEYS: dict[str, tuple[str, ...]] = {
    "epochs": ("SOLVER.MAX_EPOCH",),
    "batch_size": ("SOLVER.IMS_PER_BATCH",),
    "learning_rate": ("SOLVER.BASE_LR",),
    "language_learning_rate": ("SOLVER.LANG_LR",),
    "weight_decay": ("SOLVER.WEIGHT_DECAY",),
    "warmup_steps": ("SOLVER.WARMUP_ITERS",),
    "milestones": ("SOLVER.STEPS",),
    "ema": ("SOLVER.MODEL_EMA",),
    "mixed_precision": ("SOLVER.USE_AMP",),
    "checkpoint_steps": ("SOLVER.CHECKPOINT_PERIOD",),
    "gradient_checkpointing": tuple(
        f"MODEL.{part}.USE_CHECKPOINT" for part in ("DYHEAD", "BACKBONE", "LANGUAGE_BACKBONE")
    ),
}


def run_options(params: Run) -> Flat:
    """Sizes, readers, seed and wordings: what all runs have."""
    keys: Flat = {}
    if params.short_sides is not None:
        keys["AUGMENT.MULT_MIN_SIZE_TRAIN"] = list(params.short_sides)
        keys["INPUT.MIN_SIZE_TRAIN"] = keys["INPUT.MIN_SIZE_TEST"] = max(params.short_sides)
    if params.long_side is not None:
        keys["INPUT.MAX_SIZE_TRAIN"] = keys["INPUT.MAX_SIZE_TEST"] = params.long_side
    if params.readers is not None:
        keys["DATALOADER.NUM_WORKERS"] = params.readers
    if params.seed is not None:
        keys["SOLVER.SEED"] = params.seed
    keys.update(_wording_keys(params.wordings))
    return keys


def training_options(params: Training) -> Flat:
    keys: Flat = {}
    for option, names in _TRAINING_KEYS.items():
        value: Any = getattr(params, option)
        if value is not None:
            keys.update(dict.fromkeys(names, value))
    if params.checkpoint_steps is not None:
        keys["SOLVER.CHECKPOINT_PER_EPOCH"] = -1.0
    if params.clip_gradients is not None:
        keys["SOLVER.CLIP_GRADIENTS.ENABLED"] = True
        keys["SOLVER.CLIP_GRADIENTS.CLIP_TYPE"] = "full_model"
        keys["SOLVER.CLIP_GRADIENTS.CLIP_VALUE"] = params.clip_gradients
    if params.frozen_stages is not None:
        if params.frozen_stages > BACKBONE_STAGES:
            raise invalid_argument("frozen_stages", f"at most {BACKBONE_STAGES}", str(params.frozen_stages))
        # 1 is the patch embedding alone, 2 that and the first stage.
        keys["MODEL.BACKBONE.FREEZE_CONV_BODY_AT"] = params.frozen_stages + 1 if params.frozen_stages else -1
    return keys


def finetune_defaults(params: TrainingFinetuneParams) -> Flat:
    """Values that an option, or a setting, replaces."""
    keys = {**FINETUNE_DEFAULTS, "SOLVER.MAX_EPOCH": EPOCHS if params.patience is None else EPOCHS_WITH_PATIENCE}
    return {**keys, **PROMPT_LAYER_DEFAULTS} if params.method in PROMPT_LAYER_METHODS else keys


def method_keys(method: str) -> Flat:
    """The method's name and what tools/finetune.py sets for it, so that the written configuration says it too."""
    keys: Flat = {"SOLVER.TUNING_HIGHLEVEL_OVERRIDE": OFFICIAL_METHODS[method]}
    keys.update(zip(_SWITCHES, _METHOD_SWITCHES[method], strict=True))
    if method == "linear_probe":
        keys["MODEL.DYHEAD.USE_CHECKPOINT"] = False
    if method in PROMPT_LAYER_METHODS:
        # The layer is a vector for each token position: the classes keep their places.
        keys["DATASETS.DISABLE_SHUFFLE"] = True
    return keys


def piece_keys(pieces: Pieces, configuration: Flat) -> Flat:
    keys: Flat = {}
    if pieces.masked_language:
        # The trainer hands over which tokens may be masked in its mixed-precision branch only.
        keys.update({f"{FUSE}MLM_LOSS": True, "SOLVER.USE_AMP": True})
    if pieces.contrast == "fpn":
        keys[f"{FUSE}USE_SHALLOW_CONTRASTIVE_LOSS"] = True
    if pieces.contrast == "backbone":
        version = str(configuration.get("MODEL.SWINT.VERSION", "v1"))
        keys[f"{FUSE}USE_BACKBONE_SHALLOW_CONTRASTIVE_LOSS"] = True
        keys["MODEL.FPN.RETURN_SWINT_FEATURE_BEFORE_FUSION"] = True
        if "vl" not in version:
            keys["MODEL.SWINT.VERSION"] = "vl" if version == "v1" else f"{version}_vl"
    if pieces.mask_head != "none":
        keys.update(
            {
                "MODEL.MASK_ON": True,
                "MODEL.BOX_ON": False,
                "MODEL.RPN_ONLY": False,
                "MODEL.ROI_HEADS.USE_FPN": True,
                "MODEL.ROI_MASK_HEAD.FEATURE_EXTRACTOR": "MaskRCNNFPNFeatureExtractor",
                "MODEL.ROI_MASK_HEAD.PREDICTOR": _MASK_PREDICTORS[pieces.mask_head],
                "MODEL.ROI_MASK_HEAD.POOLER_SCALES": [1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128],
                "MODEL.ROI_MASK_HEAD.POOLER_SAMPLING_RATIO": 2,
                "MODEL.ROI_MASK_HEAD.RESOLUTION": 28,
                "MODEL.ROI_MASK_HEAD.SHARE_BOX_FEATURE_EXTRACTOR": False,
            }
        )
    return keys


def knowledge_keys(knowledge: Knowledge | None) -> Flat:
    if knowledge is None:
        return {"GLIPKNOW.KNOWLEDGE_FILE": "", "GLIPKNOW.PARALLEL_LANGUAGE_INPUT": False}
    return {
        "GLIPKNOW.KNOWLEDGE_FILE": knowledge.file,
        "GLIPKNOW.KNOWLEDGE_TYPE": knowledge.kind,
        "GLIPKNOW.PARALLEL_LANGUAGE_INPUT": True,
        "GLIPKNOW.LAN_FEATURE_AGG_TYPE": knowledge.aggregation,
        "GLIPKNOW.GPT3_NUM": knowledge.gpt3_count,
        "GLIPKNOW.WIKI_AND_GPT3": knowledge.wiki_and_gpt3,
        f"{FUSE}USE_LAYER_SCALE": True,
    }


def official_device(device: Device) -> str:
    """MODEL.DEVICE of each process; which card that is, torch's launcher and the script settle."""
    kind = device.type
    if kind not in ("cpu", "cuda"):
        raise unsupported("training", f"the official code runs on cpu and cuda, not on {device}")
    return kind


_MASK_PREDICTORS = {"plain": "MaskRCNNC4Predictor", "text": "VLMaskRCNNC4Predictor"}


def _wording_keys(wordings: list[Wording] | None) -> Flat:
    if wordings is None:
        return {}
    prompt = [{"prefix": one.prefix, "name": one.name, "suffix": one.suffix} for one in wordings]
    return {
        "DATASETS.CAPTION_PROMPT": prompt,
        "DATASETS.USE_CAPTION_PROMPT": True,
        # The official code asserts it: the words go by the place of the category.
        "DATASETS.DISABLE_SHUFFLE": True,
    }
