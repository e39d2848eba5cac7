"""COCO's and LVIS's figures are those of the official evaluators, of the same predictions on the same miniatures."""

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

from glipv2.benchmarks.benchmark import Figures
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
