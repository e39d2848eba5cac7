"""Flickr30K's recall, RefCOCO's accuracy and PhraseCut's IoU: by hand, and the figures of the official evaluators."""

from __future__ import annotations

import numpy as np
import pytest
from phrase_miniature import phrase_miniature

from glipv2.errors import InputError
from glipv2.scoring.boxes import boxes_of, generalized_overlaps, overlaps
from glipv2.scoring.flickr30k import PhraseRecall, PhraseRecaller, Protocol, Recall
from glipv2.scoring.phrasecut import PhraseMaskScorer
from glipv2.scoring.refcoco import ReferringScorer, Understood

#: Of `phrase_miniature`, by the official Flickr30kEntitiesRecallEvaluator: at 1, 5, 10, the upper bound; and phrases.
FLICKR: dict[Protocol, dict[str, tuple[float, float, float, float, int]]] = {
    "any": {
        "all": (0.24489796, 0.85714286, 0.97959184, 1.0, 49),
        "clothing": (0.23529412, 0.76470588, 0.94117647, 1.0, 17),
        "other": (0.33333333, 0.75, 0.91666667, 1.0, 12),
        "people": (0.22727273, 0.90909091, 1.0, 1.0, 22),
        "scene": (0.09090909, 0.90909091, 1.0, 1.0, 11),
    },
    "merged": {
        "all": (0.10204082, 0.40816327, 0.55102041, 0.57142857, 49),
        "clothing": (0.11764706, 0.41176471, 0.58823529, 0.64705882, 17),
        "other": (0.08333333, 0.25, 0.41666667, 0.5, 12),
        "people": (0.09090909, 0.36363636, 0.45454545, 0.45454545, 22),
        "scene": (0.0, 0.36363636, 0.54545455, 0.54545455, 11),
    },
}

WANTED = [0, 0, 100, 100]


def test_overlaps_by_hand() -> None:
    found = boxes_of([[0, 0, 10, 10], [5, 0, 15, 10], [20, 0, 30, 10], [3, 3, 3, 3]], "found")
    wanted = boxes_of([[0, 0, 10, 10]], "wanted")
    assert overlaps(found, wanted)[:, 0] == pytest.approx([1, 1 / 3, 0, 0])
    # Of boxes that are apart, less the part of the box around both that is between them.
    assert generalized_overlaps(found, wanted)[:, 0] == pytest.approx([1, 1 / 3, -1 / 3, 0])
    assert overlaps(boxes_of([], "found"), wanted).shape == (0, 1)
    with pytest.raises(InputError, match=r"found: expected boxes \[x1, y1, x2, y2\]"):
        boxes_of([[1, 2, 3]], "found")
    with pytest.raises(InputError, match="finite"):
        boxes_of([[1, 2, 3, float("nan")]], "found")


@pytest.mark.parametrize("protocol", ["any", "merged"])
def test_flickr_is_as_the_official_evaluator_has_it(protocol: Protocol) -> None:
    recaller = PhraseRecaller(protocol)
    for phrase in phrase_miniature():
        recaller.add(phrase.types, phrase.found, phrase.wanted)
    result = recaller.result()
    assert result.all is not None
    rows = {"all": result.all, **result.by_type}
    assert rows.keys() == FLICKR[protocol].keys()
    for name, (at1, at5, at10, upper_bound, phrases) in FLICKR[protocol].items():
        expected = [at1, at5, at10, upper_bound]
        row = rows[name]
        assert [row.at1, row.at5, row.at10, row.upper_bound] == pytest.approx(expected, abs=1e-6)
        assert row.phrases == phrases
    assert result.left_out == 11


def test_flickr_by_hand() -> None:
    assert PhraseRecaller().result() == PhraseRecall(None, {}, 0)
    left, right, both = [0, 0, 10, 10], [90, 0, 100, 10], [0, 0, 100, 10]
    for protocol, found in (("any", right), ("merged", both)):
        perfect, empty, other = (PhraseRecaller(protocol) for _ in range(3))  # type: ignore[arg-type]
        perfect.add(["people"], [found], [left, right])
        assert perfect.result() == PhraseRecall(Recall(1, 1, 1, 1, 1), {"people": Recall(1, 1, 1, 1, 1)}, 0)
        empty.add(["people"], [], [left, right])
        assert empty.result().all == Recall(0, 0, 0, 0, 1)
        other.add(["people"], [both if protocol == "any" else right], [left, right])
        assert other.result().all == Recall(0, 0, 0, 0, 1)
    deep = PhraseRecaller()
    deep.add(["scene", "other"], [[50, 50, 60, 60]] * 7 + [left], [left])
    assert deep.result().all == Recall(0, 0, 1, 1, 1)
    assert deep.result().by_type.keys() == {"scene", "other"}
    with pytest.raises(InputError, match="protocol: expected any or merged"):
        PhraseRecaller("all")  # type: ignore[arg-type]


def test_referring_by_hand() -> None:
    scorer = ReferringScorer()
    # Half of it: an IoU of exactly 0.5.
    scorer.add("refcoco/val", [[0, 0, 50, 100], WANTED], WANTED)
    scorer.add("refcoco/val", [[0, 0, 49, 100], WANTED], WANTED)
    scorer.add("refcoco/testA", [[0, 0, 49, 100]] * 5 + [WANTED], WANTED)
    scorer.add("refcoco/testA", [], WANTED)
    assert scorer.result() == {
        "refcoco/testA": Understood(0, 0, 0.5, 2),
        "refcoco/val": Understood(0.5, 1, 1, 2),
    }
    # An IoU of 9/16, but 7/32 of the box around both is neither's.
    moved = [[0, 0, 150, 75]]
    by_iou, by_giou = ReferringScorer(), ReferringScorer(generalized=True)
    for one in (by_iou, by_giou):
        one.add("val", moved, [0, 0, 100, 100])
    assert by_iou.result()["val"].accuracy == 1
    assert by_giou.result()["val"].accuracy == 0


def test_phrase_masks_by_hand() -> None:
    scorer = PhraseMaskScorer()
    wanted = np.zeros((10, 10), np.bool_)
    wanted[:, :5] = True
    shifted = np.roll(wanted, 1, axis=1)
    scorer.add_masks(wanted, wanted, ["a0", "c_coco"])
    scorer.add_masks(shifted, wanted, ["a0"])
    scorer.add_masks(np.zeros_like(wanted), wanted)
    # Exactly 0.5 is not above it.
    scorer.add(10, 20)
    result = scorer.result()
    assert result.all is not None
    assert result.all.mean_iou == pytest.approx((1 + 40 / 60 + 0 + 0.5) / 4)
    assert result.all.cumulative_iou == pytest.approx((50 + 40 + 10) / (50 + 60 + 50 + 20))
    assert result.all.precision == {0.5: 0.5, 0.6: 0.5, 0.7: 0.25, 0.8: 0.25, 0.9: 0.25}
    assert result.all.phrases == 4
    assert {name: one.phrases for name, one in result.by_subset.items()} == {"a0": 2, "c_coco": 1}
    assert result.by_subset["c_coco"].mean_iou == 1
    assert PhraseMaskScorer().result().all is None
    with pytest.raises(InputError, match="intersection: expected 0 to 3"):
        scorer.add(4, 3)
    with pytest.raises(InputError, match=r"found: expected a mask of \[10, 10\]"):
        scorer.add_masks(np.zeros((9, 10), np.bool_), wanted)
