"""The engine as a worker starts it: without the checkout what it says, and with it, over the wire."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy
import PIL.Image
import pytest
import torch

from glip_worker.device import Device
from glip_worker.engines import load_engine
from glip_worker.engines.official import engine
from glip_worker.errors import GlipError
from glip_worker.registry import Registry
from glip_worker.tensors import Tensor

sys.path.append(str(Path(__file__).resolve().parent.parent / "glip_worker"))

CPU = Device("cpu", None, "test", 0)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What looks like a checkout from outside."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", sys.dont_write_bytecode)
    landmark = tmp_path / "maskrcnn_benchmark" / "config" / "defaults.py"
    landmark.parent.mkdir(parents=True)
    landmark.write_text("raise AssertionError('imported at the start')\n")
    return tmp_path


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "has the one option checkout, an absolute folder; got none"),
        ({"checkout": "/tmp", "weights": "x"}, "got checkout, weights"),
        ({"checkout": None}, "has the one option checkout"),
        ({"checkout": "GLIP"}, "is an absolute folder, got 'GLIP'"),
        ({"checkout": "/no/such/folder"}, "there is no folder /no/such/folder.*glip setup --official"),
        ({"checkout": str(Path(__file__).parent)}, "is no checkout of it"),
    ],
)
def test_options_that_do_not_fit(options: dict[str, Any], sentence: str) -> None:
    pytest.importorskip("transformers")
    with pytest.raises(ValueError, match=sentence):
        load_engine("official", options, CPU)


def test_mps_is_refused(tree: Path) -> None:
    with pytest.raises(ValueError, match="cpu and cuda alone"):
        load_engine("official", {"checkout": str(tree)}, Device("mps", None, "Apple", 0))


def test_missing_packages_are_named(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # All the others are here, whether this environment has them or not.
    gone = {"yacs", "cv2"}
    here = ModuleSpec("here", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in gone else here)
    with pytest.raises(ValueError, match=r"opencv-python-headless, yacs\. `npx glip setup --official`"):
        load_engine("official", {"checkout": str(tree)}, CPU)


def test_a_start_loads_no_model_and_imports_nothing_official(tree: Path) -> None:
    pytest.importorskip("transformers")
    before = set(sys.modules)
    loaded = load_engine("official", {"checkout": str(tree)}, CPU)
    assert not [name for name in set(sys.modules) - before if name.startswith(("maskrcnn_benchmark", "transformers"))]
    assert loaded.name == "official"
    assert set(loaded.versions) == {"transformers", "torchvision", "timm", "official"}
    assert len(loaded.versions["official"]) == 40
    registry = Registry()
    loaded.register(registry)
    assert {"model.load", "vision.detect", "vision.ground"} <= set(registry.names)
    for name in ("vision.detect", "vision.ground"):
        method = registry.get(name)
        assert method is not None
        with pytest.raises(GlipError, match=r"launch\(\{ model \}\)") as caught:
            method.function(None, None)  # type: ignore[arg-type]
        assert (caught.value.code, caught.value.details["feature"]) == ("unsupported", name)


def test_the_packages_are_those_of_the_lock() -> None:
    requirements = Path(engine.__file__).resolve().parents[3] / "requirements"
    asked = {line for name in ("official.in", "torch.in") for line in (requirements / name).read_text().split()}
    assert set(engine.PACKAGES.values()) <= asked


@pytest.mark.official
@pytest.mark.timeout(300)
def test_over_the_wire(checkout: Path, tmp_path: Path) -> None:
    """A worker process: detect before a load, a load that fails, one that works, and what it finds twice."""
    from direct import SMALL, YAML, write_bert
    from worker_client import connected

    text = write_bert(tmp_path / "bert")
    load = {"config": YAML, "weights": None, "text_encoder": str(text), "accelerate": [], "settings": SMALL}
    pixels = numpy.random.default_rng(2).integers(0, 255, (64, 96, 3), dtype=numpy.uint8)
    path = tmp_path / "picture.png"
    PIL.Image.fromarray(pixels).save(path)
    look = {
        "threshold": 0.0,
        "max_objects": 7,
        "short_side": None,
        "long_side": None,
        "features": False,
        "masks": False,
    }
    image = {"path": str(path), "encoded": None, "pixels": None, "view": None}
    detect = {**look, "image": image, "categories": ["person", "cup"], "thresholds": None, "prompt": None}
    with connected(engine="official", engine_options={"checkout": str(checkout)}) as (_, client):

        def call(method: str, params: Any) -> Any:
            client.request(method, params)
            return client.receive(120)

        assert call("vision.detect", detect).code == "unsupported"
        failed = call("model.load", {**load, "settings": {"NO.SUCH": 1}})
        assert (failed.code, failed.details["keys"]) == ("config_invalid", ["NO.SUCH"])
        loaded = call("model.load", load).value
        assert loaded["parameters"] > 3_000_000
        seen = call("vision.detect", detect).value
        assert (seen["width"], seen["height"], seen["boxes"].shape, seen["scores"].shape) == (96, 64, (7, 4), (7,))
        assert torch.equal(seen["scores"].torch(), seen["scores"].torch().sort(descending=True).values)
        assert seen["categories"].torch().unique().tolist() == [0, 1]
        assert call("vision.detect", {**detect, "categories": ["cup", " "]}).details["path"] == "categories[1]"
        broken = {"path": None, "encoded": Tensor.of(numpy.zeros(9, dtype=numpy.uint8)), "pixels": None, "view": None}
        assert call("vision.detect", {**detect, "image": broken}).code == "image_invalid"
        caption = {**look, "image": detect["image"], "caption": "a person and a cup", "phrases": None}
        assert call("vision.ground", caption).value["phrases"] == [{"start": 0, "end": 8}, {"start": 13, "end": 18}]
        again = call("vision.detect", detect).value
        assert torch.equal(again["boxes"].torch(), seen["boxes"].torch())
