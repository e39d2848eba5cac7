"""Details of a benchmark that asks for a list of categories. Errors are told at IoU 0.5.

Legend: D all detections that count; T IoU thresholds; P pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glipv2.benchmarks.benchmark import Example, Record
from glipv2.benchmarks.details import Case, Curve, Details, Shown, Verdict
from glipv2.scoring.judging import KINDS, Judged, Objects, judged
from glipv2.scoring.precision import precision_at_recalls

#: Cases of each kind.
CASES = 12

#: Boxes of a case, the missed ones first.
BOXES = 40

#: By their places among the thresholds.
CURVES = {"IoU 0.5": slice(0, 1), "IoU 0.75": slice(5, 6), "IoU 0.5 to 0.95": slice(None)}

Rows = Callable[[Record], Iterable[Mapping[str, Any]]]


def detection_details(
    records: Iterable[Record],
    rows: Rows,
    objects: Mapping[int, Objects],
    examples: Mapping[int, Example],
    names: Mapping[int, str],
) -> Details:
    """`records`: gone through twice. `rows`: COCO's results of one. `objects`: of each picture that is measured."""
    all_D = _All((record["id"], judged(objects[record["id"]], rows(record))) for record in records)
    counts, threshold = all_D.counted(sum(len(one.boxes) for one in objects.values()))
    worst, errors = all_D.worst(objects, threshold), all_D.errors()
    drawn = _Drawn(rows, objects, examples, names)
    cases: dict[tuple[str, int], Case] = {}
    for record in records:
        key = record["id"]
        if key in worst:
            cases["picture", key] = drawn.picture(record, threshold)
        if key in errors:
            cases["error", key] = drawn.error(record)
    missing = {key: drawn.picture({"id": key}, None) for key in worst if ("picture", key) not in cases}
    shown = [cases.get(("picture", key)) or missing[key] for key in worst]
    return Details(tuple(all_D.curves(objects)), counts, threshold, (*shown, *(cases["error", key] for key in errors)))


def together(sets: Sequence[Details]) -> Details:
    """Of several sets: means of their curves, sums of their counts, and of each its worst cases, in turns."""
    curves = [one.curves for one in sets if one.curves]
    means = [
        Curve(of[0].name, tuple(np.mean([one.precision for one in of], 0).round(4).tolist()))
        for of in zip(*curves, strict=True)
    ]
    kinds = dict.fromkeys(kind for one in sets for kind in one.counts)
    counts = {kind: sum(one.counts[kind] for one in sets) for kind in kinds}
    cases: list[Case] = []
    for kind in ("picture", "error"):
        turns = zip_longest(*([case for case in one.cases if case.kind == kind] for one in sets))
        cases += [case for turn in turns for case in turn if case is not None][:CASES]
    return Details(tuple(means), counts, None, tuple(cases))


class _All:
    """What counts of all pictures, in a few bytes each."""

    def __init__(self, pictures: Iterable[tuple[int, Judged]]) -> None:
        parts: list[tuple[NDArray[Any], ...]] = [_columns(key, one) for key, one in pictures]
        columns = zip(*(parts or [_columns(0, judged(Objects(), []))]), strict=True)
        pictures_D, scores_D, *_ = joined = [np.concatenate(one) for one in columns]
        # As COCOeval has them: of several as good, those of the picture of the lower number.
        order = np.lexsort((pictures_D, -scores_D))
        self.pictures_D, self.scores_D, self.categories_D, self.right_DT, self.wrong_DT, self.kinds_D = (
            one[order] for one in joined
        )

    def counted(self, objects: int) -> tuple[dict[str, int], float | None]:
        """What is right and what is wrong from the score on at which F1 is best; that score."""
        right_D, wrong_D = self.right_DT[:, 0], self.wrong_DT[:, 0]
        if not right_D.any():
            return {"right": 0, **dict.fromkeys(KINDS, 0), "missed": objects}, None
        hits = right_D.cumsum()
        f1_D = 2 * hits / (hits + wrong_D.cumsum() + objects)
        # Those of one score are taken together.
        last_D = np.append(self.scores_D[1:] != self.scores_D[:-1], True)
        best = int(np.where(last_D, f1_D, 0).argmax())
        kinds = np.bincount(self.kinds_D[: best + 1][wrong_D[: best + 1]], minlength=len(KINDS)).tolist()
        counts = {"right": int(hits[best]), **dict(zip(KINDS, kinds, strict=True)), "missed": objects - int(hits[best])}
        return counts, float(self.scores_D[best])

    def worst(self, objects: Mapping[int, Objects], threshold: float | None) -> list[int]:
        """Pictures of the lowest F1; of several as low, those with more errors."""
        shown_D = self.scores_D >= (2 if threshold is None else threshold)
        keys = sorted(objects)
        places_D = np.searchsorted(keys, self.pictures_D[shown_D])
        right_P, wrong_P = (
            np.bincount(places_D, one_DT[shown_D, 0], len(keys)) for one_DT in (self.right_DT, self.wrong_DT)
        )
        wanted_P = np.array([len(objects[key].boxes) for key in keys])
        errors_P = wanted_P - right_P + wrong_P
        f1_P = 2 * right_P / np.maximum(wanted_P + right_P + wrong_P, 1)
        return [keys[place] for place in np.lexsort((-errors_P, f1_P)) if errors_P[place]][:CASES]

    def errors(self) -> list[int]:
        """Pictures of the errors with the highest scores."""
        return list(dict.fromkeys(self.pictures_D[self.wrong_DT[:, 0]].tolist()))[:CASES]

    def curves(self, objects: Mapping[int, Objects]) -> Iterator[Curve]:
        wanted = np.array([category for one in objects.values() for category in one.categories], np.int64)
        by_category = []
        for category, count in zip(*np.unique(wanted, return_counts=True), strict=True):
            of = self.categories_D == category
            right_DT, wrong_DT = self.right_DT[of], self.wrong_DT[of]
            thresholds = zip(right_DT.T, wrong_DT.T, strict=True)
            by_category.append([precision_at_recalls(right_D, wrong_D, count) for right_D, wrong_D in thresholds])
        if by_category:
            precision_TR = np.mean(by_category, 0)
            for name, places in CURVES.items():
                yield Curve(name, tuple(round(one, 4) for one in precision_TR[places].mean(0).tolist()))


def _columns(key: int, one: Judged) -> tuple[NDArray[Any], ...]:
    count = len(one.rows)
    right_DT, ignored_DT = one.right_TD.T, one.ignored_TD.T
    return (
        np.full(count, key, np.int64),
        np.array([row["score"] for row in one.rows], np.float64),
        np.array([row["category_id"] for row in one.rows], np.int64),
        right_DT,
        ~right_DT & ~ignored_DT,
        one.kinds_D,
    )


class _Drawn:
    """Cases of pictures."""

    def __init__(
        self, rows: Rows, objects: Mapping[int, Objects], examples: Mapping[int, Example], names: Mapping[int, str]
    ) -> None:
        self._rows = rows
        self._objects = objects
        self._examples = examples
        self._names = names

    def picture(self, record: Record, threshold: float | None) -> Case:
        """What it has of at least that score, and what is missed."""
        key = record["id"]
        objects = self._objects[key]
        one = judged(objects, [] if threshold is None else self._above(record, threshold))
        right_D, ignored_D = one.right_TD[0], one.ignored_TD[0]
        missed = [self._object(objects, int(place), "missed") for place in np.flatnonzero(~one.found_G)]
        verdicts: list[Verdict] = ["right" if right else "wrong" for right in right_D]
        found = [
            self._found(row, verdict)
            for row, verdict, ignored in zip(one.rows, verdicts, ignored_D, strict=True)
            if not ignored
        ]
        wrong = len(found) - int(right_D.sum())
        text = f"{int(right_D.sum())} of {len(objects.boxes)} found, {wrong} wrong"
        return self._case("picture", key, text, [*missed, *found][:BOXES])

    def error(self, record: Record) -> Case:
        """The error of the highest score."""
        objects = self._objects[record["id"]]
        one = judged(objects, self._rows(record))
        place = int(np.flatnonzero(~one.right_TD[0] & ~one.ignored_TD[0])[0])
        kind, nearest = KINDS[one.kinds_D[place]], int(one.nearest_D[place])
        shown = [self._found(one.rows[place], "wrong")]
        if nearest >= 0:
            shown.insert(0, self._object(objects, nearest, "true"))
        return self._case("error", record["id"], kind, shown)

    def _above(self, record: Record, threshold: float) -> list[Mapping[str, Any]]:
        return [row for row in self._rows(record) if row["score"] >= threshold]

    def _found(self, row: Mapping[str, Any], verdict: Verdict) -> Shown:
        return Shown(self._names[row["category_id"]], _corners(row["bbox"]), verdict, float(row["score"]))

    def _object(self, objects: Objects, place: int, verdict: Verdict) -> Shown:
        return Shown(self._names[objects.categories[place]], _corners(objects.boxes[place]), verdict)

    def _case(self, kind: Any, key: int, text: str, boxes: list[Shown]) -> Case:
        example = self._examples[key]
        size = None if example.size is None else (example.size[1], example.size[0])
        return Case(kind, key, str(example.file), size, text, tuple(boxes))


def _corners(box: Any) -> tuple[float, ...]:
    x, y, width, height = box
    return tuple(round(float(one), 1) for one in (x, y, x + width, y + height))
