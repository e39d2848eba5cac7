"""A run of a benchmark: predictions go to a folder as they come, and a run that was killed goes on where it was.

The folder has `run.json` (what is measured, and by which model), `predictions.jsonl` (a record a picture) and, at the
end, `result.json` and, where the benchmark has it, `details.json` (what a report shows beside the figures).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from glipv2.benchmarks.benchmark import Benchmark, Choices, Example, Places, Scores, Task
from glipv2.benchmarks.pictures import read_pixels
from glipv2.benchmarks.predictions import NAME, Predictions
from glipv2.benchmarks.predictor import Predictor
from glipv2.data.problems import Kind, Problem
from glipv2.errors import DataError, InputError

#: Least time between two words of how far it is.
TOLD_SECONDS = 0.5


#: What input is wrong for a single picture, and the kind of that problem: the others are asked about all the same.
OF_ONE: Mapping[str, Kind] = {
    "picture": "unreadable_picture",
    "caption": "unusable_text",
    "phrases": "unusable_text",
    "question": "unusable_text",
}


@dataclass(frozen=True)
class Options:
    output: Path
    """The run's folder; it is made."""

    resume: bool = False
    """Goes on with a run of the same model on the same data; begins one where there is none."""

    pictures: int | None = None
    """The first so many; None: all."""

    problems: Literal["fail", "skip"] = "fail"
    """What pictures that cannot be read, or asked about, do at the end: the run fails, its predictions kept, or goes
    without them."""

    choices: Choices = field(default_factory=Choices)


@dataclass(frozen=True)
class Started:
    total: int
    done: int
    """Pictures whose predictions were there."""
    output: Path


@dataclass(frozen=True)
class Advanced:
    done: int
    """Pictures that were asked about, those before a resumption and those with a problem included."""
    total: int
    seconds: float
    """At work, since this run began or went on."""
    eta_seconds: float


@dataclass(frozen=True)
class Scoring:
    """All pictures were asked about."""

    pictures: int


Event = Started | Advanced | Problem | Scoring


@dataclass(frozen=True)
class Outcome:
    pictures: int
    """That were measured."""
    problems: tuple[Problem, ...]
    """Pictures that were not; none unless the policy is `skip`."""
    scores: Scores
    predictions: Path
    seconds: float


def run(
    benchmark: Benchmark, places: Places, predictor: Predictor, options: Options, told: Callable[[Event], None]
) -> Outcome:
    """What `told` raises ends the run, which can be resumed.

    InputError: `output` has another run; DataError: annotations or earlier predictions that are not right, and, at the
    end, pictures that cannot be read, with all of them in each case; OSError.
    """
    start = time.perf_counter()
    # The annotations first: it is sooner known what is wrong with them.
    task = benchmark.read(places, options.choices)
    _begin(options, _described(benchmark, places, predictor, options))
    examples = task.examples if options.pictures is None else task.first(options.pictures)
    keys = {one.key for one in examples}
    with Predictions(options.output, task) as predictions:
        problems = _ask(task, examples, predictor, predictions, options, told)
        if problems and options.problems == "fail":
            raise _failed(problems, options.output)
        measured = keys & predictions.done
        if not measured:
            raise _failed(problems, options.output)
        told(Scoring(len(measured)))
        scores = task.score(predictions.of(measured), measured)
        details = task.details(predictions.of(measured), measured)
        task.write(predictions.of(measured), options.output)
    outcome = Outcome(len(measured), tuple(problems), scores, options.output / NAME, time.perf_counter() - start)
    if details is not None:
        _write(options.output / "details.json", asdict(details))
    _write(options.output / "result.json", _content(benchmark, outcome))
    return outcome


def _ask(
    task: Task[Any],
    examples: Any,
    predictor: Predictor,
    predictions: Predictions,
    options: Options,
    told: Callable[[Event], None],
) -> list[Problem]:
    """The problems of those pictures that cannot be read."""
    left: list[Example] = [one for one in examples if one.key not in predictions.done]
    total, before = len(examples), len(examples) - len(left)
    told(Started(total, before, options.output))
    problems: list[Problem] = []
    start = last = time.perf_counter()
    for count, example in enumerate(left, 1):
        problem = _one(task, example, predictor, predictions)
        if problem is not None:
            problems.append(problem)
            told(problem)
        now = time.perf_counter()
        if now - last >= TOLD_SECONDS or count == len(left):
            last = now
            eta = (now - start) / count * (len(left) - count)
            told(Advanced(before + count, total, now - start, eta))
    return problems


def _one(task: Task[Any], example: Example, predictor: Predictor, predictions: Predictions) -> Problem | None:
    pixels = read_pixels(example)
    if isinstance(pixels, Problem):
        return pixels
    try:
        record = task.ask(predictor, pixels, example)
    except InputError as error:
        # `phrases[2]` is of `phrases`.
        kind = OF_ONE.get(error.path.split("[")[0])
        if kind is None:
            raise
        reason = f"expected {error.expected}, got {error.received}"
        return Problem(kind, str(example.file), reason)
    predictions.append(example.key, record)
    return None


def _failed(problems: list[Problem], output: Path) -> DataError:
    kinds = dict.fromkeys(one.kind for one in problems)
    rows = [
        {"kind": kind, "count": len(examples), "examples": examples}
        for kind in kinds
        for examples in [[{"where": one.where, "reason": one.reason} for one in problems if one.kind == kind]]
    ]
    remedy = "Mend them and run it again with resume, or leave them out with the policy skip."
    return DataError(rows, f"The predictions of the other pictures are kept in {output}. {remedy}")


def _described(benchmark: Benchmark, places: Places, predictor: Predictor, options: Options) -> dict[str, Any]:
    """What must be the same for a run to go on. The number of pictures and the policy may change."""
    files = {role: str(place) for role, place in places.items()}
    sums = {role: _sha256(place) for role, place in places.items() if place.is_file()}
    chosen = asdict(options.choices)
    return {"benchmark": benchmark.name, "files": files, "sha256": sums, "model": predictor.identity, **chosen}


def _begin(options: Options, described: Mapping[str, Any]) -> None:
    output = options.output
    file = output / "run.json"
    if file.exists() or (output / NAME).exists():
        if not options.resume:
            raise InputError("output", "a folder without a run in it, or resume", str(output))
        _compare(file, described)
        return
    output.mkdir(parents=True, exist_ok=True)
    _write(file, described)


def _compare(file: Path, described: Mapping[str, Any]) -> None:
    try:
        before = msgspec.json.decode(file.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise InputError("output", "a folder with a run that can go on", f"{file}: {error}") from error
    now = msgspec.json.decode(msgspec.json.encode(described))
    other = [name for name, value in now.items() if not isinstance(before, dict) or before.get(name) != value]
    if other:
        expected = "a run of the same benchmark, files, choices and model"
        raise InputError("output", expected, f"{file.parent}, whose run has another {' and another '.join(other)}")


def _content(benchmark: Benchmark, outcome: Outcome) -> dict[str, Any]:
    return {
        "benchmark": benchmark.name,
        "pictures": outcome.pictures,
        "problems": [one._asdict() for one in outcome.problems],
        "metrics": outcome.scores.figures,
        "parts": outcome.scores.parts,
        "notes": outcome.scores.notes,
        "seconds": outcome.seconds,
    }


def _write(file: Path, content: Mapping[str, Any]) -> None:
    """It gets its name when it is whole."""
    part = file.with_name(f"{file.name}.part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")
    part.replace(file)


def _sha256(file: Path) -> str:
    with open(file, "rb") as content:
        digest = hashlib.sha256()
        while block := content.read(2**20):
            digest.update(block)
    return digest.hexdigest()
