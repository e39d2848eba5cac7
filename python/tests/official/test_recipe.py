"""From typed parameters to a written configuration: what each option is called there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from desk import Desk
from known_keys import FUSE, KNOWN

from glip_worker.engines.official.training import recipe as recipes
from glip_worker.engines.official.training.configuration import Flat
from glip_worker.engines.official.training.recipe import Recipe
from glip_worker.protocol.messages import (
    Knowledge,
    Patience,
    Pieces,
    Wording,
)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(recipes, "official_keys", lambda checkout: KNOWN)
    return Desk(tmp_path)


def test_pretraining(desk: Desk) -> None:
    done = desk.prepare(desk.pretrain())
    assert done == Recipe(
        script="tools/train_net.py",
        arguments=["--config-file", str(desk.output / "training.yaml"), "--skip-test"],
        output=desk.output,
        results=desk.output,
        config=desk.output / "training.yaml",
        environment={},
        processes=1,
        categories=["cat", "dog"],
        validates=False,
    )
    files = {"img_dir": str(desk.folder / "images"), "ann_file": str(desk.folder / "ann.json")}
    assert yaml.safe_load(done.config.read_text()) == {
        "DATALOADER": {"ASPECT_RATIO_GROUPING": False, "DISTRIBUTE_CHUNK_AMONG_NODE": False},
        "DATASETS": {
            "ALTERNATIVE_TRAINING": False,
            "CLASS_AGNOSTIC": False,
            "CLASS_CONCAT": False,
            "FEW_SHOT": 0,
            "GENERAL_COPY": 1,
            "GENERAL_COPY_TEST": -1,
            "MULTISTAGE_TRAINING": False,
            "REGISTER": {"train_1": files},
            "SEPARATION_TOKENS": ". ",
            "SHUFFLE_SEED": 0,
            "TEST": [],
            "TEST_DATASETNAME_SUFFIX": "",
            "TRAIN": ["train_1"],
            "TRAIN_DATASETNAME_SUFFIX": "_grounding",
            "USE_OVERRIDE_CATEGORY": False,
        },
        "GLIPKNOW": {"KNOWLEDGE_FILE": "", "PARALLEL_LANGUAGE_INPUT": False},
        "MODEL": {
            "ATSS": {"NUM_CLASSES": 3},
            "DEVICE": "cpu",
            "DYHEAD": {"NUM_CLASSES": 3},
            "FCOS": {"NUM_CLASSES": 3},
            "ROI_BOX_HEAD": {"NUM_CLASSES": 3},
            "ROI_HEADS": {"USE_FPN": False},
            "SWINT": {"VERSION": "v1"},
            "WEIGHT": str(desk.weights),
        },
        "OUTPUT_DIR": str(desk.output),
        "SOLVER": {
            "AUTO_TERMINATE_PATIENCE": -1,
            "BASE_LR": 0.0001,
            "IMS_PER_BATCH": 2,
            "MAX_EPOCH": 30,
            "MULTI_MAX_EPOCH": [],
            "STEPS": [0.67, 0.89],
            "TEST_WITH_INFERENCE": True,
            "USE_AMP": True,
            "USE_AUTOSTEP": False,
            "USE_EMA_FOR_MONITOR": False,
        },
        "TEST": {"DURING_TRAINING": False, "EVAL_TASK": "detection", "IMS_PER_BATCH": 1},
    }


def test_no_name_picks_another_class_or_evaluator(desk: Desk) -> None:
    """The official catalog looks for these in a name; MDETR's form wants one of them."""
    captions = desk.dataset("captions", ("object",), form="mdetr")
    keys = desk.written(desk.pretrain(train=[desk.data, captions], validation=desk.data))
    assert keys["DATASETS.TRAIN"] == ("train_1", "flickr_2")
    assert keys["DATASETS.TEST"] == ("val",)
    assert keys["DATASETS.REGISTER"]["flickr_2"]["is_train"] is True
    special = ("voc", "mixed", "flickr", "refexp", "gqa", "phrasecut", "caption", "_dt", "odtsv", "lvis", "bing", "_bg")
    names = ["train_1_grounding", "val", desk.written(desk.evaluate(output=str(desk.folder / "e")))["DATASETS.TEST"][0]]
    assert not [name for name in names if any(part in name for part in special)]


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ({"epochs": 3}, {"SOLVER.MAX_EPOCH": 3}),
        ({"batch_size": 3}, {"SOLVER.IMS_PER_BATCH": 3}),
        ({"learning_rate": 1.0}, {"SOLVER.BASE_LR": 1.0}),
        ({"language_learning_rate": 1e-5}, {"SOLVER.LANG_LR": 1e-5}),
        ({"weight_decay": 0.0}, {"SOLVER.WEIGHT_DECAY": 0.0}),
        ({"warmup_steps": 7}, {"SOLVER.WARMUP_ITERS": 7}),
        ({"milestones": [0.5, 0.75]}, {"SOLVER.STEPS": (0.5, 0.75)}),
        (
            {"clip_gradients": 2.0},
            {"SOLVER.CLIP_GRADIENTS.ENABLED": True, "SOLVER.CLIP_GRADIENTS.CLIP_TYPE": "full_model",
             "SOLVER.CLIP_GRADIENTS.CLIP_VALUE": 2.0},
        ),
        ({"ema": 0.99}, {"SOLVER.MODEL_EMA": 0.99}),
        ({"mixed_precision": False}, {"SOLVER.USE_AMP": False}),
        (
            {"gradient_checkpointing": True},
            {"MODEL.DYHEAD.USE_CHECKPOINT": True, "MODEL.BACKBONE.USE_CHECKPOINT": True,
             "MODEL.LANGUAGE_BACKBONE.USE_CHECKPOINT": True},
        ),
        ({"checkpoint_steps": 10}, {"SOLVER.CHECKPOINT_PERIOD": 10, "SOLVER.CHECKPOINT_PER_EPOCH": -1.0}),
        ({"frozen_stages": 0}, {"MODEL.BACKBONE.FREEZE_CONV_BODY_AT": -1}),
        ({"frozen_stages": 1}, {"MODEL.BACKBONE.FREEZE_CONV_BODY_AT": 2}),
        ({"frozen_stages": 4}, {"MODEL.BACKBONE.FREEZE_CONV_BODY_AT": 5}),
        ({"readers": 0}, {"DATALOADER.NUM_WORKERS": 0}),
        ({"seed": 5}, {"SOLVER.SEED": 5}),
        (
            {"short_sides": [480, 800, 640], "long_side": 1000},
            {"AUGMENT.MULT_MIN_SIZE_TRAIN": (480, 800, 640), "INPUT.MIN_SIZE_TRAIN": 800, "INPUT.MIN_SIZE_TEST": 800,
             "INPUT.MAX_SIZE_TRAIN": 1000, "INPUT.MAX_SIZE_TEST": 1000},
        ),
        (
            {"wordings": [Wording(prefix="a ", name="cat", suffix=""), Wording(prefix="", name="dog", suffix=" here")]},
            {"DATASETS.CAPTION_PROMPT": [{"prefix": "a ", "name": "cat", "suffix": ""},
                                         {"prefix": "", "name": "dog", "suffix": " here"}],
             "DATASETS.USE_CAPTION_PROMPT": True, "DATASETS.DISABLE_SHUFFLE": True},
        ),
        ({"settings": {"SOLVER.BASE_LR": 1, "INPUT": {"MIN_SIZE_TEST": 333}}, "learning_rate": 0.5},
         {"SOLVER.BASE_LR": 1.0, "INPUT.MIN_SIZE_TEST": 333}),
    ],
)  # fmt: skip
def test_each_option_in_both_trainings(desk: Desk, options: dict[str, Any], keys: Flat) -> None:
    for params in (desk.pretrain(**options), desk.finetune(**options)):
        written = desk.written(params)
        assert {name: written.get(name) for name in keys} == keys


TRAINS = {
    "full": ("full", [False, False, False, False, False, False]),
    "linear_probe": ("linear_prob", [True, True, False, True, True, False]),
    "prompt_v1": ("language_prompt_v1", [True, True, True, False, False, False]),
    "prompt_v2": ("language_prompt_v2", [True, True, True, True, False, True]),
    "prompt_v3": ("language_prompt_v3", [True, True, True, False, True, False]),
    "prompt_v4": ("language_prompt_v4", [True, True, True, True, True, True]),
}
SWITCHES = (
    *("MODEL.BACKBONE.FREEZE", "MODEL.FPN.FREEZE", "MODEL.RPN.FREEZE", "MODEL.LANGUAGE_BACKBONE.FREEZE"),
    *("MODEL.LINEAR_PROB", f"{FUSE}ADD_LINEAR_LAYER"),
)


@pytest.mark.parametrize("method", TRAINS)
def test_methods_with_the_values_of_the_readme(desk: Desk, method: str) -> None:
    done = desk.prepare(desk.finetune(method=method))
    assert (done.script, done.results) == ("tools/finetune.py", desk.output / "ft_task_1")
    keys = desk.written(desk.finetune(method=method))
    name, switches = TRAINS[method]
    assert keys["SOLVER.TUNING_HIGHLEVEL_OVERRIDE"] == name
    assert [keys[switch] for switch in SWITCHES] == switches
    layer = method in ("prompt_v2", "prompt_v4")
    assert (keys["SOLVER.WEIGHT_DECAY"], keys["SOLVER.BASE_LR"]) == ((0.25, 0.05) if layer else (0.05, 0.0001))
    assert keys["MODEL.DYHEAD.USE_CHECKPOINT"] is (method != "linear_probe")
    assert keys["DATASETS.DISABLE_SHUFFLE"] is True
    plain = {
        "SOLVER.IMS_PER_BATCH": 4,
        "SOLVER.MAX_EPOCH": 12,
        "SOLVER.WARMUP_ITERS": 0,
        "SOLVER.MODEL_EMA": 0.0,
        "SOLVER.USE_AMP": True,
        "SOLVER.FIND_UNUSED_PARAMETERS": False,
        "SOLVER.CHECKPOINT_PER_EPOCH": 1.0,
        "MODEL.BACKBONE.FREEZE_CONV_BODY_AT": 2,
    }
    assert {key: keys[key] for key in plain} == plain


def test_patience_lowers_the_rate_and_ends_the_run_together(desk: Desk) -> None:
    params = desk.finetune(validation=desk.data, patience=Patience(learning_rate=2, stop=4))
    keys = desk.written(params)
    assert keys["SOLVER.USE_AUTOSTEP"] is True
    assert (keys["SOLVER.STEP_PATIENCE"], keys["SOLVER.AUTO_TERMINATE_PATIENCE"]) == (2, 4)
    assert keys["SOLVER.MAX_EPOCH"] == 200, "as the README, whose runs end by patience"
    assert keys["TEST.DURING_TRAINING"] is True
    assert desk.prepare(params).validates
    for params in (desk.finetune(validation=desk.data), desk.pretrain(validation=desk.data)):
        keys = desk.written(params)
        assert (keys["SOLVER.USE_AUTOSTEP"], keys["SOLVER.AUTO_TERMINATE_PATIENCE"]) == (False, -1)
        assert (keys["SOLVER.TEST_WITH_INFERENCE"], keys["SOLVER.USE_EMA_FOR_MONITOR"]) == (True, False)


def test_seeds(desk: Desk) -> None:
    assert desk.prepare(desk.finetune(seed=7)).environment == {"GLIP_SEED": "7"}
    assert desk.prepare(desk.evaluate(seed=7)).environment == {"GLIP_SEED": "7"}
    assert desk.prepare(desk.pretrain(seed=7)).environment == {}, "tools/train_net.py reads SOLVER.SEED"
    assert desk.prepare(desk.finetune()).environment == {}


def test_few_shots_are_written_beside_the_run(desk: Desk) -> None:
    keys = desk.written(desk.finetune(shots=1, shot_seed=3, batch_size=2))
    file = Path(keys["DATASETS.REGISTER"]["train_1"]["ann_file"])
    assert file == desk.output / "few_shot" / "train_1_shots_1_seed_3.json"
    assert len(json.loads(file.read_text())["images"]) == 2
    assert keys["DATASETS.FEW_SHOT"] == 0, "the choice is made"


def test_pieces(desk: Desk) -> None:
    def pieces(**options: Any) -> Flat:
        values = {"masked_language": False, "contrast": "none", "mask_head": "none", **options}
        captions = desk.dataset("captions", ("object",), form="mdetr")
        batch = 1 if "mask_head" in options else 2
        params = desk.pretrain(train=[desk.data, captions], pieces=Pieces(**values), batch_size=batch)
        return desk.written(params)

    assert pieces(masked_language=True)[f"{FUSE}MLM_LOSS"] is True
    assert pieces(contrast="fpn")[f"{FUSE}USE_SHALLOW_CONTRASTIVE_LOSS"] is True
    keys = pieces(contrast="backbone")
    assert keys[f"{FUSE}USE_BACKBONE_SHALLOW_CONTRASTIVE_LOSS"] is True
    assert keys["MODEL.FPN.RETURN_SWINT_FEATURE_BEFORE_FUSION"] is True
    assert keys["MODEL.SWINT.VERSION"] == "vl"
    for kind, predictor in (("plain", "MaskRCNNC4Predictor"), ("text", "VLMaskRCNNC4Predictor")):
        keys = pieces(mask_head=kind)
        assert keys["MODEL.ROI_MASK_HEAD.PREDICTOR"] == predictor
        assert (keys["MODEL.MASK_ON"], keys["MODEL.BOX_ON"], keys["MODEL.RPN_ONLY"]) == (True, False, False)


def test_evaluation(desk: Desk) -> None:
    done = desk.prepare(desk.evaluate(batch_size=2, processes=3))
    assert done.script == "tools/test_grounding_net.py"
    assert done.arguments == ["--config-file", str(done.config), "--weight", str(desk.weights)]
    assert done.results == desk.output / "eval" / "start" / "inference" / "test"
    assert done.config == desk.output / "evaluation.yaml"
    keys = desk.written(desk.evaluate(batch_size=2, processes=3))
    assert keys["TEST.IMS_PER_BATCH"] == 6
    assert keys["TEST.EVAL_TASK"] == "detection"
    assert keys[f"{FUSE}MLM_LOSS"] is False
    assert keys["DATASETS.TEST"] == ("test",)
    assert keys["MODEL.ATSS.NUM_CLASSES"] == 3
    text_masks = {"MODEL.MASK_ON": True, "MODEL.ROI_MASK_HEAD.PREDICTOR": "VLMaskRCNNC4Predictor"}
    assert desk.written(desk.evaluate(settings=text_masks))["TEST.MDETR_STYLE_AGGREGATE_CLASS_NUM"] == 2


def test_knowledge(desk: Desk) -> None:
    file = desk.folder / "knowledge.yaml"
    file.write_text("cat: {clean_name: cat, def_wiki: an animal}\ndog: {clean_name: dog, def_wiki: another}\n")
    knowledge = Knowledge(file=str(file), kind="def_wiki", aggregation="mean", gpt3_count=3, wiki_and_gpt3=False)
    keys = desk.written(desk.evaluate(knowledge=knowledge))
    assert keys["GLIPKNOW.KNOWLEDGE_FILE"] == str(file)
    assert (keys["GLIPKNOW.LAN_FEATURE_AGG_TYPE"], keys["GLIPKNOW.GPT3_NUM"]) == ("mean", 3)
    assert keys["GLIPKNOW.PARALLEL_LANGUAGE_INPUT"] is True


def test_knowledge_that_is_missing_or_runs_code(desk: Desk) -> None:
    file = desk.folder / "knowledge.yaml"
    desk.output = desk.folder / "other"
    knowledge = Knowledge(file=str(file), kind="def_wiki", aggregation="mean", gpt3_count=3, wiki_and_gpt3=True)
    params = desk.evaluate(knowledge=knowledge)
    assert desk.refused(params, "file_error")["path"] == str(file)
    file.write_text("cat: !!python/object/apply:os.getcwd []\n")
    assert "no plain yaml" in desk.refused(params, "config_invalid")["reason"]
    file.write_text("cat: {clean_name: cat, def_wiki: a, gpt3: [b]}\ndog: {clean_name: dog, def_wiki: a}\n")
    assert desk.refused(params, "config_invalid")["keys"] == ["dog"]
    assert desk.refused(desk.evaluate(knowledge=knowledge, batch_size=2))["path"] == "batch_size"
