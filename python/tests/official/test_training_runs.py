"""The methods `training.*` against the official scripts run by hand, on the small model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import torch
from runs import CPU, FakeCall, left_of_runs
from small import MODEL, Workshop

from glip_worker.engines.official.training.methods import TrainingMethods
from glip_worker.errors import CallStopped, GlipError
from glip_worker.protocol.messages import (
    Trained,
    TrainingEvaluateParams,
    TrainingEvaluateResult,
    TrainingFinetuneParams,
    TrainingPretrainParams,
)

pytestmark = [pytest.mark.official, pytest.mark.slow, pytest.mark.timeout(400)]

SETTINGS: dict[str, Any] = {
    **{name: list(one) if isinstance(one, tuple) else one for name, one in zip(MODEL[::2], MODEL[1::2], strict=True)},
    "INPUT.MIN_SIZE_TEST": 128,
    "INPUT.MAX_SIZE_TEST": 192,
    "DATALOADER.SIZE_DIVISIBILITY": 32,
}
del SETTINGS["MODEL.WEIGHT"], SETTINGS["MODEL.DYHEAD.USE_CHECKPOINT"]


class Bench:
    """The methods over the workshop's model and pictures."""

    def __init__(self, workshop: Workshop) -> None:
        self.workshop = workshop
        self.methods = TrainingMethods(workshop.checkout, CPU)
        tiny = workshop.folder / "tiny"
        self.data = {
            "format": "coco",
            "annotations": str(tiny / "ann.json"),
            "images": str(tiny / "images"),
            "copies": 1,
        }

    def _run(self, output: str) -> dict[str, Any]:
        return {
            "output": str(self.workshop.folder / output),
            "config": "configs/pretrain/glip_Swin_T_O365_GoldG.yaml",
            "text_encoder": str(self.workshop.bert),
            "settings": SETTINGS,
            "accelerate": [],
            "processes": 1,
            "seed": 7,
            "wordings": None,
            "short_sides": [128],
            "long_side": 192,
            "readers": 0,
        }

    def _training(self, output: str) -> dict[str, Any]:
        fields = TrainingPretrainParams.__struct_fields__
        pieces = {"masked_language": False, "contrast": "none", "mask_head": "none"}
        return {
            **dict.fromkeys(fields),
            **self._run(output),
            "train": [self.data],
            "resume": False,
            "batch_size": 2,
            "epochs": 1,
            "warmup_steps": 0,
            "ema": 0.0,
            "checkpoint_steps": 100,
            "gradient_checkpointing": False,
            "pieces": pieces,
        }

    def pretrain(self, output: str, call: FakeCall | None = None, **changes: Any) -> tuple[Trained, FakeCall]:
        call = call or FakeCall()
        params = msgspec.convert({**self._training(output), **changes}, TrainingPretrainParams)
        return self.methods.pretrain(call, params), call  # type: ignore[arg-type]

    def finetune(self, output: str, call: FakeCall | None = None, **changes: Any) -> tuple[Trained, FakeCall]:
        call = call or FakeCall()
        own = {"method": "full", "shots": None, "shot_seed": 3, "patience": None}
        params = msgspec.convert({**self._training(output), **own, **changes}, TrainingFinetuneParams)
        return self.methods.finetune(call, params), call  # type: ignore[arg-type]

    def evaluate(self, output: str, weights: str, **changes: Any) -> tuple[TrainingEvaluateResult, FakeCall]:
        call = FakeCall()
        own = {"data": self.data, "weights": weights, "batch_size": 1, "knowledge": None}
        params = msgspec.convert({**self._run(output), **own, **changes}, TrainingEvaluateParams)
        return self.methods.evaluate(call, params), call  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def bench(workshop: Workshop) -> Bench:
    return Bench(workshop)


@pytest.fixture(autouse=True)
def _nothing_left() -> Any:
    yield
    assert left_of_runs() == []


@pytest.fixture(scope="module")
def trained(bench: Bench) -> tuple[Trained, FakeCall]:
    """Twenty steps, validated after ten and twenty."""
    copies = {**bench.data, "copies": 8}
    return bench.pretrain("pretrained", train=[copies], validation=bench.data, checkpoint_steps=10)


def same_tensors(one: str | Path, other: str | Path, tolerance: float = 0.0) -> None:
    first, second = (torch.load(path, weights_only=False)["model"] for path in (one, other))
    assert list(first) == list(second)
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, atol=tolerance, rtol=tolerance, msg=lambda m, n=name: n + m)


def test_pretraining_is_what_the_official_script_does_by_hand(
    bench: Bench, trained: tuple[Trained, FakeCall], workshop: Workshop
) -> None:
    result, call = trained
    config = Path(result.config).read_text().replace(result.output, str(workshop.folder / "by_hand"))
    (workshop.folder / "by_hand.yaml").write_text(config)
    text = workshop.run("tools/train_net.py", "--config-file", str(workshop.folder / "by_hand.yaml"))
    printed = re.findall(r"^eta: .*iter: (\d+)  (.*?)  lr: ([\d.]+)", text, re.MULTILINE)
    assert [int(step) for step, *_ in printed] == [20]
    steps = call.of("step")
    assert [event.step for event in steps] == list(range(1, 21))
    for name, median, mean in re.findall(r"(\w+): ([\d.]+) \(([\d.]+)\)", printed[0][1]):
        if name in ("time", "data"):
            continue
        values = [event.losses["total" if name == "loss" else name] for event in steps]
        assert sum(values) / 20 == pytest.approx(float(mean), abs=6e-5), "printed with four digits"
        assert sorted(values)[9] == pytest.approx(float(median), abs=6e-5)
    for event in steps:
        parts = [value for name, value in event.losses.items() if name != "total"]
        assert sum(parts) == pytest.approx(event.losses["total"], rel=1e-5)
    assert result.checkpoint == str(Path(result.output, "model_final.pth"))
    same_tensors(result.checkpoint, workshop.folder / "by_hand" / "model_final.pth")


def test_events_of_a_training_and_its_result(trained: tuple[Trained, FakeCall]) -> None:
    result, call = trained
    first, last = call.of("step")[0], call.of("step")[-1]
    assert (first.total_steps, last.total_steps) == (20, 20)
    assert (first.epoch, last.epoch) == (pytest.approx(1 / 20), pytest.approx(1.0))
    assert last.eta_seconds == 0
    assert first.eta_seconds > 0
    assert first.seconds > first.data_seconds > 0
    assert first.learning_rate == pytest.approx(1e-4)
    assert last.memory_bytes is None
    evaluations = call.of("evaluation")
    assert [event.step for event in evaluations] == [10, 20]
    assert all(list(event.metrics) == ["AP", "AP50", "AP75", "APs", "APm", "APl"] for event in evaluations)
    assert all(value is None or 0 <= value <= 1 for event in evaluations for value in event.metrics.values())
    names = [(event.step, Path(event.path).name, event.best) for event in call.of("checkpoint")]
    assert names == [
        (10, "model_0000010.pth", False),
        (20, "model_0000020.pth", False),
        (20, "model_final.pth", False),
    ]
    assert call.of("progress")[-1].pictures == call.of("progress")[-1].total_pictures == 5
    assert (result.steps, result.total_steps, result.ended) == (20, 20, "completed")
    assert result.metrics == evaluations[-1].metrics
    assert result.best in {event.path for event in call.of("checkpoint")}
    assert result.seconds > sum(event.seconds for event in call.of("step"))
    records = [json.loads(line) for line in Path(result.output, "events.jsonl").read_text().splitlines()]
    assert [one["step"] for one in records if one["type"] == "step"] == list(range(1, 21))
    assert "Start training" in call.log
    assert "Start training" in Path(result.output, "run.log").read_text()


def test_evaluation_is_what_the_official_script_does_by_hand(
    bench: Bench, trained: tuple[Trained, FakeCall], workshop: Workshop
) -> None:
    weights = trained[0].checkpoint
    assert weights is not None
    result, call = bench.evaluate("evaluated", weights)
    text = workshop.run(
        *("tools/test_grounding_net.py", "--config-file", str(workshop.model_yaml), "--weight", weights),
        *("--task_config", str(workshop.data_yaml), "OUTPUT_DIR", "evaluated_by_hand"),
        *workshop.overrides(**{"TEST.IMS_PER_BATCH": 1}),
    )
    by_hand = workshop.folder / "evaluated_by_hand" / "eval" / "model_final" / "inference" / "val" / "bbox.json"
    assert result.predictions is not None
    assert json.loads(Path(result.predictions).read_text()) == json.loads(by_hand.read_text())
    printed = re.search(r"IoU=0.50:0.95 \| area=   all \| maxDets=100 \] = ([-\d.]+)", text)
    assert printed is not None
    assert result.metrics["AP"] == pytest.approx(float(printed[1]), abs=5.1e-4)
    assert list(result.metrics) == ["AP", "AP50", "AP75", "APs", "APm", "APl"]
    assert list(result.per_category) == ["person", "cup", "cat", "rocket", "horse"]
    known = [value for value in result.per_category.values() if value is not None]
    assert sum(known) / len(known) == pytest.approx(result.metrics["AP"])
    assert call.of("evaluation")[0].step is None
    assert call.of("progress")[-1].pictures == 5


def test_an_evaluation_that_finds_nothing(bench: Bench, trained: tuple[Trained, FakeCall]) -> None:
    weights = trained[0].checkpoint
    assert weights is not None
    result, _ = bench.evaluate("nothing", weights, settings={**SETTINGS, "MODEL.ATSS.INFERENCE_TH": 1.5})
    assert result.metrics["AP"] == 0
    assert set(result.per_category.values()) == {0.0}
    assert result.predictions is not None
    assert json.loads(Path(result.predictions).read_text()) == []


def changed_tensors(one: str, other: str) -> set[str]:
    first, second = (torch.load(path, weights_only=False)["model"] for path in (one, other))
    return {name for name in second if name not in first or not torch.equal(first[name], second[name])}


@pytest.mark.parametrize(
    ("method", "belongs"),
    [
        ("full", lambda name: True),
        ("linear_probe", lambda name: "head." in name and "dyhead_tower" not in name),
        ("prompt_v1", lambda name: name.startswith("language_backbone.")),
        ("prompt_v2", lambda name: "tunable_linear" in name),
    ],
)
def test_fine_tuning_trains_what_its_method_says(
    bench: Bench, trained: tuple[Trained, FakeCall], method: str, belongs: Callable[[str], bool]
) -> None:
    weights = trained[0].checkpoint
    assert weights is not None
    result, call = bench.finetune(f"tuned_{method}", weights=weights, method=method, learning_rate=0.01)
    assert (result.steps, result.total_steps, result.ended) == (2, 2, "completed")
    assert result.checkpoint == str(Path(result.output, "ft_task_1", "model_final.pth"))
    changed = {name for name in changed_tensors(weights, result.checkpoint) if "num_batches" not in name}
    assert changed
    assert [name for name in changed if not belongs(name)] == []
    assert result.metrics is None
    assert result.best is None
    assert len(call.of("step")) == 2


def test_few_shots_with_patience_end_at_the_plateau_and_repeat_with_their_seed(
    bench: Bench, trained: tuple[Trained, FakeCall]
) -> None:
    options = {
        "weights": trained[0].checkpoint,
        "method": "prompt_v2",
        "shots": 1,
        "epochs": 8,
        "batch_size": 1,
        # Far too high, so that validation gets worse.
        "learning_rate": 50.0,
        "validation": bench.data,
        "patience": {"learning_rate": 1, "stop": 1},
        "checkpoint_steps": 5,
    }
    result, call = bench.finetune("few", **options)
    assert result.ended in ("plateau", "completed")
    assert (result.ended == "plateau") == (result.steps < result.total_steps)
    assert result.best == str(Path(result.output, "ft_task_1", "model_best.pth"))
    assert [event.best for event in call.of("checkpoint")].count(True) >= 1
    again, other = bench.finetune("few_again", **options)
    assert [event.losses for event in other.of("step")] == [event.losses for event in call.of("step")]
    assert again.best is not None
    same_tensors(result.best, again.best)


def test_an_aborted_run_is_resumed_where_it_stopped(bench: Bench) -> None:
    options = {"train": [{**bench.data, "copies": 4}], "checkpoint_steps": 100}
    call = FakeCall(lambda call: any(event.step >= 3 for event in call.of("step")))
    with pytest.raises(CallStopped):
        bench.pretrain("resumed", call, **options)
    folder = bench.workshop.folder / "resumed"
    last = (folder / "last_checkpoint").read_text()
    stopped = int(torch.load(folder / last, weights_only=False)["iteration"])
    assert 3 <= stopped < 10
    assert last == f"model_{stopped:07d}.pth"
    result, resumed = bench.pretrain("resumed", resume=True, **options)
    assert [event.step for event in resumed.of("step")] == list(range(stopped + 1, 11))
    assert (result.steps, result.total_steps, result.ended) == (10, 10, "completed")
    records = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    assert [one["step"] for one in records if one["type"] == "step"] == list(range(1, 11))
    assert [one["resumed"] for one in records if one["type"] == "start"] == [False, True]


def test_two_processes_report_once(bench: Bench) -> None:
    call = FakeCall()
    call.worker = SimpleNamespace(settings=SimpleNamespace(threads=2))
    result, _ = bench.pretrain("two_ranks", call, processes=2, validation=bench.data, epochs=2)
    assert [event.step for event in call.of("step")] == [1, 2, 3, 4, 5]
    assert all(event.losses["total"] > 0 for event in call.of("step"))
    assert call.of("progress")[-1].pictures == 5
    assert result.metrics is not None


def test_a_loss_that_is_no_number(bench: Bench) -> None:
    settings = {**SETTINGS, "SOLVER.CLIP_GRADIENTS.ENABLED": False}
    options = {"train": [{**bench.data, "copies": 2}], "learning_rate": 1e30, "settings": settings}
    result, call = bench.pretrain("nan", **options)
    wrong = [event for event in call.of("step") if event.losses["total"] is None]
    assert wrong
    assert any(value is None for name, value in wrong[0].losses.items() if name != "total")
    said = [line for line in call.log.splitlines() if "The official trainer counts a loss" in line]
    assert len(said) == 1
    assert f"step {wrong[0].step}: " in said[0]
    assert result.steps == 5


def test_a_failure_in_the_official_code_and_a_full_disk(bench: Bench) -> None:
    folder = bench.workshop.folder / "full"
    folder.mkdir()
    # Where the checkpoint is written first, before it gets its name.
    (folder / "model_final.pth.part").symlink_to("/dev/full")
    with pytest.raises(GlipError) as full:
        bench.pretrain("full")
    assert full.value.code == "disk_full"
    assert full.value.details["path"] == str(folder / "model_final.pth")
    assert not (folder / "model_final.pth").exists()
    assert not (folder / "last_checkpoint").exists()
    with pytest.raises(GlipError) as broken:
        bench.pretrain("broken", settings={**SETTINGS, "MODEL.DYHEAD.FUSE_CONFIG.JOINT_EMB_SIZE": 7})
    assert broken.value.code == "training_failed"
    assert re.search(r"failed: \w+Error: .+ \(rank 0, .+\.py:\d+\)", broken.value.message), broken.value.message
