"""The official scripts on a small model: what their authors meant, on current PyTorch."""

from __future__ import annotations

import json
import re

import pytest
import torch
from small import Workshop

pytestmark = [pytest.mark.official, pytest.mark.slow, pytest.mark.timeout(300)]

LOSSES = re.compile(r"^eta: .*iter: (\d+) .*?loss: ([\d.]+)", re.MULTILINE)


def train(workshop: Workshop, out: str, **runs: object) -> float:
    """Two steps of tools/train_net.py; the mean loss that it prints."""
    text = workshop.run(
        *("tools/train_net.py", "--config-file", str(workshop.train_yaml), "--skip-test", "OUTPUT_DIR", out),
        *workshop.overrides(**{"SOLVER.IMS_PER_BATCH": 2}),
        **runs,  # type: ignore[arg-type]
    )
    found = LOSSES.search(text)
    assert found is not None, text[-3000:]
    assert found[1] == "2", "five pictures in batches of two"
    assert (workshop.folder / out / "model_final.pth").is_file()
    return float(found[2])


@pytest.fixture(scope="module")
def trained(workshop: Workshop) -> str:
    loss = train(workshop, "train")
    assert 0 < loss < 100
    return str(workshop.folder / "train" / "model_final.pth")


def test_training_is_reproducible_and_writes_nothing_to_the_checkout(workshop: Workshop, trained: str) -> None:
    before = {path for path in workshop.checkout.rglob("*") if ".git/" not in str(path)}
    assert train(workshop, "again", options=("--accelerate", "fusion,deformable")) > 0
    first, again = (
        torch.load(path, weights_only=True)["model"]
        for path in (trained, workshop.folder / "again" / "model_final.pth")
    )
    assert list(first) == list(again)
    assert not any(name.startswith("module.") for name in first)
    for name, value in first.items():
        torch.testing.assert_close(
            again[name], value, atol=2e-4, rtol=1e-3, msg=lambda text, name=name: f"{name}: {text}"
        )
    assert {path for path in workshop.checkout.rglob("*") if ".git/" not in str(path)} == before


def test_two_processes_over_gloo(workshop: Workshop) -> None:
    assert 0 < train(workshop, "two", processes=2) < 100


def test_fine_tuning(workshop: Workshop, trained: str) -> None:
    text = workshop.run(
        *("tools/finetune.py", "--config-file", "configs/pretrain/glip_Swin_T_O365_GoldG.yaml"),
        *("--ft-tasks", str(workshop.data_yaml), "--skip-test", "--custom_shot_and_epoch_and_general_copy", "0_1_1"),
        *workshop.overrides(**{
            "DATASETS.TRAIN": ("train",),
            "DATASETS.TRAIN_DATASETNAME_SUFFIX": "_grounding",
            "DATASETS.DISABLE_SHUFFLE": True,
            "SOLVER.TUNING_HIGHLEVEL_OVERRIDE": "language_prompt_v2",
            "SOLVER.USE_AUTOSTEP": True,
            "SOLVER.TEST_WITH_INFERENCE": True,
            "SOLVER.IMS_PER_BATCH": 2,
            "SOLVER.CHECKPOINT_PER_EPOCH": 1.0,
            "SOLVER.AUTO_TERMINATE_PATIENCE": 3,
            "TEST.DURING_TRAINING": True,
            "TEST.IMS_PER_BATCH": 1,
            "MODEL.WEIGHT": trained,
            "OUTPUT_DIR": "tuned",
        }),
    )  # fmt: skip
    assert "rpn.tunable_linear.weight  : Not Frozen" in text
    assert text.count(": Not Frozen") == 1, "prompt tuning v2 trains one tensor"
    assert "Average Precision" in text
    assert list((workshop.folder / "tuned" / "ft_task_1").glob("model_*.pth"))


def test_evaluation(workshop: Workshop, trained: str) -> None:
    def evaluate(out: str, *options: str) -> list[dict[str, float]]:
        text = workshop.run(
            *("tools/test_grounding_net.py", "--config-file", "configs/pretrain/glip_Swin_T_O365_GoldG.yaml"),
            *("--task_config", str(workshop.data_yaml), "--weight", trained, "OUTPUT_DIR", out),
            *workshop.overrides(**{"TEST.IMS_PER_BATCH": 1}),
            options=options,
        )
        assert "Average Precision" in text
        assert "tensor([" not in text, "the CPU branch of NMS printed the labels of each picture"
        results = workshop.folder / out / "eval" / "model_final" / "inference" / "val" / "bbox.json"
        rows: list[dict[str, float]] = json.loads(results.read_text())
        return rows

    plain, fast = evaluate("plain"), evaluate("fast", "--accelerate", "all")
    assert len(plain) == len(fast) > 0
    key = ("image_id", "category_id")
    by_score = [sorted(one, key=lambda row: (*(row[name] for name in key), -row["score"])) for one in (plain, fast)]
    differences = [abs(a["score"] - b["score"]) for a, b in zip(*by_score, strict=True)]
    assert max(differences) < 1e-5
