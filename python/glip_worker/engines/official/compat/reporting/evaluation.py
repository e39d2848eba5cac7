"""Evaluation: how many pictures are done, and what COCO's evaluation says."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from glip_worker.engines.official.compat.patching import Changes, Settings
from glip_worker.engines.official.compat.reporting.reporter import Reporter, finite

#: Least time between two reports of progress.
PROGRESS_SECONDS = 0.5


def inference(reporter: Reporter, changes: Changes, settings: Settings) -> None:
    if reporter.rank != 0:
        return
    module = importlib.import_module("maskrcnn_benchmark.engine.inference")
    coco = importlib.import_module("maskrcnn_benchmark.data.datasets.evaluation.coco.coco_eval")
    original: Any = module.inference
    on_coco: Any = coco.evaluate_predictions_on_coco
    signature = inspect.signature(original)
    per_category: dict[str, float | None] = {}

    @functools.wraps(on_coco)
    def evaluate_predictions_on_coco(*args: Any, **options: Any) -> Any:
        evaluated = on_coco(*args, **options)
        if evaluated.params.iouType == "bbox":
            per_category.update(precision_by_category(evaluated))
        return evaluated

    @functools.wraps(original)
    def inference(*args: Any, **options: Any) -> Any:
        given = signature.bind(*args, **options)
        given.apply_defaults()
        given.arguments["data_loader"] = Pictures(given.arguments["data_loader"], reporter)
        per_category.clear()
        result = original(*given.args, **given.kwargs)
        folder = given.arguments["output_folder"]
        if isinstance(result, tuple) and hasattr(result[0], "results"):
            metrics = named_metrics(result[0].results)
            reporter.write("evaluation", step=reporter.step, metrics=metrics)
            if folder:
                where = os.path.abspath(folder)
                reporter.write("evaluated", metrics=metrics, per_category=dict(per_category), folder=where)
        return result

    changes.everywhere(coco, "evaluate_predictions_on_coco", evaluate_predictions_on_coco)
    changes.everywhere(module, "inference", inference)


class Pictures:
    """The data loader of an evaluation, counting what it hands out; everything else is the loader's own."""

    def __init__(self, loader: Any, reporter: Reporter) -> None:
        self._loader = loader
        self._reporter = reporter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[Any]:
        total = len(self._loader.dataset)
        processes = int(os.environ.get("WORLD_SIZE", "1"))
        start = time.monotonic()
        told, seen = start, 0
        for batch in self._loader:
            yield batch
            # Asked for the next one: this one is done, and about as many of each other process.
            seen += len(batch[2])
            self._reporter.stop_if_asked()
            now, done = time.monotonic(), min(total, seen * processes)
            if now - told >= PROGRESS_SECONDS and done < total:
                told = now
                self._tell(done, total, now - start)
        self._tell(total, total, time.monotonic() - start)

    def _tell(self, done: int, total: int, seconds: float) -> None:
        eta = seconds / max(1, done) * (total - done)
        self._reporter.write("progress", pictures=done, total_pictures=total, eta_seconds=eta)


def named_metrics(results: dict[str, dict[str, float]]) -> dict[str, float | None]:
    """Of boxes under their own names, of anything else with its name in front: `AP50`, `segm.AP50`. 0 to 1."""
    return {
        name if kind == "bbox" else f"{kind}.{name}": measured(value)
        for kind, metrics in results.items()
        for name, value in metrics.items()
    }


def precision_by_category(evaluated: Any) -> dict[str, float | None]:
    """AP over all overlaps and sizes, of each category by its name, from a COCOeval that has accumulated."""
    # Overlap, recall, category, size, detections per picture; -1 where a category has no annotation.
    precision_TRKAM = evaluated.eval["precision"]
    names = {one["id"]: one["name"] for one in evaluated.cocoGt.cats.values()}
    result: dict[str, float | None] = {}
    for index, category in enumerate(evaluated.params.catIds):
        values = precision_TRKAM[:, :, index, 0, -1]
        values = values[values > -1]
        result[names[category]] = float(np.mean(values)) if values.size else None
    return result


def measured(value: float) -> float | None:
    """COCO says -1 where there is nothing to measure."""
    return None if value < 0 else finite(value)
