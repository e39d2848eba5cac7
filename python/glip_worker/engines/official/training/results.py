"""What a run is answered with: from its records and the files that the official scripts wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from glip_worker.engines.official.training.failure import failure
from glip_worker.engines.official.training.records import Records, since_fresh_start
from glip_worker.protocol.messages import Trained, TrainingEvaluateResult

if TYPE_CHECKING:
    from glip_worker.engines.official.training.runner import Outcome

#: Metrics of an evaluation's result, as COCO's evaluation names them.
METRICS = ("AP", "AP50", "AP75", "APs", "APm", "APl")


def trained(outcome: Outcome) -> Trained:
    """GlipError `training_failed` and its like when the run failed."""
    record = outcome.records.trained
    if outcome.exit_code != 0 or record is None:
        raise failure(outcome)
    recipe = outcome.recipe
    evaluations = outcome.records.evaluations
    return Trained(
        output=str(recipe.output),
        config=str(recipe.config),
        checkpoint=last_checkpoint(recipe.results),
        best=best_checkpoint(since_fresh_start(outcome.events)),
        steps=record["steps"],
        total_steps=record["total_steps"],
        ended=record["ended"],
        metrics=evaluations[-1]["metrics"] if evaluations else None,
        seconds=outcome.seconds,
    )


def evaluated(outcome: Outcome) -> TrainingEvaluateResult:
    """As `trained`. Where nothing was found, the metrics are 0 and the predictions an empty list."""
    record = outcome.records.evaluated
    if outcome.exit_code != 0 or record is None:
        raise failure(outcome)
    recipe = outcome.recipe
    predictions = Path(record["folder"], "bbox.json")
    return TrainingEvaluateResult(
        output=str(recipe.output),
        config=str(recipe.config),
        metrics={name: record["metrics"].get(name) for name in METRICS},
        per_category=record["per_category"],
        predictions=str(predictions) if predictions.is_file() else None,
        seconds=outcome.seconds,
    )


def last_checkpoint(folder: Path) -> str | None:
    """What the official `last_checkpoint` names: model_final.pth after a run that was completed."""
    try:
        named = (folder / "last_checkpoint").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    path = folder / named
    return str(path) if named and path.is_file() else None


def best_checkpoint(records: Records) -> str | None:
    """The official model_best.pth; else the checkpoint of the step whose validation had the highest AP."""
    there = [one for one in records.checkpoints if Path(one["path"]).is_file()]
    marked: list[dict[str, Any]] = [one for one in there if one["best"]]
    if marked:
        return str(marked[-1]["path"])
    best: tuple[float, str] | None = None
    for one in there:
        scores = [
            validation["metrics"].get("AP") for validation in records.evaluations if validation["step"] == one["step"]
        ]
        # The later of equals: model_final.pth rather than the same weights under the step's name.
        if scores and scores[-1] is not None and (best is None or scores[-1] >= best[0]):
            best = (scores[-1], str(one["path"]))
    return None if best is None else best[1]
