"""The engine on the published size. In a file of its own: the official configuration is global."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest
import torch
from direct import Direct, Served, assert_equal

pytestmark = [
    pytest.mark.official,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore"),  # the official code's own
]

NAMES = ["person", "traffic_light", "hair drier (electric)", "cat"]


def test_glip_t(checkout: Path, tmp_path: Path) -> None:
    """The published size, random weights, 800 x 600 pixels to 1067 x 800."""
    from glip_worker.engines.official.compat import installation
    from glip_worker.engines.official.compat.checkout import use_checkout

    installation.uninstall()
    use_checkout(checkout)
    installation.install(device="cpu")
    from maskrcnn_benchmark.config import cfg

    pixels = numpy.random.default_rng(0).integers(0, 255, (600, 800, 3), dtype=numpy.uint8)
    settings = {"MODEL.ATSS.INFERENCE_TH": 0.0}
    torch.manual_seed(0)
    before = cfg.clone()
    official = Direct(checkout, settings)
    torch.save({"model": official.model.state_dict()}, tmp_path / "glip_t.pth")
    expected = official.detect(pixels, NAMES)
    dict.update(cfg, before)
    del official
    served = Served(checkout, None)
    loaded = served.load(weights=str(tmp_path / "glip_t.pth"), settings=settings)
    assert (loaded.parameters, loaded.tensors, loaded.ignored) == (231_780_222, 745, [])
    assert_equal(served.detect(pixels, NAMES), expected)
    installation.uninstall()
