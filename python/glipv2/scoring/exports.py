"""Results in the forms that others read: COCO's and LVIS's, VQA's, COCO captions', and ODinW's submission to EvalAI.

Rows with what a form does not know are taken, and written without it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from glipv2.errors import InputError

#: What a row has beside its picture, category and score.
Part = Literal["bbox", "segmentation", "both"]


def coco_results(rows: Iterable[Mapping[str, Any]], part: Part = "bbox") -> Iterator[dict[str, Any]]:
    """COCO's detection results, and LVIS's: a `bbox` [x, y, width, height], or a `segmentation` of run lengths.

    InputError: a row lacks something, or its numbers are none.
    """
    parts = ("bbox", "segmentation") if part == "both" else (part,)
    for place, row in enumerate(rows):
        for field in ("image_id", "category_id", "score", *parts):
            if field not in row:
                raise InputError(f"rows[{place}].{field}", "one in every result", "none")
        result: dict[str, Any] = {"image_id": int(row["image_id"]), "category_id": int(row["category_id"])}
        if "bbox" in parts:
            result["bbox"] = [_number(one, f"rows[{place}].bbox") for one in row["bbox"]]
            if len(result["bbox"]) != 4:
                raise InputError(f"rows[{place}].bbox", "[x, y, width, height]", str(row["bbox"]))
        if "segmentation" in parts:
            result["segmentation"] = _run_lengths(row["segmentation"])
        yield {**result, "score": _number(row["score"], f"rows[{place}].score")}


def vqa_results(answers: Mapping[int, str]) -> list[dict[str, Any]]:
    """VQA's result file, of the server too. `answers`: by question."""
    return [{"question_id": question, "answer": answer} for question, answer in answers.items()]


def caption_results(captions: Mapping[int, str]) -> list[dict[str, Any]]:
    """COCO captions' result file. `captions`: by picture."""
    return [{"image_id": picture, "caption": caption} for picture, caption in captions.items()]


def odinw_submission(results: Mapping[str, Iterable[Mapping[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """To the tracks without shots and with all (EvalAI's challenge 1839): COCO's results of each set.

    `results`: by the set's name; the challenge's page says which names it takes.
    """
    return {name: list(coco_results(rows)) for name, rows in results.items()}


def odinw_few_shot_submission(
    results: Mapping[str, Mapping[int, Iterable[Mapping[str, Any]]]], seeds: Sequence[int] = (3, 30, 300)
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """To the track of three shots: by set, then by seed. InputError: a set has other seeds."""
    for name, by_seed in results.items():
        if sorted(by_seed) != sorted(seeds):
            raise InputError(f"results[{name}]", f"results of the seeds {list(seeds)}", str(sorted(by_seed)))
    return {
        name: {str(seed): list(coco_results(rows)) for seed, rows in by_seed.items()}
        for name, by_seed in results.items()
    }


def json_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """One JSON list, a row a line, without holding it."""
    start = "["
    for row in rows:
        yield f"{start}\n{json.dumps(row, allow_nan=False)}"
        start = ","
    yield "[]\n" if start == "[" else "\n]\n"


def _number(value: Any, path: str) -> float:
    number = float(value)
    if number != number or number in (float("inf"), float("-inf")):
        raise InputError(path, "a finite number", str(value))
    return number


def _run_lengths(mask: Mapping[str, Any]) -> dict[str, Any]:
    counts = mask["counts"]
    return {
        "size": [int(one) for one in mask["size"]],
        "counts": counts.decode() if isinstance(counts, bytes) else counts,
    }
