"""The official package in this process: its modules, GLIP-T with random weights, and what differs when accelerated."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import references
import torch
from torch import Tensor

pytestmark = [
    pytest.mark.official,
    pytest.mark.slow,
    pytest.mark.timeout(300),  # a cold disk can take minutes to give torch and transformers
    pytest.mark.filterwarnings("ignore"),  # the official code's own
]

#: Broken in the tree itself: they ask for names and modules that it does not have.
BROKEN = {
    "maskrcnn_benchmark.data.datasets.mixup",
    "maskrcnn_benchmark.engine.evolution",
    "maskrcnn_benchmark.layers.deform_pool",
    "maskrcnn_benchmark.utils.flops",
}

CAPTION, LABELS = "person . cup . dog .", {1: [1], 2: [3], 3: [5]}


class Official(NamedTuple):
    checkout: Path
    cfg: Any
    model: Any


class Found(NamedTuple):
    boxes: Tensor
    scores: Tensor
    labels: Tensor


@pytest.fixture(scope="module")
def glip_t(checkout: Path) -> Iterator[Official]:
    from glip_worker.engines.official.compat.checkout import use_checkout
    from glip_worker.engines.official.compat.installation import install, uninstall

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.dont_write_bytecode", True)
        patch.setattr("sys.path", [*importlib.sys.path])  # type: ignore[attr-defined]
        use_checkout(checkout)
        install(device="cpu")
        config = importlib.import_module("maskrcnn_benchmark.config").cfg.clone()
        config.merge_from_file(checkout / "configs" / "pretrain" / "glip_Swin_T_O365_GoldG.yaml")
        config.merge_from_list(["MODEL.WEIGHT", "", "MODEL.ATSS.INFERENCE_TH", 0.0])
        yield Official(checkout, config, build(config, seed=0))
        uninstall()


def build(config: Any, seed: int) -> Any:
    torch.manual_seed(seed)
    model = importlib.import_module("maskrcnn_benchmark.modeling.detector").build_detection_model(config)
    model.eval()
    return model


def detect(model: Any, side: int = 320) -> Found:
    picture = torch.randn(3, side, side, generator=torch.Generator().manual_seed(3)) * 50
    with torch.no_grad():
        found = model([picture], captions=[CAPTION], positive_map=LABELS)[0]
    return Found(found.bbox, found.get_field("scores"), found.get_field("labels"))


@pytest.fixture(scope="module")
def plain(glip_t: Official) -> Found:
    return detect(glip_t.model)


def test_every_module_can_be_imported(glip_t: Official) -> None:
    package = importlib.import_module("maskrcnn_benchmark")
    failed = set()
    for module in pkgutil.walk_packages(package.__path__, "maskrcnn_benchmark."):
        try:
            importlib.import_module(module.name)
        except (ImportError, NameError):
            failed.add(module.name)
    assert failed == BROKEN


def test_the_extension_has_the_names_of_vision_cpp(glip_t: Official) -> None:
    from glip_worker.engines.official.compat.extension import OPERATORS

    source = (glip_t.checkout / "maskrcnn_benchmark" / "csrc" / "vision.cpp").read_text()
    assert all(f'm.def("{name}"' in source for name in OPERATORS)
    assert source.count("m.def(") == len(OPERATORS)


def test_glip_t_is_the_published_size(glip_t: Official) -> None:
    assert len(glip_t.model.state_dict()) == 745
    assert sum(parameter.numel() for parameter in glip_t.model.parameters()) == 231_780_222


def test_it_detects(plain: Found) -> None:
    assert plain.boxes.shape == (100, 4)
    assert plain.scores.isfinite().all()
    assert set(plain.labels.tolist()) <= {1, 2, 3}


def test_a_saved_model_gives_the_same(glip_t: Official, plain: Found, tmp_path: Path) -> None:
    file = str(tmp_path / "model.pth")
    torch.save({"model": glip_t.model.state_dict(), "iteration": 1}, file)
    other = build(glip_t.cfg, seed=1)
    checkpoints = importlib.import_module("maskrcnn_benchmark.utils.checkpoint")
    checkpoints.DetectronCheckpointer(glip_t.cfg, other).load(file)
    for one, expected in zip(detect(other), plain, strict=True):
        assert torch.equal(one, expected)


def test_accelerated_it_gives_the_same_scores(glip_t: Official, plain: Found) -> None:
    from glip_worker.engines.official.compat.accelerate import ACCELERATIONS
    from glip_worker.engines.official.compat.installation import install, installed

    before = installed()
    assert install(accelerate=True) == [one.name for one in ACCELERATIONS]
    assert install(accelerate=True) == [], "a second time changes nothing"
    assert installed()[: len(before)] == before
    fast = detect(glip_t.model)
    assert (fast.scores - plain.scores).abs().max() < 1e-5
    assert torch.equal(fast.labels, plain.labels)
    assert (fast.boxes - plain.boxes).abs().max() < 1e-2, "pixels"


def test_box_lists_are_suppressed_as_cuda_does(glip_t: Official) -> None:
    bounding_box = importlib.import_module("maskrcnn_benchmark.structures.bounding_box")
    inference = importlib.import_module("maskrcnn_benchmark.modeling.rpn.inference")
    draw = torch.Generator().manual_seed(0)
    corners = torch.rand(200, 2, generator=draw) * 60
    boxes = torch.cat([corners, corners + torch.rand(200, 2, generator=draw) * 30], dim=1)
    scores, labels = torch.rand(200, generator=draw), torch.randint(1, 4, (200,), generator=draw)
    made = bounding_box.BoxList(boxes, (100, 100), mode="xyxy")
    made.add_field("scores", scores)
    made.add_field("labels", labels)
    kept = inference.boxlist_ml_nms(made, 0.6)
    assert torch.equal(kept.bbox, boxes[references.ml_nms(boxes.double(), scores, labels, 0.6)])


def test_the_predictor_draws_no_data_from_the_network(glip_t: Official) -> None:
    predictor = importlib.import_module("maskrcnn_benchmark.engine.predictor_glip")
    assert predictor.find_noun_phrases("a red cup on the table") == ["a red cup", "the table"]
