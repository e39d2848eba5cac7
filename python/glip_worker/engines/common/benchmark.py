"""`evaluate.benchmark`: how good a model is by a benchmark of the field. Every engine brings its predictor."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from glip_worker.call import Call
from glip_worker.engines.common.failures import as_glip_errors
from glip_worker.engines.common.following import alone_in
from glip_worker.errors import GlipError, invalid_argument
from glip_worker.protocol.messages import (
    BenchmarkData,
    BenchmarkProblem,
    BenchmarkProgress,
    BenchmarkRoot,
    BenchmarkScoring,
    BenchmarkStart,
    EvaluateBenchmarkParams,
    EvaluateBenchmarkResult,
    PictureProblem,
)
from glipv2.benchmarks.benchmark import Benchmark, Choices
from glipv2.benchmarks.layout import LayoutError, located
from glipv2.benchmarks.predictor import Ability, Predictor
from glipv2.benchmarks.registry import BENCHMARKS
from glipv2.benchmarks.running import Advanced, Event, Options, Outcome, Scoring, Started, run
from glipv2.errors import DataError

#: What a model is asked to have, in a sentence.
WANTED: dict[Ability, str] = {
    "detect": "finds categories",
    "ground": "finds what phrases speak of",
    "masks": "finds masks",
    "answer": "answers questions",
    "caption": "tells what is in a picture",
}


def evaluate_benchmark(call: Call, predictor: Predictor, params: EvaluateBenchmarkParams) -> EvaluateBenchmarkResult:
    """Stops between two pictures, and can be resumed. GlipError: `benchmark_incomplete`, `invalid_argument`,
    `unsupported` by a model that cannot what is asked, `dataset_invalid` with every problem, `file_error`."""
    start = time.perf_counter()
    benchmark = _benchmark(params)
    choices = Choices(params.masks, None if params.sets is None else tuple(params.sets))
    _require(benchmark, choices, predictor)
    output = Path(params.output)
    options = Options(output, params.resume, params.pictures, params.problems, choices)

    def told(event: Event) -> None:
        call.check()
        call.emit(_event(event))

    try:
        places = _places(benchmark, choices, params.data)
        output.mkdir(parents=True, exist_ok=True)
        with alone_in(output), as_glip_errors():
            outcome = run(benchmark, places, predictor, options, told)
    except LayoutError as error:
        missing = [{"path": str(one.path), "reason": one.reason, "page": one.page} for one in error.missing]
        details = {"benchmark": benchmark.name, "path": str(error.root), "missing": missing}
        raise GlipError("benchmark_incomplete", str(error), details) from error
    except DataError as error:
        raise _invalid(params.data, error) from error
    except OSError as error:
        path, reason = str(error.filename or output), error.strerror or str(error)
        raise GlipError("file_error", f"{path}: {reason}", {"path": path, "reason": reason}) from error
    return _result(benchmark, outcome, output, time.perf_counter() - start)


def _benchmark(params: EvaluateBenchmarkParams) -> Benchmark:
    benchmark = BENCHMARKS.get(params.benchmark)
    if benchmark is None:
        raise invalid_argument("benchmark", f"one of {', '.join(BENCHMARKS)}", repr(params.benchmark))
    if params.masks and not benchmark.masks:
        raise invalid_argument("masks", f"false: the benchmark {benchmark.name} has none", "true")
    if params.prompt is not None and "detect" not in benchmark.abilities:
        raise invalid_argument("prompt", f"none: {benchmark.name} asks for no list of categories", repr(params.prompt))
    _check_sets(benchmark, params.sets)
    return benchmark


def _check_sets(benchmark: Benchmark, sets: Sequence[str] | None) -> None:
    if sets is None:
        return
    if not benchmark.sets:
        raise invalid_argument("sets", f"nothing: the benchmark {benchmark.name} is one set", ", ".join(sets))
    for place, one in enumerate(sets):
        if one not in benchmark.sets:
            raise invalid_argument(f"sets[{place}]", f"one of {', '.join(benchmark.sets)}", repr(one))
        if one in sets[:place]:
            raise invalid_argument(f"sets[{place}]", "each set once", repr(one))


def _require(benchmark: Benchmark, choices: Choices, predictor: Predictor) -> None:
    missing = sorted(benchmark.asked(choices) - predictor.abilities)
    if missing:
        reason = f"the loaded model is none that {' and '.join(WANTED[one] for one in missing)}"
        message = f"{benchmark.name}: {reason}: load one that does"
        raise GlipError("unsupported", message, {"feature": benchmark.name, "reason": reason})
    if importlib.util.find_spec("pycocotools") is None:  # a Python of the user's own may lack it
        reason = "it is scored with pycocotools, which this Python does not have"
        remedy = "`npx glip setup` makes one that has it; in a Python of your own (GLIP_PYTHON), install it with pip"
        details = {"feature": benchmark.name, "reason": reason}
        raise GlipError("unsupported", f"{benchmark.name}: {reason}: {remedy}", details)


def _places(benchmark: Benchmark, choices: Choices, data: BenchmarkData) -> dict[str, Path]:
    if isinstance(data, BenchmarkRoot):
        return located(benchmark, Path(data.folder), choices)
    places = {"annotations": Path(data.annotations), "images": Path(data.images)}
    if places.keys() != {one.role for one in benchmark.needed(choices) if one.role is not None}:
        expected = f"the folder with the benchmark's layout: {benchmark.name} has more than annotations and images"
        raise invalid_argument("data", expected, "annotations and images")
    return places


def _event(event: Event) -> Any:
    if isinstance(event, Started):
        return BenchmarkStart(total=event.total, done=event.done, output=str(event.output))
    if isinstance(event, Advanced):
        return BenchmarkProgress(**asdict(event))
    if isinstance(event, Scoring):
        return BenchmarkScoring(pictures=event.pictures)
    return msgspec.convert(event._asdict(), BenchmarkProblem)


def _invalid(data: BenchmarkData, error: DataError) -> GlipError:
    problems = [
        {"where": one["where"], "reason": one["reason"], "kind": problem["kind"]}
        for problem in error.problems
        for one in problem["examples"]
    ]
    path = data.folder if isinstance(data, BenchmarkRoot) else data.annotations
    count = sum(problem["count"] for problem in error.problems)
    return GlipError("dataset_invalid", str(error), {"path": path, "problems": problems, "count": count})


def _result(benchmark: Benchmark, outcome: Outcome, output: Path, seconds: float) -> EvaluateBenchmarkResult:
    return EvaluateBenchmarkResult(
        benchmark=benchmark.name,
        pictures=outcome.pictures,
        problems=[msgspec.convert(one._asdict(), PictureProblem) for one in outcome.problems],
        metrics=outcome.scores.figures,
        parts={kind: {name: dict(one) for name, one in parts.items()} for kind, parts in outcome.scores.parts.items()},
        notes=dict(outcome.scores.notes),
        predictions=str(outcome.predictions),
        output=str(output),
        seconds=seconds,
    )
