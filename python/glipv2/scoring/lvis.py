"""LVIS (Gupta et al., 2019): average precision of many categories, of which each picture knows some.

A category is measured in the pictures that have it, and in those that are known not to have it
(`neg_category_ids`); what is found elsewhere counts nowhere. Where not all of its objects are annotated
(`not_exhaustive_category_ids`), one found beside them is no error. Frequency groups are by training pictures: rare
(below 10), common (below 100), frequent.

`plain`: the 300 best detections of a picture, as the `lvis` package has it. `fixed` (Dave et al., 2021): the 10,000
best of a category in the whole set, however many a picture has, so that categories do not fight for places.

Pictures are matched as they come: of a detection stay its score and 80 flags. The `lvis` package, which keeps them all,
wants numpy below 1.24; its figures are these, as the tests show.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from glipv2.errors import InputError
from glipv2.scoring.lvis_kept import Kept
from glipv2.scoring.lvis_truth import LvisTruth
from glipv2.scoring.matching import THRESHOLDS_T, matched, outside
from glipv2.scoring.precision import precision_and_recall

Rule = Literal["plain", "fixed"]

#: What is compared: boxes, or masks.
Compared = Literal["bbox", "segm"]

#: Detections of a picture, in `plain`.
OF_A_PICTURE = 300

#: Detections of a category, in `fixed`.
OF_A_CATEGORY = 10_000


@dataclass(frozen=True)
class LvisPrecision:
    """0 to 1; means over categories, and over IoU thresholds from 0.5 to 0.95."""

    ap: float | None
    ap50: float | None
    ap75: float | None
    ap_small: float | None
    """Of objects below 32² pixels."""
    ap_medium: float | None
    ap_large: float | None
    """Of objects above 96² pixels."""
    ap_rare: float | None
    ap_common: float | None
    ap_frequent: float | None
    recall: float | None
    """Of all that is kept, over the same thresholds."""
    by_category: dict[int, float]
    """AP of each category that the pictures have."""
    short: int
    """Categories of which `fixed` could have taken more detections than there were; 0 in `plain`."""


class LvisScorer:
    """Takes one picture after the other; a picture that never comes is one without detections."""

    def __init__(
        self, truth: LvisTruth, compared: Compared = "bbox", rule: Rule = "plain", most: int | None = None
    ) -> None:
        """`most`: detections that are taken, of a picture in `plain`, of a category in `fixed`; the benchmark's when
        not given."""
        if rule not in ("plain", "fixed"):
            raise InputError("rule", "plain or fixed", repr(rule))
        if compared not in ("bbox", "segm"):
            raise InputError("compared", "bbox or segm", repr(compared))
        self._truth = truth
        self._compared: Compared = compared
        self._fixed = rule == "fixed"
        self._seen: set[int] = set()
        self._most = most or (OF_A_CATEGORY if self._fixed else OF_A_PICTURE)
        self._kept: dict[int, Kept] = defaultdict(lambda: Kept(self._most if self._fixed else None))

    def add(self, picture: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """`rows`: COCO's results of the picture: category_id, score, and `bbox` [x, y, width, height], or
        `segmentation` of compressed run lengths. A mask's area is its own.

        InputError: no such picture or category, the picture came before, a row lacks something.
        """
        if picture not in self._truth.pictures:
            raise InputError("picture", "a picture of the annotations", str(picture))
        if picture in self._seen:
            raise InputError("picture", "each picture once", f"{picture} again")
        self._seen.add(picture)
        scores = np.array([_score(row, place) for place, row in enumerate(rows)], np.float64)
        order = np.argsort(-scores, kind="stable")
        by_category: dict[int, list[int]] = defaultdict(list)
        for place in order if self._fixed else order[: self._most]:
            by_category[_category(rows[place], int(place), self._truth)].append(int(place))
        known = self._truth.pictures[picture]
        for category, places in by_category.items():
            if category in known.measured:
                self._match(picture, category, [rows[place] for place in places], scores[places])
            elif self._fixed:
                # It takes a place of the category's, and counts nowhere.
                self._kept[category].add_uncounted(picture, scores[places])

    def result(self) -> LvisPrecision:
        truth, measured = self._truth, {}
        short = 0
        for category in truth.categories:
            kept = self._kept.get(category)
            short += self._fixed and (kept is None or len(kept) < self._most)
            if truth.objects(category)[0]:
                measured[category] = _curves(kept, truth.objects(category))
        return _summary(measured, truth.frequencies, short)

    def _match(
        self, picture: int, category: int, rows: Sequence[Mapping[str, Any]], scores_D: NDArray[np.float64]
    ) -> None:
        from pycocotools import mask as coco

        wanted = self._truth.pictures[picture].objects.get(category, ())
        if self._compared == "bbox":
            found: Any = np.array([_box(row) for row in rows], np.float64)
            areas_D = found[:, 2] * found[:, 3]
            theirs: Any = np.array([one.box for one in wanted], np.float64)
        else:
            found = [_mask(row) for row in rows]
            areas_D = coco.area(found).astype(np.float64)
            theirs = [self._truth.mask(picture, one) for one in wanted]
        ious_DG = np.zeros((len(rows), 0))
        if wanted:
            ious_DG = np.asarray(coco.iou(found, theirs, [0] * len(wanted)), np.float64)
        ignored_AG = outside(np.array([one.area for one in wanted])) | np.array(
            [one.ignored for one in wanted], np.bool_
        )
        took, ignored = matched(ious_DG, ignored_AG)
        # Unmatched, it is an error only where it has the size that is asked for, and all objects are annotated.
        unsure_AD = outside(areas_D)
        if category in self._truth.pictures[picture].not_exhaustive:
            unsure_AD = np.ones_like(unsure_AD)
        self._kept[category].add(picture, scores_D, took, ignored | (~took & unsure_AD[:, None]))


def _curves(kept: Kept | None, objects_A: Sequence[int]) -> NDArray[np.float64]:
    """[2, A, T]: average precision and recall; NaN where no object counts."""
    curves = np.full((2, len(objects_A), len(THRESHOLDS_T)), np.nan)
    if kept is not None:
        took, ignored = kept.flags()
    for area, objects in enumerate(objects_A):
        for threshold in range(len(THRESHOLDS_T)):
            if objects and kept is not None:
                right, counts = took[area, threshold], ~ignored[area, threshold]
                curves[:, area, threshold] = precision_and_recall(right & counts, ~right & counts, objects)
            elif objects:
                curves[:, area, threshold] = 0
    return curves


def _summary(measured: Mapping[int, NDArray[np.float64]], frequencies: Mapping[int, str], short: int) -> LvisPrecision:
    def mean(take: Callable[[NDArray[np.float64]], Any], frequency: str | None = None) -> float | None:
        taken = [take(one) for category, one in measured.items() if frequency in (None, frequencies[category])]
        values = np.asarray(taken, np.float64).ravel()
        values = values[~np.isnan(values)]
        return float(values.mean()) if len(values) else None

    return LvisPrecision(
        ap=mean(lambda one: one[0, 0]),
        ap50=mean(lambda one: one[0, 0, 0]),
        ap75=mean(lambda one: one[0, 0, 5]),
        ap_small=mean(lambda one: one[0, 1]),
        ap_medium=mean(lambda one: one[0, 2]),
        ap_large=mean(lambda one: one[0, 3]),
        ap_rare=mean(lambda one: one[0, 0], "r"),
        ap_common=mean(lambda one: one[0, 0], "c"),
        ap_frequent=mean(lambda one: one[0, 0], "f"),
        recall=mean(lambda one: one[1, 0]),
        by_category={category: float(one[0, 0].mean()) for category, one in measured.items()},
        short=short,
    )


def _score(row: Mapping[str, Any], place: int) -> float:
    score = row.get("score")
    if not isinstance(score, (int, float)) or not np.isfinite(score):
        raise InputError(f"rows[{place}].score", "a finite number", repr(score))
    return float(score)


def _category(row: Mapping[str, Any], place: int, truth: LvisTruth) -> int:
    category = row.get("category_id")
    if not isinstance(category, int) or category not in truth.frequencies:
        raise InputError(f"rows[{place}].category_id", "a category of the annotations", repr(category))
    return category


def _box(row: Mapping[str, Any]) -> Any:
    box = row.get("bbox")
    if box is None or len(box) != 4:
        raise InputError("rows.bbox", "[x, y, width, height]", repr(box))
    return box


def _mask(row: Mapping[str, Any]) -> Any:
    mask = row.get("segmentation")
    if not isinstance(mask, Mapping) or not isinstance(mask.get("counts"), (str, bytes)):
        raise InputError("rows.segmentation", "compressed run lengths {size, counts}", repr(mask)[:80])
    return dict(mask)
