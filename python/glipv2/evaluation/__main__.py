"""python -m glipv2.evaluation WEIGHTS SPLIT...: measures a model on splits of the scenes, task by task.

WEIGHTS: safetensors, an official .pth, or the checkpoint of a training run, of which the averaged weights count.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from glipv2.checkpoints.load import load
from glipv2.data.records import Dataset
from glipv2.data.scenes import read_split
from glipv2.evaluation.answers import evaluate_answers
from glipv2.evaluation.boxes import evaluate_boxes
from glipv2.evaluation.captions import evaluate_captions
from glipv2.evaluation.figures import of_answers, of_captions, of_precision, of_types
from glipv2.evaluation.masks import evaluate_masks
from glipv2.evaluation.phrases import any_object, evaluate_phrases, largest_object
from glipv2.model import GLIP
from glipv2.training.export import averaged


def detect(model: GLIP, split: Dataset) -> dict[str, Any]:
    return of_precision(evaluate_boxes(model, split))


def ground(model: GLIP, split: Dataset) -> dict[str, Any]:
    simple = {"largestObject": largest_object(split), "anyObject": any_object(split)}
    return {"recallAt1": evaluate_phrases(model, split), **simple}


def segment(model: GLIP, split: Dataset) -> dict[str, Any]:
    found = evaluate_masks(model, split)
    return {**of_precision(found.precision), "meanIoU": found.mean_iou, "filledBoxes": found.filled_boxes}


def answer(model: GLIP, split: Dataset) -> dict[str, Any]:
    found = evaluate_answers(model, split)
    return {**of_answers(found), "types": of_types(found)}


def caption(model: GLIP, split: Dataset) -> dict[str, Any]:
    return of_captions(evaluate_captions(model, split))


#: Each as `glip evaluate` has it, figures by the same names.
TASKS: Mapping[str, Callable[[GLIP, Dataset], dict[str, Any]]] = {
    one.__name__: one for one in (detect, ground, segment, answer, caption)
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m glipv2.evaluation", description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("splits", type=Path, nargs="+")
    parser.add_argument("--tasks", help=f"of {', '.join(TASKS)}, with commas between (default: all the model is for)")
    parser.add_argument("--pictures", type=int, help="only the first so many of each split (default: all)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each split")
    options = parser.parse_args()
    wanted = [*TASKS] if options.tasks is None else options.tasks.split(",")
    if unknown := [one for one in wanted if one not in TASKS]:
        parser.error(f"--tasks: expected {', '.join(TASKS)}, got {', '.join(unknown)}")
    if options.pictures is not None and options.pictures < 1:
        parser.error(f"--pictures: expected a number >= 1, got {options.pictures}")
    model: GLIP = averaged(options.weights) if options.weights.suffix == ".pt" else load(options.weights)
    model = model.to(torch.device(options.device)).eval()
    possible = able(model)
    if options.tasks is not None and (lacking := [one for one in wanted if one not in possible]):
        parser.error(f"--tasks: the model has parts for {', '.join(possible)} alone, got {', '.join(lacking)}")
    tasks = [one for one in wanted if one in possible]
    for folder in options.splits:
        words = "answer" in tasks or "caption" in tasks
        split = read_split(folder, masks="segment" in tasks, words=words).first(options.pictures)
        found = {"split": folder.name, "pictures": len(split.pictures), **{t: TASKS[t](model, split) for t in tasks}}
        print(json.dumps(found) if options.json else "\n".join(lines(found)), flush=True)  # noqa: T201 - the output


def able(model: GLIP) -> list[str]:
    """The tasks that the model has the parts for."""
    needed = {"segment": model.masks, "answer": model.understanding, "caption": model.understanding}
    return [task for task in TASKS if needed.get(task, model) is not None]


def lines(found: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """A figure each, by its path: `answer.types.count.accuracy  0.512`."""
    for name, value in found.items():
        if isinstance(value, Mapping):
            yield from lines(value, f"{path}{name}.")
        else:
            yield f"{path + name:40}  {f'{value:.3f}' if isinstance(value, float) else '–' if value is None else value}"


if __name__ == "__main__":
    main()
