"""LVIS's average precision: the figures of the `lvis` package, and by hand."""

from __future__ import annotations

from typing import Any

import pytest
from lvis_miniature import lvis_miniature

from glipv2.errors import InputError
from glipv2.scoring.lvis import Compared, LvisPrecision, LvisScorer, Rule
from glipv2.scoring.lvis_truth import LvisTruth

#: Of `lvis_miniature`, by lvis 0.5.3 (with `numpy.float` put back): AP, AP50, AP75, APs, APm, APl, APr, APc, APf, AR.
#: `fixed` is its evaluation of the best so many detections of each category, without a limit of pictures.
REFERENCE: dict[tuple[Compared, Rule, int | None], tuple[float, ...]] = {
    ("bbox", "plain", None): (
        0.20550356,
        0.33341495,
        0.23571023,
        0.11995227,
        0.34742103,
        0.8,
        0.09404205,
        0.27552182,
        0.23313239,
        0.37625232,
    ),
    ("bbox", "plain", 10): (
        0.15029266,
        0.24222412,
        0.17238662,
        0.09608406,
        0.27088738,
        0.0,
        0.04229844,
        0.237522,
        0.16413591,
        0.24903387,
    ),
    ("bbox", "fixed", None): (
        0.20550356,
        0.33341495,
        0.23571023,
        0.11995227,
        0.34742103,
        0.8,
        0.09404205,
        0.27552182,
        0.23313239,
        0.37625232,
    ),
    ("bbox", "fixed", 15): (
        0.1518179,
        0.24035108,
        0.17779013,
        0.08371994,
        0.28550381,
        0.0,
        0.03893211,
        0.20404544,
        0.19225673,
        0.24294335,
    ),
    ("segm", "plain", None): (
        0.21407939,
        0.36856138,
        0.22979765,
        0.1244634,
        0.37154577,
        0.9,
        0.10667352,
        0.26224306,
        0.25357419,
        0.39074406,
    ),
    ("segm", "plain", 10): (
        0.15352715,
        0.27197317,
        0.16881974,
        0.097745,
        0.28534216,
        0.0,
        0.04544554,
        0.22038084,
        0.18101243,
        0.25139785,
    ),
    ("segm", "fixed", None): (
        0.21407939,
        0.36856138,
        0.22979765,
        0.1244634,
        0.37154577,
        0.9,
        0.10667352,
        0.26224306,
        0.25357419,
        0.39074406,
    ),
    ("segm", "fixed", 15): (
        0.15563477,
        0.27208604,
        0.17803658,
        0.08675625,
        0.30095002,
        0.0,
        0.04488449,
        0.18628634,
        0.2090339,
        0.248827,
    ),
}


def scored(compared: Compared, rule: Rule, most: int | None = None, perfect: bool = False) -> LvisPrecision:
    dataset, found = lvis_miniature()
    scorer = LvisScorer(LvisTruth(dataset), compared, rule, most)
    # In any order.
    for picture in reversed(found):
        rows = found[picture]
        if perfect:
            rows = [
                {"category_id": one["category_id"], "score": 0.5, "bbox": one["bbox"]}
                for one in dataset["annotations"]
                if one["image_id"] == picture
            ]
        scorer.add(picture, [only(row, compared) for row in rows])
    return scorer.result()


def only(row: dict[str, Any], compared: Compared) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != ("segmentation" if compared == "bbox" else "bbox")}


@pytest.mark.parametrize(("compared", "rule", "most"), REFERENCE)
def test_figures_are_those_of_the_package(compared: Compared, rule: Rule, most: int | None) -> None:
    result = scored(compared, rule, most)
    figures = [result.ap, result.ap50, result.ap75, result.ap_small, result.ap_medium, result.ap_large]
    figures += [result.ap_rare, result.ap_common, result.ap_frequent, result.recall]
    assert figures == pytest.approx(REFERENCE[compared, rule, most], abs=1e-6)
    assert sorted(result.by_category) == [1, 2, 4, 5, 6, 7, 8], "the others have no object"
    assert sum(result.by_category.values()) / 7 == pytest.approx(result.ap)


def test_perfect_and_empty() -> None:
    for rule in ("plain", "fixed"):
        perfect = scored("bbox", rule, perfect=True)  # type: ignore[arg-type]
        assert perfect.ap == pytest.approx(1)
        assert perfect.ap_rare == perfect.ap_frequent == perfect.recall == pytest.approx(1)
    dataset, _ = lvis_miniature()
    empty = LvisScorer(LvisTruth(dataset)).result()
    assert (empty.ap, empty.ap_rare, empty.recall, empty.short) == (0, 0, 0, 0)
    nothing = LvisScorer(LvisTruth({**dataset, "annotations": []}), rule="fixed").result()
    assert (nothing.ap, nothing.ap_rare, nothing.by_category, nothing.short) == (None, None, {}, 9)


def federated(**image: Any) -> dict[str, Any]:
    """One picture with one object of category 1, at the left."""
    lists: dict[str, list[int]] = {"neg_category_ids": [], "not_exhaustive_category_ids": []}
    return {
        "images": [{"id": 1, "height": 100, "width": 100, **lists, **image}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 40, 40], "area": 1600}],
        "categories": [{"id": 1, "frequency": "r"}, {"id": 2, "frequency": "f"}],
    }


def precision(dataset: dict[str, Any], *found: tuple[int, float, float]) -> LvisPrecision:
    """`found`: category, score and how far to the right."""
    scorer = LvisScorer(LvisTruth(dataset))
    scorer.add(1, [{"category_id": one, "score": score, "bbox": [x, 0, 40, 40]} for one, score, x in found])
    return scorer.result()


def test_what_is_not_known_counts_nowhere() -> None:
    wrong_and_right = ((1, 0.9, 60.0), (1, 0.5, 0.0))
    assert precision(federated(), *wrong_and_right).ap == pytest.approx(0.5)
    # Where not every object is annotated, the other one may be one.
    assert precision(federated(not_exhaustive_category_ids=[1]), *wrong_and_right).ap == pytest.approx(1)
    # Nothing is known of category 2 here.
    assert precision(federated(), (2, 0.9, 0), (1, 0.5, 0)).by_category == {1: pytest.approx(1)}


def test_overlap_decides_at_each_threshold() -> None:
    # 30 of 50 columns: 0.6, which reaches 0.5, 0.55 and 0.6.
    result = precision(federated(), (1, 0.5, 10))
    assert (result.ap, result.ap50, result.ap75) == (pytest.approx(0.3), pytest.approx(1), 0)
    # Two that fit one object: the second is wrong, and after all recall is had.
    assert precision(federated(), (1, 0.5, 0), (1, 0.4, 0)).ap == pytest.approx(1)


def test_limits() -> None:
    found = [{"category_id": 2, "score": 0.9, "bbox": [0, 0, 9, 9]}, {"category_id": 1, "score": 0.5}]
    found[1]["bbox"] = [0, 0, 40, 40]
    figures = {}
    for rule in ("plain", "fixed"):
        scorer = LvisScorer(LvisTruth(federated()), "bbox", rule, most=1)  # type: ignore[arg-type]
        scorer.add(1, found)
        figures[rule] = scorer.result()
    # Categories fight for a picture's one place, and have one each in the whole set.
    assert (figures["plain"].ap, figures["fixed"].ap) == (0, pytest.approx(1))
    assert (figures["plain"].short, figures["fixed"].short) == (0, 0)


@pytest.mark.parametrize(
    ("picture", "row", "message"),
    [
        (7, {}, "picture: expected a picture of the annotations, got 7"),
        (1, {"score": "high"}, r"rows\[0\]\.score: expected a finite number"),
        (1, {"category_id": 3}, r"rows\[0\]\.category_id: expected a category of the annotations, got 3"),
        (1, {"bbox": None}, r"rows\.bbox: expected \[x, y, width, height\]"),
    ],
)
def test_rows_that_are_none(picture: int, row: dict[str, Any], message: str) -> None:
    scorer = LvisScorer(LvisTruth(federated()))
    with pytest.raises(InputError, match=message):
        scorer.add(picture, [{"category_id": 1, "score": 0.5, "bbox": [0, 0, 1, 1], **row}])


def test_bad_input() -> None:
    dataset = federated()
    scorer = LvisScorer(LvisTruth(dataset))
    scorer.add(1, [])
    with pytest.raises(InputError, match="picture: expected each picture once, got 1 again"):
        scorer.add(1, [])
    masks = LvisScorer(LvisTruth(dataset), "segm")
    with pytest.raises(InputError, match=r"rows\.segmentation: expected compressed run lengths"):
        masks.add(1, [{"category_id": 1, "score": 0.5, "bbox": [0, 0, 1, 1]}])
    with pytest.raises(InputError, match=r"images\[0\]\.neg_category_ids"):
        LvisTruth({**dataset, "images": [{"id": 1, "height": 1, "width": 1}]})
    with pytest.raises(InputError, match=r"categories\[0\]\.frequency: expected r, c or f"):
        LvisTruth({**dataset, "categories": [{"id": 1}]})
    with pytest.raises(InputError, match="pictures: expected pictures of the annotations, got 2"):
        LvisTruth(dataset, [1, 2])
    with pytest.raises(InputError, match="rule: expected plain or fixed"):
        LvisScorer(LvisTruth(dataset), rule="best")  # type: ignore[arg-type]
    assert LvisScorer(LvisTruth(dataset, [])).result().ap is None
