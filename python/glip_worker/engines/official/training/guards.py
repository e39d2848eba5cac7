"""Runs that the official code would start, and then hang, crash or quietly do something else, are refused here.

Every check looks at the final configuration, so that a setting is held to the same as an option.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from glip_worker.engines.official.compat.errors import vocabulary_missing
from glip_worker.engines.official.training.configuration import Flat
from glip_worker.engines.official.training.datasets import CheckedDataset
from glip_worker.engines.official.training.options import FUSE, PROMPT_LAYER_METHODS, Training
from glip_worker.engines.official.training.refusals import config_invalid, not_read, weights_missing
from glip_worker.errors import invalid_argument
from glip_worker.protocol.messages import Knowledge, TrainingFinetuneParams

#: Seeds are added to the rank, and numpy takes 32 bits.
MAX_SEED = 2**32 - 1

#: With fewer pictures, groups by orientation can be smaller than a batch, and the sampler waits forever for a full one.
SMALLEST_GROUPED = 1000

#: Keys that settings may not touch, and what decides them.
PROTECTED = {
    "OUTPUT_DIR": "output",
    "PATHS_CATALOG": "train",
    "MODEL.DEVICE": "the worker's device",
    "MODEL.WEIGHT": "weights",
    "DATASETS.REGISTER": "train and validation",
    "DATASETS.TRAIN": "train",
    "DATASETS.TEST": "validation",
    "DATASETS.TRAIN_DATASETNAME_SUFFIX": "train",
    "DATASETS.TEST_DATASETNAME_SUFFIX": "validation",
    "DATASETS.GENERAL_COPY": "copies",
    "DATASETS.GENERAL_COPY_TEST": "copies",
    "DATASETS.FEW_SHOT": "shots",
    "DATASETS.SHUFFLE_SEED": "shot_seed",
    "DATASETS.CAPTION_PROMPT": "wordings",
    "DATASETS.USE_CAPTION_PROMPT": "wordings",
    "DATASETS.OVERRIDE_CATEGORY": "wordings",
    "DATASETS.USE_OVERRIDE_CATEGORY": "wordings",
    "DATASETS.CLASS_AGNOSTIC": "nothing: the measure would be another one",
    "DATASETS.CLASS_CONCAT": "nothing: categories are told apart by their names",
    "DATASETS.ALTERNATIVE_TRAINING": "nothing: that trainer hands over no captions",
    "DATASETS.MULTISTAGE_TRAINING": "nothing: that trainer hands over no captions",
    "DATALOADER.DISTRIBUTE_CHUNK_AMONG_NODE": "processes",
    "SOLVER.SEED": "seed",
    "SOLVER.MULTI_MAX_EPOCH": "epochs",
    "SOLVER.TUNING_HIGHLEVEL_OVERRIDE": "method",
    "SOLVER.USE_AUTOSTEP": "patience",
    "SOLVER.STEP_PATIENCE": "patience",
    "SOLVER.AUTO_TERMINATE_PATIENCE": "patience",
    "SOLVER.TEST_WITH_INFERENCE": "nothing: without it the trainer reads validation batches wrongly",
    "SOLVER.USE_EMA_FOR_MONITOR": "nothing: with it the trainer fails at its first validation",
    "TEST.DURING_TRAINING": "validation",
    "TEST.EVAL_TASK": "nothing: it is detection",
    "TEST.IMS_PER_BATCH": "batch_size",
    "GLIPKNOW.KNOWLEDGE_FILE": "knowledge",
    "GLIPKNOW.PARALLEL_LANGUAGE_INPUT": "knowledge",
}


def check_settings(settings: Mapping[str, Any], by_method: Collection[str] = ()) -> None:
    """GlipError `invalid_argument` for the first protected key; `by_method` has those that a method decides."""
    for name in settings:
        if name in PROTECTED or name in by_method:
            decided = PROTECTED.get(name, "method")
            raise invalid_argument(f"settings.{name}", f"no such key, since it is decided by {decided}", "one")


def check_text_encoder(folder: str | None) -> None:
    if folder is not None and not any((Path(folder) / file).is_file() for file in ("vocab.txt", "tokenizer.json")):
        raise vocabulary_missing(Path(folder))


def check_sides(short_sides: Sequence[int] | None, long_side: int | None) -> None:
    if short_sides is not None and long_side is not None and max(short_sides) > long_side:
        raise invalid_argument("short_sides", f"at most long_side, {long_side}", str(max(short_sides)))


def check_seed(seed: int | None, processes: int) -> None:
    if seed is not None and seed + processes - 1 > MAX_SEED:
        raise invalid_argument("seed", f"at most {MAX_SEED - processes + 1}, so that each process has one", str(seed))


def check_weights(weights: str | None, resume: bool, required: bool) -> str:
    """The absolute path, empty for random weights."""
    if weights is None:
        if required and not resume:
            expected = "a checkpoint: fine-tuning adapts a model, pretrain begins with random weights"
            raise invalid_argument("weights", expected, "nothing")
        return ""
    path = Path(weights).expanduser().absolute()
    if not path.is_file():
        raise weights_missing(path)
    if "last_checkpoint" in str(path):
        # tools/finetune.py takes it for a placeholder and rewrites the path.
        raise invalid_argument("weights", "a path without last_checkpoint in it", str(path))
    return str(path)


def check_batches(keys: Mapping[str, Any], datasets: Sequence[CheckedDataset], processes: int) -> int:
    """The steps of the whole run."""
    batch, epochs = keys["SOLVER.IMS_PER_BATCH"], keys["SOLVER.MAX_EPOCH"]
    if batch < 1 or batch % processes:
        raise invalid_argument("batch_size", f"a multiple of processes, {processes}", str(batch))
    pictures = sum(one.usable * one.copies for one in datasets)
    if pictures < batch:
        of = " + ".join(f"{one.usable} x {one.copies}" for one in datasets)
        expected = f"at most {pictures}, the pictures with a box, times copies ({of})"
        raise invalid_argument("batch_size", f"{expected}; or more copies", str(batch))
    per_epoch = keys["SOLVER.CHECKPOINT_PER_EPOCH"]
    if epochs >= 1 and per_epoch != -1 and (epochs * pictures // batch) * per_epoch // epochs < 1:
        expected = f"parts of an epoch that hold a step, of which there are {pictures // batch}"
        raise invalid_argument("settings.SOLVER.CHECKPOINT_PER_EPOCH", expected, str(per_epoch))
    if keys["DATALOADER.ASPECT_RATIO_GROUPING"] and pictures < SMALLEST_GROUPED:
        expected = f"false with fewer than {SMALLEST_GROUPED} pictures"
        raise invalid_argument("settings.DATALOADER.ASPECT_RATIO_GROUPING", expected, f"true with {pictures}")
    return int(epochs * pictures // batch if epochs > 0 else keys["SOLVER.MAX_ITER"])


def check_pieces(keys: Mapping[str, Any], datasets: Sequence[CheckedDataset], params: Training) -> None:
    batch = keys["SOLVER.IMS_PER_BATCH"]
    if keys[f"{FUSE}MLM_LOSS"]:
        if params.mixed_precision is False or not keys["SOLVER.USE_AMP"]:
            expected = "true with masked language modelling: the trainer says only then which words may be masked"
            raise invalid_argument("mixed_precision", expected, "false")
        if keys[f"{FUSE}MLM_LOSS_FOR_ONLY_POSITIVES"] and all(one.form == "coco" for one in datasets):
            expected = (
                "captions among the training data (format mdetr), or the setting "
                f"{FUSE}MLM_LOSS_FOR_ONLY_POSITIVES: false; in prompts of categories alone no word may be masked"
            )
            raise invalid_argument("pieces.masked_language", expected, "detection data alone")
    contrast = ("USE_SHALLOW_CONTRASTIVE_LOSS", "USE_BACKBONE_SHALLOW_CONTRASTIVE_LOSS")
    if any(keys[FUSE + name] for name in contrast) and batch < 2:
        raise invalid_argument("batch_size", "at least 2 for a contrast between pictures", str(batch))
    if keys["MODEL.MASK_ON"] and batch != params.processes:
        expected = f"{params.processes}, one picture for each process, with a mask head"
        raise invalid_argument("batch_size", expected, str(batch))


def check_schedule(params: Training) -> None:
    if not isinstance(params, TrainingFinetuneParams) or params.patience is None:
        return
    if params.validation is None:
        raise invalid_argument("patience", "nothing without validation, which says what improves", "one")
    if params.milestones is not None:
        raise invalid_argument("milestones", "nothing beside patience, which lowers the learning rate", "some")


def check_prompts(
    keys: Mapping[str, Any],
    datasets: Sequence[CheckedDataset],
    wordings: int | None,
    config: str,
    method: str = "full",
) -> None:
    """Wordings, and the prompt layer, go by a category's place: all data must have the same ones in the same order."""
    detection = [one for one in datasets if one.form == "coco"]
    prompt = keys["DATASETS.CAPTION_PROMPT"] if keys["DATASETS.USE_CAPTION_PROMPT"] else None
    if prompt is not None and not isinstance(prompt, list | tuple):
        # The official code would load it as a yaml that can run code.
        reason = "expected the wordings themselves, not a file; use the option wordings"
        raise config_invalid(config, ["DATASETS.CAPTION_PROMPT"], reason)
    if prompt is not None and not keys["DATASETS.DISABLE_SHUFFLE"]:
        expected = "true with wordings, which go by the place of a category"
        raise invalid_argument("settings.DATASETS.DISABLE_SHUFFLE", expected, "false")
    if (prompt is not None or method in PROMPT_LAYER_METHODS) and len({one.categories for one in detection}) > 1:
        path, why = ("method", method) if prompt is None else ("wordings", "wordings")
        raise invalid_argument(path, "the same categories, in the same order, in all data", f"{why} for different ones")
    for one in detection:
        if prompt is not None and len(prompt) != len(one.categories):
            path = "config: DATASETS.CAPTION_PROMPT" if wordings is None else "wordings"
            raise invalid_argument(path, f"one for each of the {len(one.categories)} categories", str(len(prompt)))


def check_knowledge(knowledge: Knowledge | None, categories: Sequence[str], batch_size: int) -> None:
    """The official code loads the file with a loader that can run code, and quietly leaves out what is not in it."""
    if knowledge is None:
        return
    if batch_size != 1:
        raise invalid_argument("batch_size", "1 with knowledge", str(batch_size))
    path = Path(knowledge.file).expanduser()
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except OSError as error:
        raise not_read(path, error) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise config_invalid(str(path), [], f"it is no plain yaml: {' '.join(str(error).split())}") from error
    wanted = {"clean_name", *(("def_wiki", "gpt3") if knowledge.wiki_and_gpt3 else (knowledge.kind,))}
    known: Flat = content if isinstance(content, dict) else {}
    missing = [name for name in categories if not isinstance(known.get(name), dict) or not wanted <= known[name].keys()]
    if missing:
        reason = f"expected each category with {', '.join(sorted(wanted))}; missing for {', '.join(missing[:20])}"
        raise config_invalid(str(path), missing, reason)
