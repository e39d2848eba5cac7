"""python -m glipv2.evaluation WEIGHTS SPLIT...: measures a model on splits of the scenes; a line of JSON for each.

WEIGHTS: safetensors, an official .pth, or the checkpoint of a training run, of which the averaged weights count.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from glipv2.checkpoints.load import load
from glipv2.data.records import Dataset
from glipv2.data.scenes import read_split
from glipv2.evaluation.answers import evaluate_answers
from glipv2.evaluation.boxes import evaluate_boxes
from glipv2.evaluation.captions import evaluate_captions
from glipv2.evaluation.masks import evaluate_masks
from glipv2.evaluation.phrases import any_object, evaluate_phrases, largest_object
from glipv2.model import GLIP
from glipv2.training.export import averaged


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m glipv2.evaluation", description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("splits", type=Path, nargs="+")
    parser.add_argument("--pictures", type=int, help="only the first so many of each split")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    model: GLIP = averaged(options.weights) if options.weights.suffix == ".pt" else load(options.weights)
    model = model.to(torch.device(options.device)).eval()
    for folder in options.splits:
        heads = {"masks": model.masks is not None, "words": model.understanding is not None}
        split = read_split(folder, **heads).first(options.pictures)
        line = {
            "split": folder.name,
            "pictures": len(split.pictures),
            **asdict(evaluate_boxes(model, split)),
            "recall_at_1": evaluate_phrases(model, split),
            "largest_object": largest_object(split),
            "any_object": any_object(split),
            "masks": None if model.masks is None else asdict(evaluate_masks(model, split)),
            **({} if model.understanding is None else words(model, split)),
        }
        print(json.dumps(line), flush=True)  # noqa: T201 - the command's output


def words(model: GLIP, split: Dataset) -> dict[str, Any]:
    return {"answers": asdict(evaluate_answers(model, split)), "captions": asdict(evaluate_captions(model, split))}


if __name__ == "__main__":
    main()
