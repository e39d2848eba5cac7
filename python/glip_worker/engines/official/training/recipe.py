"""From typed parameters to a run of an official script: checked, and written down as one configuration."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glip_worker.device import Device
from glip_worker.engines.official.training import guards
from glip_worker.engines.official.training.configuration import (
    Flat,
    KnownKeys,
    checked,
    official_keys,
    read_configuration,
    write_configuration,
)
from glip_worker.engines.official.training.datasets import (
    CheckedDataset,
    all_categories,
    check_evaluation,
    check_few_shot,
    check_training,
    evaluation_keys,
    training_keys,
    write_few_shots,
)
from glip_worker.engines.official.training.options import (
    FUSE,
    Run,
    Training,
    finetune_defaults,
    knowledge_keys,
    method_keys,
    official_device,
    piece_keys,
    run_options,
    training_options,
)
from glip_worker.engines.official.training.query import Tokenizer, check_training_query, evaluation_query_keys
from glip_worker.engines.official.training.refusals import unsupported
from glip_worker.engines.official.training.resume import check_folder, check_unfinished
from glip_worker.errors import invalid_argument
from glip_worker.protocol.messages import TrainingEvaluateParams, TrainingFinetuneParams, TrainingPretrainParams

#: The scripts write a config.yml of their own into their folder; an evaluation may share a training run's.
TRAINING_FILE, EVALUATION_FILE = "training.yaml", "evaluation.yaml"

#: Read by the process that runs the script, since tools/finetune.py and tools/test_grounding_net.py set no seed.
SEED_VARIABLE = "GLIP_SEED"


@dataclass(frozen=True)
class Recipe:
    script: str
    """Of the checkout: `tools/train_net.py`, `tools/finetune.py`, `tools/test_grounding_net.py`."""
    arguments: list[str]
    """What follows the script."""
    output: Path
    """The run's folder, as the user gave it."""
    results: Path
    """Where the script writes checkpoints, or the files of an evaluation."""
    config: Path
    """The complete configuration; `model.load` takes it together with a checkpoint."""
    environment: dict[str, str]
    processes: int
    categories: list[str]
    """Of all data, each once, in the data's order."""
    validates: bool


def prepare_pretrain(params: TrainingPretrainParams, checkout: Path, device: Device) -> Recipe:
    """GlipError `invalid_argument`, `config_invalid`, `dataset_invalid`, `weights_missing`, `unsupported`."""
    return _pretrain(params, checkout, device, official_keys(checkout))


def prepare_finetune(params: TrainingFinetuneParams, checkout: Path, device: Device) -> Recipe:
    """GlipErrors as of `prepare_pretrain`."""
    return _finetune(params, checkout, device, official_keys(checkout))


def prepare_evaluate(params: TrainingEvaluateParams, checkout: Path, device: Device) -> Recipe:
    """GlipErrors as of `prepare_pretrain`."""
    return _evaluate(params, checkout, device, official_keys(checkout))


def _pretrain(params: TrainingPretrainParams, checkout: Path, device: Device, known: KnownKeys) -> Recipe:
    output = _absolute(params.output)
    config, data, validation = _training(params, checkout, device, known, output, {}, {})
    return Recipe(
        script="tools/train_net.py",
        arguments=["--config-file", str(config), "--skip-test"],
        output=Path(params.output),
        results=output,
        config=config,
        environment={},
        processes=params.processes,
        categories=_categories(data, validation),
        validates=validation is not None,
    )


def _finetune(params: TrainingFinetuneParams, checkout: Path, device: Device, known: KnownKeys) -> Recipe:
    results = _absolute(params.output) / "ft_task_1"
    defaults, forced = finetune_defaults(params), method_keys(params.method)
    config, data, validation = _training(params, checkout, device, known, results, defaults, forced)
    return Recipe(
        script="tools/finetune.py",
        arguments=["--config-file", str(config), "--skip-test"],
        output=Path(params.output),
        results=results,
        config=config,
        environment=_environment(params),
        processes=params.processes,
        categories=_categories(data, validation),
        validates=validation is not None,
    )


def _evaluate(params: TrainingEvaluateParams, checkout: Path, device: Device, known: KnownKeys) -> Recipe:
    base, settings = _configuration(params, checkout, known, {})
    output, name = _absolute(params.output), "test"
    if params.data.format != "coco":
        raise _no_evaluator("data")
    weights = guards.check_weights(params.weights, resume=False, required=True)
    data = check_evaluation(name, params.data)
    guards.check_knowledge(params.knowledge, data.categories, params.batch_size)
    keys = {
        **base,
        **run_options(params),
        **_evaluation_measures({**base, **settings}, data),
        **settings,
        **knowledge_keys(params.knowledge),
        **evaluation_keys(data),
        "MODEL.DEVICE": official_device(device),
        "MODEL.WEIGHT": weights,
        "OUTPUT_DIR": str(output),
        # It would mask words of the prompt in evaluation too.
        f"{FUSE}MLM_LOSS": False,
        "TEST.IMS_PER_BATCH": params.batch_size * params.processes,
        "TEST.EVAL_TASK": "detection",
    }
    final = _with_defaults(keys, known)
    guards.check_prompts(final, [data], _count(params.wordings), params.config)
    keys.update(evaluation_query_keys(final, data, Tokenizer(params.text_encoder)))
    config = output / EVALUATION_FILE
    write_configuration(config, keys)
    return Recipe(
        script="tools/test_grounding_net.py",
        arguments=["--config-file", str(config), "--weight", weights],
        output=Path(params.output),
        results=output / "eval" / Path(weights).stem / "inference" / name,
        config=config,
        environment=_environment(params),
        processes=params.processes,
        categories=list(data.categories),
        validates=True,
    )


def _training(
    params: Training,
    checkout: Path,
    device: Device,
    known: KnownKeys,
    results: Path,
    defaults: Flat,
    forced: Flat,
) -> tuple[Path, list[CheckedDataset], CheckedDataset | None]:
    """Checks everything, then writes the configuration: nothing is left behind by a run that is refused."""
    base, settings = _configuration(params, checkout, known, forced)
    guards.check_schedule(params)
    checkpoint = check_folder(results, params.resume)
    weights = guards.check_weights(params.weights, params.resume, isinstance(params, TrainingFinetuneParams))
    if params.validation is not None and params.validation.format != "coco":
        raise _no_evaluator("validation")
    pieces = piece_keys(params.pieces, base)
    options = {**base, **defaults, **run_options(params), **training_options(params), **pieces, **settings}
    masks = bool(_with_defaults(options, known)["MODEL.MASK_ON"])
    data = _training_data(params, masks)
    validation = None if params.validation is None else check_evaluation("val", params.validation)
    keys = {
        **options,
        **_small_set_keys(data),
        **({} if validation is None else _evaluation_measures(options, validation)),
        **settings,
        **forced,
        **training_keys(data, validation),
        **_monitoring_keys(params),
        "MODEL.DEVICE": official_device(device),
        "MODEL.WEIGHT": weights,
        "OUTPUT_DIR": str(_absolute(params.output)),
        "TEST.IMS_PER_BATCH": params.processes,
    }
    final = _with_defaults(keys, known)
    steps = guards.check_batches(final, data, params.processes)
    if checkpoint is not None:
        check_unfinished(checkpoint, steps)
    guards.check_pieces(final, data, params)
    together = [*data, *([] if validation is None else [validation])]
    method = params.method if isinstance(params, TrainingFinetuneParams) else "full"
    guards.check_prompts(final, together, _count(params.wordings), params.config, method)
    tokenizer = Tokenizer(params.text_encoder)
    check_training_query(final, data, tokenizer)
    if validation is not None:
        keys.update(evaluation_query_keys(final, validation, tokenizer))
    config = _absolute(params.output) / TRAINING_FILE
    write_few_shots(data)
    write_configuration(config, keys)
    return config, data, validation


def _configuration(params: Run, checkout: Path, known: KnownKeys, by_method: Flat) -> tuple[Flat, Flat]:
    """The model's yaml and the settings, both checked, and what needs nothing else to be checked."""
    base = read_configuration(params.config, checkout, known)
    settings = checked(params.settings, known, "settings")
    guards.check_settings(settings, by_method)
    guards.check_text_encoder(params.text_encoder)
    guards.check_sides(params.short_sides, params.long_side)
    guards.check_seed(params.seed, params.processes)
    return base, settings


def _training_data(params: Training, masks: bool) -> list[CheckedDataset]:
    if not isinstance(params, TrainingFinetuneParams) or params.shots is None:
        return check_training(params.train, masks)
    if any(one.format != "coco" for one in params.train):
        raise invalid_argument("shots", "nothing with captions, which have no categories to count", str(params.shots))
    folder = _absolute(params.output) / "few_shot"
    return check_few_shot(params.train, masks, params.shots, params.shot_seed, folder)


def _monitoring_keys(params: Training) -> Flat:
    """When validation runs, what it measures, and what follows from it.

    Ending a run by patience without lowering the learning rate by it would leave the processes disagreeing: only the
    first one knows the result. So the two come together or not at all.
    """
    patience = params.patience if isinstance(params, TrainingFinetuneParams) else None
    keys: Flat = {
        "TEST.DURING_TRAINING": params.validation is not None,
        "TEST.EVAL_TASK": "detection",
        "SOLVER.TEST_WITH_INFERENCE": True,
        "SOLVER.USE_EMA_FOR_MONITOR": False,
        "SOLVER.USE_AUTOSTEP": patience is not None,
        "SOLVER.AUTO_TERMINATE_PATIENCE": -1 if patience is None else patience.stop,
        "SOLVER.MULTI_MAX_EPOCH": [],
        "DATASETS.ALTERNATIVE_TRAINING": False,
        "DATASETS.MULTISTAGE_TRAINING": False,
        "GLIPKNOW.KNOWLEDGE_FILE": "",
        "GLIPKNOW.PARALLEL_LANGUAGE_INPUT": False,
    }
    if patience is not None:
        keys["SOLVER.STEP_PATIENCE"] = patience.learning_rate
    return keys


def _small_set_keys(data: list[CheckedDataset]) -> Flat:
    small = sum(one.usable * one.copies for one in data) < guards.SMALLEST_GROUPED
    return {"DATALOADER.ASPECT_RATIO_GROUPING": False} if small else {}


def _evaluation_measures(keys: Mapping[str, Any], data: CheckedDataset) -> Flat:
    """The text mask head's post-processor needs to be told the number of classes."""
    text_masks = str(keys.get("MODEL.ROI_MASK_HEAD.PREDICTOR", "")).startswith("VL")
    return {"TEST.MDETR_STYLE_AGGREGATE_CLASS_NUM": len(data.categories)} if text_masks else {}


def _environment(params: Run) -> dict[str, str]:
    return {} if params.seed is None else {SEED_VARIABLE: str(params.seed)}


def _categories(data: list[CheckedDataset], validation: CheckedDataset | None) -> list[str]:
    return all_categories([*data, *([] if validation is None else [validation])])


def _no_evaluator(option: str) -> Exception:
    reason = "the official code measures captions on Flickr30K's own folders alone; give data of the format coco"
    return unsupported(f"{option} of the format mdetr", reason)


def _with_defaults(keys: Flat, known: KnownKeys) -> Mapping[str, Any]:
    return ChainMap(keys, dict(known.defaults))


def _count(wordings: list[Any] | None) -> int | None:
    return None if wordings is None else len(wordings)


def _absolute(path: str) -> Path:
    return Path(path).expanduser().absolute()
