"""Runs that are refused before they start, and what is said of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from desk import Desk
from known_keys import KNOWN

from glip_worker.device import Device
from glip_worker.engines.official.training import recipe as recipes
from glip_worker.engines.official.training.guards import MAX_SEED
from glip_worker.engines.official.training.recipe import prepare_pretrain
from glip_worker.errors import GlipError
from glip_worker.protocol.messages import (
    Patience,
    Pieces,
    TrainingPretrainParams,
    Wording,
)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(recipes, "official_keys", lambda checkout: KNOWN)
    return Desk(tmp_path)


def test_a_folder_with_a_run_is_gone_on_with_or_refused(desk: Desk) -> None:
    for params, results in ((desk.pretrain, desk.output), (desk.finetune, desk.output / "ft_task_1")):
        details = desk.refused(params(resume=True))
        assert (details["path"], details["received"]) == ("resume", "a folder without last_checkpoint")
        results.mkdir(parents=True, exist_ok=True)
        (results / "last_checkpoint").write_text("model_0000002.pth")
        details = desk.refused(params())
        assert details["path"] == "output"
        assert "resume: true" in details["expected"]
        assert "model_0000002.pth" in desk.refused(params(resume=True))["received"]
        (results / "last_checkpoint").unlink()


@pytest.mark.official
def test_a_run_that_has_its_steps_is_not_gone_on_with(desk: Desk) -> None:
    import numpy as np

    results = desk.output / "ft_task_1"
    results.mkdir(parents=True)
    checkpoint = results / "model_final.pth"
    torch.save({"model": {"a": torch.zeros(3)}, "iteration": 4, "eval_result": np.float64(0.5)}, checkpoint)
    (results / "last_checkpoint").write_text("model_final.pth")
    # Six pictures, batches of three: two steps in an epoch.
    again = {"resume": True, "weights": None, "batch_size": 3}
    details = desk.refused(desk.finetune(**again, epochs=2))
    assert details["path"] == "epochs"
    assert "more steps than the 4" in details["expected"]
    assert desk.prepare(desk.finetune(**again, epochs=3)).results == results
    (desk.output / "training.yaml").unlink()
    checkpoint.write_bytes(b"damaged")
    assert desk.refused(desk.finetune(**again, epochs=3), "file_error")["path"] == str(checkpoint)


def test_weights(desk: Desk) -> None:
    assert desk.written(desk.pretrain(weights=None))["MODEL.WEIGHT"] == "", "random"
    desk.output = desk.folder / "other"
    assert desk.refused(desk.finetune(weights=None))["path"] == "weights"
    assert desk.refused(desk.pretrain(weights="/no/such.pth"), "weights_missing")["path"] == "/no/such.pth"
    assert desk.refused(desk.evaluate(weights="/no/such.pth"), "weights_missing")["path"] == "/no/such.pth"
    (desk.folder / "model_last_checkpoint.pth").touch()
    placeholder = desk.finetune(weights=str(desk.folder / "model_last_checkpoint.pth"))
    assert desk.refused(placeholder)["path"] == "weights"


@pytest.mark.parametrize(
    ("options", "path", "said"),
    [
        ({"batch_size": 3, "processes": 2}, "batch_size", "a multiple of processes, 2"),
        ({"batch_size": 7}, "batch_size", "at most 6, the pictures with a box, times copies (6 x 1)"),
        ({"batch_size": 2, "settings": {"SOLVER.IMS_PER_BATCH": 8}}, "batch_size", "at most 6"),
        ({"settings": {"DATALOADER.ASPECT_RATIO_GROUPING": True}}, "settings.DATALOADER.ASPECT_RATIO_GROUPING", "1000"),
        ({"settings": {"SOLVER.CHECKPOINT_PER_EPOCH": 0.1}}, "settings.SOLVER.CHECKPOINT_PER_EPOCH", "a step"),
        ({"short_sides": [300, 500], "long_side": 400}, "short_sides", "at most long_side, 400"),
        ({"seed": MAX_SEED, "processes": 2, "batch_size": 2}, "seed", f"at most {MAX_SEED - 1}"),
        ({"frozen_stages": 5}, "frozen_stages", "at most 4"),
        (
            {"pieces": Pieces(masked_language=True, contrast="none", mask_head="none")},
            "pieces.masked_language",
            "mdetr",
        ),
        (
            {"pieces": Pieces(masked_language=True, contrast="none", mask_head="none"), "mixed_precision": False},
            "mixed_precision",
            "which words may be masked",
        ),
        (
            {"pieces": Pieces(masked_language=False, contrast="fpn", mask_head="none"), "batch_size": 1},
            "batch_size",
            "at least 2",
        ),
        (
            {"pieces": Pieces(masked_language=False, contrast="none", mask_head="plain"), "batch_size": 2},
            "batch_size",
            "one picture for each process",
        ),
        ({"settings": {"OUTPUT_DIR": "x"}}, "settings.OUTPUT_DIR", "decided by output"),
        ({"settings": {"SOLVER": {"USE_EMA_FOR_MONITOR": True}}}, "settings.SOLVER.USE_EMA_FOR_MONITOR", "nothing"),
        ({"settings": {"SOLVER.AUTO_TERMINATE_PATIENCE": 3}}, "settings.SOLVER.AUTO_TERMINATE_PATIENCE", "patience"),
        ({"wordings": [Wording(prefix="", name="cat", suffix="")]}, "wordings", "one for each of the 2 categories"),
        (
            {
                "wordings": [Wording(prefix="", name=name, suffix="") for name in ("cat", "dog")],
                "settings": {"DATASETS.DISABLE_SHUFFLE": False},
            },
            "settings.DATASETS.DISABLE_SHUFFLE",
            "true with wordings",
        ),
    ],
)
def test_refused_in_both_trainings(desk: Desk, options: dict[str, Any], path: str, said: str) -> None:
    for params in (desk.pretrain(**options), desk.finetune(**options)):
        if path == "settings.SOLVER.CHECKPOINT_PER_EPOCH" and isinstance(params, TrainingPretrainParams):
            continue  # thirty epochs of three steps: a tenth of one is none
        details = desk.refused(params)
        assert (details["path"], said in details["expected"]) == (path, True), details


def test_refused_in_fine_tuning(desk: Desk) -> None:
    patience = Patience(learning_rate=2, stop=4)
    assert desk.refused(desk.finetune(patience=patience))["path"] == "patience"
    both = desk.finetune(patience=patience, validation=desk.data, milestones=[0.5])
    assert desk.refused(both)["path"] == "milestones"
    details = desk.refused(desk.finetune(settings={"MODEL.BACKBONE.FREEZE": True}))
    assert details["path"] == "settings.MODEL.BACKBONE.FREEZE"
    assert "decided by method" in details["expected"]
    captions = desk.dataset("captions", ("object",), form="mdetr")
    assert desk.refused(desk.finetune(train=[captions], shots=1))["path"] == "shots"
    other = desk.dataset("other", ("dog", "cat"))
    swapped = desk.finetune(method="prompt_v2", validation=other)
    assert desk.refused(swapped)["path"] == "method", "the prompt layer goes by places"
    assert desk.refused(desk.finetune(shots=1, batch_size=4))["path"] == "batch_size"
    assert desk.prepare(desk.finetune(validation=other)).categories == ["cat", "dog"]


def test_copies_make_a_small_set_large_enough(desk: Desk) -> None:
    data = desk.dataset("copied", ("cat",), copies=2)
    assert desk.written(desk.pretrain(train=[data], batch_size=12))["DATASETS.GENERAL_COPY"] == 2


def test_what_the_official_code_cannot_measure(desk: Desk) -> None:
    captions = desk.dataset("captions", ("object",), form="mdetr")
    assert desk.refused(desk.evaluate(data=captions), "unsupported")["feature"] == "data of the format mdetr"
    assert desk.refused(desk.pretrain(validation=captions), "unsupported")["feature"].startswith("validation")
    with pytest.raises(GlipError, match="runs on cpu and cuda, not on mps"):
        prepare_pretrain(desk.pretrain(), desk.folder, Device("mps", None, "GPU", 0))


def test_a_prompt_is_no_file(desk: Desk) -> None:
    """The official evaluation would load it as a yaml that can run code."""
    (desk.folder / "model.yaml").write_text("DATASETS: {CAPTION_PROMPT: prompt.yaml, USE_CAPTION_PROMPT: True}")
    assert desk.refused(desk.evaluate(), "config_invalid")["keys"] == ["DATASETS.CAPTION_PROMPT"]


def test_a_text_encoder_without_a_vocabulary(desk: Desk) -> None:
    assert "no vocab.txt" in desk.refused(desk.evaluate(text_encoder=str(desk.folder)), "weights_missing")["message"]


def test_keys_that_there_are_not(desk: Desk) -> None:
    params = desk.pretrain(settings={"SOLVER.BASE_RL": 1, "SOLVER": {"LANG": 2}})
    assert desk.refused(params, "config_invalid")["keys"] == ["SOLVER.BASE_RL", "SOLVER.LANG"]


@pytest.mark.official
def test_prompts_that_are_too_long(desk: Desk) -> None:
    names = tuple(f"grandmother {'x' * (1 + i % 5)} {i}" for i in range(90))
    many = desk.dataset("many", names)
    details = desk.refused(desk.pretrain(train=[many]))
    assert details["path"] == "train"
    assert "DATASETS.SPECIAL_SAFEGUARD_FOR_COCO_GROUNDING" in details["expected"]
    safe = {"DATASETS.SPECIAL_SAFEGUARD_FOR_COCO_GROUNDING": True}
    assert desk.prepare(desk.pretrain(train=[many], settings=safe)).categories == list(names)
    assert desk.written(desk.evaluate(data=many))["TEST.CHUNKED_EVALUATION"] == 40
    assert desk.written(desk.pretrain(validation=many))["TEST.CHUNKED_EVALUATION"] == 40
    assert "TEST.CHUNKED_EVALUATION" not in desk.written(desk.evaluate())
    desk.output = desk.folder / "other"
    wordings = [Wording(prefix="a ", name=name, suffix="") for name in names]
    assert desk.refused(desk.evaluate(data=many, wordings=wordings))["path"] == "wordings"
