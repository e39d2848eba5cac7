"""COCO's, LVIS's and Flickr30K's figures are those of the official evaluators, of the same predictions on the same
miniatures."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parent.parent / "glipv2"))

from known_answers import Changed, Knowing, Row, annotations_of, write_coco_layout, write_lvis_layout
from known_phrases import KnowingPhrases, write_flickr_layout

from glipv2.benchmarks.benchmark import Choices, Figures
from glipv2.benchmarks.detection import coco_rows
from glipv2.benchmarks.layout import located
from glipv2.benchmarks.predictions import NAME, Records
from glipv2.benchmarks.registry import BENCHMARKS
from glipv2.benchmarks.running import Options, run

pytestmark = [pytest.mark.official, pytest.mark.timeout(300), pytest.mark.filterwarnings("ignore")]

PICTURES = 8


@pytest.fixture(scope="module")
def official(checkout: Path) -> Iterator[None]:
    from glip_worker.engines.official.compat.checkout import use_checkout
    from glip_worker.engines.official.compat.installation import install, uninstall

    use_checkout(checkout)
    install(device="cpu")
    yield
    uninstall()


def mistaken(seed: int = 5) -> Changed:
    """Boxes are off, some are of another category, some are missing, and some come of nowhere."""
    rng = np.random.default_rng(seed)

    def changed(rows: list[Row]) -> list[Row]:
        found: list[Row] = []
        for box, category in rows:
            if rng.random() < 0.85:
                named = category if rng.random() < 0.8 else int(rng.integers(4, 7))
                found.append(((np.asarray(box) + rng.normal(0, 2, 4)).clip(0, 127).tolist(), named))
        for _ in range(3):
            x, y, side = (int(one) for one in rng.integers(10, 60, 3))
            found.append(([x, y, x + side, y + side], int(rng.integers(4, 7))))
        order = rng.permutation(len(found))
        return [found[place] for place in order]

    return changed


def predicted(name: str, root: Path, content: dict[str, Any], images: Path, output: Path) -> tuple[Figures, Records]:
    benchmark = BENCHMARKS[name]
    knowing = Knowing(images, content, mistaken())
    outcome = run(benchmark, located(benchmark, root), knowing, Options(output), lambda event: None)
    return outcome.scores.figures, Records(output / NAME, {one["id"] for one in content["images"]})


def test_coco(official: None, tmp_path: Path) -> None:
    from maskrcnn_benchmark.data.datasets.evaluation.coco.coco_eval import evaluate_predictions_on_coco
    from pycocotools.coco import COCO

    content = write_coco_layout(tmp_path, PICTURES)
    figures, records = predicted("coco", tmp_path, content, tmp_path / "coco" / "val2017", tmp_path / "run")
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(annotations_of(tmp_path)))
        evaluated = evaluate_predictions_on_coco(truth, list(coco_rows(records, False)), str(tmp_path / "bbox.json"))
    theirs = [None if one < 0 else one for one in evaluated.stats.tolist()]
    assert list(figures.values()) == theirs
    assert 0.05 < (figures["box.AP"] or 0) < 0.9


@pytest.mark.parametrize("fixed", [True, False])
def test_lvis(official: None, tmp_path: Path, fixed: bool) -> None:
    from maskrcnn_benchmark.data.datasets.evaluation.lvis.lvis import LVIS
    from maskrcnn_benchmark.data.datasets.evaluation.lvis.lvis_eval import LVISEval, LVISResults

    content = write_lvis_layout(tmp_path, PICTURES)
    figures, records = predicted("lvis-minival", tmp_path, content, tmp_path / "coco", tmp_path / "run")
    truth = LVIS(str(tmp_path / "coco" / "annotations" / "lvis_v1_minival_inserted_image_name.json"))
    with contextlib.redirect_stdout(io.StringIO()):
        most = -1 if fixed else 300
        evaluation = LVISEval(truth, LVISResults(truth, list(coco_rows(records, False)), max_dets=most), "bbox")
        evaluation.params.max_dets = most
        evaluation.run()
    theirs = {name: None if value < 0 else float(value) for name, value in evaluation.results.items()}
    rule = "fixed" if fixed else "plain"
    for name in ("AP", "AP50", "AP75", "APs", "APm", "APl", "APr", "APc", "APf"):
        assert figures[f"box.{rule}.{name}"] == (
            None if theirs[name] is None else pytest.approx(theirs[name], abs=1e-9)
        ), name
    assert 0.05 < (figures[f"box.{rule}.AP"] or 0) < 0.9


@pytest.mark.parametrize("boxes", ["separate", "merged"])
def test_flickr30k(official: None, tmp_path: Path, boxes: str) -> None:
    from maskrcnn_benchmark.data.datasets.evaluation.flickr.flickr_eval import FlickrEvaluator

    answers = write_flickr_layout(tmp_path, PICTURES)
    flickr = BENCHMARKS["flickr30k"]
    knowing = KnowingPhrases(answers, mistaken_phrases())
    places = located(flickr, tmp_path)
    scores = run(flickr, places, knowing, Options(tmp_path / "run"), lambda event: None).scores
    task = flickr.read(places, Choices())
    keys = {one.key for one in task.examples}
    evaluator = FlickrEvaluator(tmp_path / "flickr30k" / "flickr30k", "test", merge_boxes=boxes == "merged")
    for record in Records(tmp_path / "run" / NAME, keys):
        for sentence, (text, told) in enumerate(task.text_pairs(record)):
            # As `flickr_post_process` does: a list of each phrase, with a box of nothing behind it.
            found: list[list[Any]] = [[] for _ in text.spans]
            for span, box in zip(told["phrases"], told["boxes"], strict=True):
                found[span].append(box)
            lists = [[*found[phrase.span], [0.0] * 4] for phrase in text.wanted]
            evaluator.update([{"image_id": record["id"], "sentence_id": sentence, "boxes": lists}])
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = evaluator.summarize()
    names = {"R1": "Recall@1", "R5": "Recall@5", "R10": "Recall@10", "upperBound": "Upper_bound"}
    assert {name: scores.figures[f"{boxes}.{name}"] for name in names} == {
        name: theirs[f"{theirs_name}_all"] for name, theirs_name in names.items()
    }
    kinds = scores.parts["types"]
    assert {(kind, name): kinds[kind][f"{boxes}.{name}"] for kind in kinds for name in names} == {
        (kind, name): theirs[f"{theirs_name}_{kind}"] for kind in kinds for name, theirs_name in names.items()
    }
    assert 0.05 < (scores.figures[f"{boxes}.R1"] or 0) < (scores.figures[f"{boxes}.R5"] or 0) < 0.98


def mistaken_phrases(seed: int = 7) -> Changed:
    """Boxes are off, some are another phrase's, and some come of nowhere."""
    rng = np.random.default_rng(seed)

    def changed(rows: list[Row]) -> list[Row]:
        spans = sorted({span for _, span in rows})
        found: list[Row] = []
        for box, span in rows:
            off = (np.asarray(box) + rng.normal(0, 4, 4)).clip(0, 127).tolist()
            found.append((off, span if rng.random() < 0.8 else int(rng.choice(spans))))
        for _ in range(12):
            x, y, side = (int(one) for one in rng.integers(10, 60, 3))
            found.append(([x, y, x + side, y + side], int(rng.choice(spans))))
        return [found[place] for place in rng.permutation(len(found))]

    return changed
