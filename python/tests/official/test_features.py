"""The features of what was found give the scores of what was found, by the arithmetic of the official head."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy
import pytest
import torch
from direct import SMALL, Served, Stand, write_bert

from glip_worker.errors import GlipError
from glip_worker.protocol.messages import Image, Span, VisionDetectParams, VisionGroundParams
from glip_worker.tensors import Tensor as WireTensor

pytestmark = [
    pytest.mark.official,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore"),  # the official code's own
]

PIXELS = numpy.random.default_rng(1).integers(0, 255, (96, 128, 3), dtype=numpy.uint8)
LOOK: dict[str, Any] = {
    "image": Image(path=None, encoded=None, pixels=WireTensor.of(PIXELS), view=None),
    "threshold": 0.0,
    "max_objects": None,
    "short_side": None,
    "long_side": None,
    "features": True,
    "masks": False,
}


@pytest.fixture(scope="module")
def served(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from glip_worker.engines.official.compat import installation

    served = Served(checkout, write_bert(tmp_path_factory.mktemp("bert") / "bert"))
    served.load()
    yield served
    installation.uninstall()


def detect(served: Served, names: list[str], **changes: Any) -> Any:
    params = VisionDetectParams(categories=names, prompt=None, **{**LOOK, "thresholds": None, **changes})
    return served.engine.detect(Stand(), params)  # type: ignore[arg-type]


def scores_from(served: Served, regions_NC: torch.Tensor, texts_NC: torch.Tensor) -> torch.Tensor:
    """Of objects whose labels are one token each: the root of token times centerness."""
    model = served.engine.model
    assert model is not None
    head = model.network.rpn.head
    with torch.no_grad():
        logits_N = (regions_NC * texts_NC).sum(1) / head.log_scale.exp() + head.bias0
        centerness_N = head.centerness(regions_NC[:, :, None, None]).flatten()
        return (logits_N.sigmoid() * centerness_N.sigmoid()).sqrt()


def test_of_categories_over_several_prompts(served: Served) -> None:
    names = [*(f"{word} {number}" for word in ("dog", "cat") for number in range(50)), "person", "cup"]
    found = detect(served, names)
    assert found.passes == 2
    regions, texts = found.features.regions.torch(), found.features.texts.torch()
    labels, scores = found.categories.torch().long(), found.scores.torch()
    assert (regions.shape, texts.shape) == ((len(scores), 64), (len(names), 64))
    single = labels >= 100
    assert int(single.sum()) > 5
    torch.testing.assert_close(
        scores_from(served, regions[single], texts[labels[single]]), scores[single], rtol=0, atol=1e-5
    )


def test_of_the_best_above_their_thresholds(served: Served) -> None:
    every = detect(served, ["dog", "cat"])
    scores, labels = every.scores.torch(), every.categories.torch()
    limit = scores[labels == 1].median().item()
    some = detect(served, ["dog", "cat"], thresholds=[0.0, limit], max_objects=50)
    kept = ((labels == 0) | (scores > limit)).nonzero().flatten()[:50]
    assert len(kept) < len(scores)
    assert torch.equal(some.scores.torch(), scores[kept])
    assert torch.equal(some.categories.torch(), labels[kept])
    assert torch.equal(some.features.regions.torch(), every.features.regions.torch()[kept])
    assert torch.equal(some.features.texts.torch(), every.features.texts.torch())


def test_of_phrases_in_the_caption_s_order(served: Served) -> None:
    spans = [Span(start=10, end=13), Span(start=2, end=5)]
    params = VisionGroundParams(caption="a dog and cat", phrases=spans, **LOOK)
    found = served.engine.ground(Stand(), params)  # type: ignore[arg-type]
    assert found.features is not None
    regions, texts = found.features.regions.torch(), found.features.texts.torch()
    of_objects = texts[found.phrase_indices.torch().long()]
    torch.testing.assert_close(scores_from(served, regions, of_objects), found.scores.torch(), rtol=0, atol=1e-5)
    assert not torch.allclose(texts[0], texts[1])


def test_no_features_unless_asked_for(served: Served) -> None:
    plain, asked = detect(served, ["dog"], features=False), detect(served, ["dog"])
    assert plain.features is None
    assert torch.equal(plain.boxes.torch(), asked.boxes.torch())


def test_a_threshold_for_some_categories_alone_is_refused(served: Served) -> None:
    with pytest.raises(GlipError) as caught:
        detect(served, ["dog", "cat"], thresholds=[0.5])
    assert (caught.value.code, caught.value.details["path"]) == ("invalid_argument", "thresholds")


def test_a_model_without_the_dot_product_has_no_features(served: Served) -> None:
    fuse = "MODEL.DYHEAD.FUSE_CONFIG."
    model = served.engine.model
    served.load(settings={**SMALL, f"{fuse}USE_DOT_PRODUCT_TOKEN_LOSS": False, f"{fuse}USE_TOKEN_LOSS": True})
    with pytest.raises(GlipError) as caught:
        detect(served, ["dog"])
    assert caught.value.code == "unsupported"
    served.engine.model = model
