"""A model of the official shape, small enough for a test, and five pictures in COCO's format."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

PYTHON = Path(__file__).resolve().parents[2]
CATEGORIES = ("person", "cup", "cat", "rocket", "horse")
SPECIAL = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]"}

TEXT_WIDTH, CHANNELS = 48, 64

#: Shape of the model, as configuration keys.
MODEL: list[Any] = [
    *("MODEL.WEIGHT", ""),
    *("MODEL.SWINT.EMBED_DIM", 32, "MODEL.SWINT.DEPTHS", (1, 1, 2, 1), "MODEL.SWINT.NUM_HEADS", (2, 2, 4, 4)),
    *("MODEL.SWINT.OUT_CHANNELS", (32, 64, 128, 256), "MODEL.BACKBONE.OUT_CHANNELS", CHANNELS),
    *("MODEL.LANGUAGE_BACKBONE.LANG_DIM", TEXT_WIDTH),
    *("MODEL.DYHEAD.CHANNELS", CHANNELS, "MODEL.DYHEAD.NUM_CONVS", 2, "MODEL.DYHEAD.USE_CHECKPOINT", False),
    *("MODEL.DYHEAD.FUSE_CONFIG.JOINT_EMB_SIZE", CHANNELS, "MODEL.GROUP_NORM.NUM_GROUPS", 16),
    *("MODEL.ATSS.INFERENCE_TH", 0.0),
]

DATA = """\
DATASETS:
  REGISTER:
    tiny_grounding_train: {img_dir: tiny/images, ann_file: tiny/ann.json}
    train: {img_dir: tiny/images, ann_file: tiny/ann.json}
    val: {img_dir: tiny/images, ann_file: tiny/ann.json}
    test: {img_dir: tiny/images, ann_file: tiny/ann.json}
  TRAIN: ("tiny_grounding_train",)
  TEST: ("val",)
  GENERAL_COPY: 1
INPUT: {MIN_SIZE_TRAIN: 128, MAX_SIZE_TRAIN: 192, MIN_SIZE_TEST: 128, MAX_SIZE_TEST: 192}
AUGMENT: {MULT_MIN_SIZE_TRAIN: "(128,)"}
MODEL:
  ATSS: {NUM_CLASSES: 6}
  DYHEAD: {NUM_CLASSES: 6}
  FCOS: {NUM_CLASSES: 6}
  ROI_BOX_HEAD: {NUM_CLASSES: 6}
DATALOADER: {NUM_WORKERS: 0, SIZE_DIVISIBILITY: 32, ASPECT_RATIO_GROUPING: False}
SOLVER: {MAX_EPOCH: 1, IMS_PER_BATCH: 2, WARMUP_ITERS: 0, CHECKPOINT_PERIOD: 100, MODEL_EMA: 0.0}
TEST: {IMS_PER_BATCH: 1, EVAL_TASK: detection}
"""


class Workshop:
    """A folder with everything that a run of an official script on the small model needs."""

    def __init__(self, folder: Path, checkout: Path) -> None:
        self.folder, self.checkout = folder, checkout
        self.bert = folder / "bert"
        _write_bert(self.bert)
        _write_pictures(folder / "tiny")
        self.model_yaml = checkout / "configs" / "pretrain" / "glip_Swin_T_O365_GoldG.yaml"
        self.data_yaml = folder / "data.yaml"
        self.data_yaml.write_text(DATA)
        # train_net.py takes one file: the model's and the data's, merged.
        self.train_yaml = folder / "train.yaml"
        self.train_yaml.write_text(_merged(self.model_yaml.read_text(), DATA))

    def overrides(self, **more: Any) -> list[str]:
        return [str(one) for one in [*MODEL, *(part for pair in more.items() for part in pair)]]

    def command(self, *arguments: str, processes: int = 1, options: tuple[str, ...] = ()) -> list[str]:
        launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
        front = [sys.executable, *(launcher if processes > 1 else [])]
        settings = ["--official", str(self.checkout), "--bert", str(self.bert), "--device", "cpu", *options]
        return [*front, "-m", "glip_worker.official", *settings, *arguments]

    def run(self, *arguments: str, processes: int = 1, options: tuple[str, ...] = ()) -> str:
        """The script's output; AssertionError with its end when it fails."""
        threads = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
        environment = {**os.environ, **threads, "PYTHONPATH": str(PYTHON), "DATASET": str(self.folder)}
        done = subprocess.run(
            self.command(*arguments, processes=processes, options=options),
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout


def _write_bert(folder: Path) -> None:
    folder.mkdir()
    words = [*CATEGORIES, ".", "a", "photo", "of", "and", "##s"]
    lines = [SPECIAL.get(i, f"[unused{i}]") for i in range(104)] + words
    (folder / "vocab.txt").write_text("\n".join(lines) + "\n")
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer", "do_lower_case": true}')
    sizes = {"num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96, "hidden_size": TEXT_WIDTH}
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "vocab_size": len(lines), **sizes}))


def _write_pictures(folder: Path) -> None:
    """Noise with a flat rectangle or two, each a box of its category."""
    draw = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(1, 6):
        pixels = draw.integers(0, 255, (128, 160, 3), dtype=np.uint8)
        for _ in range(2):
            x, y, width, height = (int(v) for v in draw.integers((0, 0, 30, 30), (90, 60, 65, 65)))
            pixels[y : y + height, x : x + width] = 40 * number
            box = [x, y, width, height]
            outline = [x, y, x + width, y, x + width, y + height, x, y + height]
            annotations.append(
                {"id": len(annotations) + 1, "image_id": number, "category_id": number, "bbox": box, "iscrowd": 0,
                 "area": width * height, "segmentation": [outline]}
            )  # fmt: skip
        Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "height": 128, "width": 160})
    categories = [{"id": i, "name": name, "supercategory": "thing"} for i, name in enumerate(CATEGORIES, 1)]
    content = {"images": images, "annotations": annotations, "categories": categories, "info": {}, "licenses": []}
    (folder / "ann.json").write_text(json.dumps(content))


def _merged(*texts: str) -> str:
    import yaml

    result: dict[str, Any] = {}
    for text in texts:
        _merge(result, yaml.safe_load(text))
    return yaml.safe_dump(result)


def _merge(into: dict[str, Any], other: dict[str, Any]) -> None:
    for key, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value
