"""The official evaluators and configurations beside the scorers, which have the same figures."""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lvis_miniature import lvis_miniature
from phrase_miniature import phrase_miniature

from glipv2.scoring.flickr30k import PhraseRecaller, Protocol
from glipv2.scoring.lvis import LvisScorer, Rule
from glipv2.scoring.lvis_truth import LvisTruth
from glipv2.scoring.odinw_sets import ODINW_13, ODINW_35, OdinwSet, Split, Wording

pytestmark = pytest.mark.official

EVALUATION = "maskrcnn_benchmark.data.datasets.evaluation"


@pytest.fixture(scope="module")
def evaluators(checkout: Path) -> Iterator[Any]:
    """Imports one of the official modules."""
    from glip_worker.engines.official.compat.checkout import use_checkout
    from glip_worker.engines.official.compat.installation import install, uninstall

    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()):
        patch.setattr("sys.dont_write_bytecode", True)
        patch.setattr("sys.path", [*sys.path])
        use_checkout(checkout)
        install(device="cpu")
        try:
            yield lambda name: importlib.import_module(f"{EVALUATION}.{name}")
        finally:
            uninstall()


@pytest.mark.parametrize("protocol", ["any", "merged"])
def test_flickr(evaluators: Any, tmp_path: Path, protocol: Protocol) -> None:
    phrases = phrase_miniature()
    objects = "".join(
        f"<object><name>{row}</name><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox>"
        "</object>"
        for row, phrase in enumerate(phrases)
        for x1, y1, x2, y2 in phrase.wanted
    )
    lines = [f"see [/EN#{row}/{'/'.join(phrase.types)} it] here" for row, phrase in enumerate(phrases)]
    size = "<size><width>500</width><height>400</height></size>"
    for name, text in {
        "test.txt": "1\n",
        "Annotations/1.xml": f"<annotation>{size}{objects}</annotation>",
        "Sentences/1.txt": "\n".join(lines),
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    official = evaluators("flickr.flickr_eval").Flickr30kEntitiesRecallEvaluator
    evaluator = official(str(tmp_path), merge_boxes=protocol == "merged", verbose=False)
    theirs = evaluator.evaluate(
        [
            {"image_id": 1, "sentence_id": row, "boxes": [phrase.found]}
            for row, phrase in enumerate(phrases)
            if phrase.wanted
        ]
    )
    recaller = PhraseRecaller(protocol)
    for phrase in phrases:
        recaller.add(phrase.types, phrase.found, phrase.wanted)
    result = recaller.result()
    for name, row in {"all": result.all, **result.by_type}.items():
        assert row is not None
        assert [row.at1, row.at5, row.at10, row.upper_bound] == [theirs[depth][name] for depth in (1, 5, 10, -1)]


@pytest.mark.parametrize("rule", ["plain", "fixed"])
def test_lvis(evaluators: Any, tmp_path: Path, rule: Rule) -> None:
    import json

    dataset, found = lvis_miniature()
    (tmp_path / "lvis.json").write_text(json.dumps(dataset))
    boxes = {
        picture: [{key: value for key, value in row.items() if key != "segmentation"} for row in rows]
        for picture, rows in found.items()
    }
    module = evaluators("lvis.lvis_eval")
    truth = evaluators("lvis.lvis").LVIS(str(tmp_path / "lvis.json"))
    rows = [dict(row) for several in boxes.values() for row in several]
    evaluation = module.LVISEval(
        truth, module.LVISResults(truth, rows, max_dets=300 if rule == "plain" else -1), "bbox"
    )
    evaluation.run()
    theirs = {key: float(value) for key, value in evaluation.get_results().items()}
    scorer = LvisScorer(LvisTruth(dataset), rule=rule)
    for picture, several in boxes.items():
        scorer.add(picture, several)
    result = scorer.result()
    assert [result.ap, result.ap50, result.ap75] == pytest.approx([theirs[key] for key in ("AP", "AP50", "AP75")])
    assert [result.ap_rare, result.ap_common, result.ap_frequent] == pytest.approx(
        [theirs[key] for key in ("APr", "APc", "APf")]
    )
    assert [result.ap_small, result.ap_medium, result.ap_large] == pytest.approx(
        [theirs[key] for key in ("APs", "APm", "APl")]
    )


def test_odinw(checkout: Path) -> None:
    """Names, files of every split and shot, prompts."""
    yaml = pytest.importorskip("yaml")
    for folder, sets in (("odinw_13", ODINW_13), ("odinw_35", ODINW_35)):
        for one in sets:
            content = yaml.safe_load((checkout / "configs" / folder / f"{one.config}.yaml").read_text())["DATASETS"]
            assert str(content["TEST"]) == f'("{one.measured}",)'
            for name, there in content["REGISTER"].items():
                assert name in _KNOWN_SLIPS or _files(one, name) == (there["ann_file"], there["img_dir"].rstrip("/"))
            names = [category["name"] for category in yaml.safe_load(content["OVERRIDE_CATEGORY"])]
            assert set(one.renamed if folder == "odinw_13" else one.renamed.values()) <= set(names)
            prompts = yaml.safe_load(content.get("CAPTION_PROMPT", "[]"))
            if folder == "odinw_35" and (prompts or one.wording):
                plain = {name: Wording("", name, "") for name in names}
                theirs = [Wording(prompt["prefix"], prompt["name"], prompt["suffix"]) for prompt in prompts]
                assert {**plain, **one.wording} == dict(zip(names, theirs, strict=True))


#: A path of the authors' own.
_KNOWN_SLIPS = ("minival_3shot_3seed",)


def _files(one: OdinwSet, name: str) -> tuple[str, str]:
    split, *drawn = name.split("_")
    known: Split = split  # type: ignore[assignment]
    return one.few_shot(int(drawn[0]), int(drawn[1]), known) if drawn else one.files(known)
