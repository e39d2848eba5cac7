"""Pictures that the native engine holds, and requests that are about them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from glip_worker.call import Call
from glip_worker.device import Device
from glip_worker.engines.native import picture, predict, understanding
from glip_worker.engines.native.model import Model, load_model
from glip_worker.engines.native.views import ViewKey, Views
from glip_worker.errors import GlipError
from glip_worker.protocol.messages import (
    Image,
    ModelLoadParams,
    VisionAnswerParams,
    VisionDetectParams,
    VisionForgetParams,
    VisionLookParams,
)
from glip_worker.tensors import Tensor as WireTensor
from glipv2.head.masks import MaskHead
from glipv2.pyramid import Pyramid
from glipv2.understanding.looking import Looked

PACKAGES = Path(__file__).resolve().parents[2]
PIXELS = np.random.default_rng(0).integers(0, 256, (2, 80, 96, 3), dtype=np.uint8)


def view_of(size: int) -> Looked:
    """Of so many bytes."""
    return Looked(Pyramid(torch.zeros(1, size, 1, dtype=torch.uint8), ((1, size),)), (1, 1), (1, 1))


def key(name: str, side: int = 1) -> ViewKey:
    return ViewKey(name, side, side)


def test_the_least_recently_used_goes_first() -> None:
    views = Views(kept_bytes=10)
    one, two, three = view_of(4), view_of(4), view_of(4)
    views.keep(key("one"), one)
    views.keep(key("two"), two)
    assert views.get(key("one")) is one
    views.keep(key("three"), three)
    assert [views.get(key(name)) for name in ("one", "two", "three")] == [one, None, three]


def test_what_is_replaced_or_forgotten_counts_no_more() -> None:
    views = Views(kept_bytes=10)
    for _ in range(5):
        views.keep(key("one"), view_of(6))
    views.keep(key("one", side=2), view_of(4))
    assert len(views) == 2
    views.forget("one")
    views.forget("none")
    assert len(views) == 0
    views.keep(key("two"), view_of(10))
    assert len(views) == 1
    views.clear()
    views.keep(key("three"), view_of(10))
    assert views.get(key("three")) is not None


def test_what_is_larger_than_all_may_be_is_not_held() -> None:
    views = Views(kept_bytes=10)
    views.keep(key("large"), view_of(11))
    assert len(views) == 0


def test_detail_counts() -> None:
    plain = view_of(4).pyramid
    assert plain._replace(detail_BDHW=torch.zeros(1, 1, 2, 2)).nbytes == plain.nbytes + 16


class Asking(Call):
    """A call that nobody stops."""

    def __init__(self) -> None:
        pass

    def check(self) -> None:
        pass


class Watched(list[int]):
    """How many pictures each pass of the backbone looked at."""


@pytest.fixture(scope="module")
def model() -> Model:
    settings = {"postprocess.threshold": 0, "masks": {}, "understanding": {"answers": ["yes", "no", "two"]}}
    params = ModelLoadParams(config="glip-nano", weights=None, text_encoder=None, accelerate=[], settings=settings)
    return load_model(Device("cpu", None, "", 0), torch.float32, None, params, lambda: None)[0]


@pytest.fixture
def looks(model: Model, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    watched = Watched()
    look = model.network.look

    def counted(pictures_B3HW: Tensor) -> Pyramid:
        watched.append(len(pictures_B3HW))
        return look(pictures_B3HW)

    monkeypatch.setattr(model.network, "look", counted)
    yield watched
    model.views.clear()


def image(view: str | None, pixels: int | None = None) -> Image:
    brought = None if pixels is None else WireTensor.of(PIXELS[pixels])
    return Image(path=None, encoded=None, pixels=brought, view=view)


def detecting(asked: Image, categories: list[str], **more: Any) -> VisionDetectParams:
    sides = {"short_side": None, "long_side": None, "max_objects": 5, "threshold": 0, "thresholds": None}
    given = {**sides, "features": False, "masks": True, "prompt": None, **more}
    return VisionDetectParams(image=asked, categories=categories, **given)


def answering(asked: Image, question: str) -> VisionAnswerParams:
    sides = {"short_side": None, "long_side": None, "max_objects": 5, "threshold": 0}
    return VisionAnswerParams(image=asked, question=question, answers=None, top=3, **sides)


def hold(model: Model, view: str, pixels: int) -> None:
    sides = VisionLookParams(image=image(view, pixels), short_side=None, long_side=None)
    found = picture.look(model, Asking(), sides)
    assert (found.width, found.height) == (96, 80)


def found(model: Model, *params: VisionDetectParams) -> list[Any]:
    return predict.find(model, [(Asking(), one) for one in params])


def scores(result: Any) -> Any:
    return result.scores.numpy()


def test_a_view_answers_as_its_picture(model: Model, looks: Watched) -> None:
    hold(model, "a", 0)
    many = [f"thing {one}" for one in range(100)]
    [seen] = found(model, detecting(image("a"), many))
    assert looks == [1]
    [same] = found(model, detecting(image(None, 0), many))
    # Once for all passes.
    assert (same.passes > 1, looks) == (True, [1, 1])
    assert (scores(seen) == scores(same)).all()
    assert (seen.boxes.numpy() == same.boxes.numpy()).all()
    assert seen.masks == same.masks


def test_held_and_new_pictures_share_a_pass(model: Model, looks: Watched) -> None:
    hold(model, "a", 0)
    asked = [
        detecting(image(None, 1), ["a dog"]),
        detecting(image("a"), ["a cat"]),
        detecting(image("a"), ["two red cups", "a"]),
        detecting(image(None, 0), ["a dog"]),
    ]
    together = found(model, *asked)
    assert looks == [1, 2]
    for one, result in zip(asked, together, strict=True):
        [alone] = found(model, one)
        assert np.allclose(scores(result), scores(alone), atol=1e-5)
        assert np.allclose(result.boxes.numpy(), alone.boxes.numpy(), atol=1e-2)


def test_questions_share_a_pass(model: Model, looks: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is held is searched once; what was brought along, each time."""
    searches: list[int] = []
    search = understanding.scene

    def counted(*given: Any) -> Any:
        searches.append(len(given[2]))
        return search(*given)

    monkeypatch.setattr(understanding, "scene", counted)
    hold(model, "a", 0)
    asked = [answering(image("a"), one) for one in ("is there a cat?", "how many red dogs are there?", "why?")]
    asked.append(answering(image(None, 1), "is there a cat?"))
    together = understanding.answer(model, [(Asking(), one) for one in asked])
    assert looks == [1, 1]
    for one, result in zip(asked, together, strict=True):
        [alone] = understanding.answer(model, [(Asking(), one)])
        shares = {each.answer: each.probability for each in alone.answers}
        assert {each.answer: each.probability for each in result.answers} == pytest.approx(shares, abs=1e-5)
        assert result.phrases == alone.phrases
        assert np.allclose(scores(result), scores(alone), atol=1e-5)
    assert searches == [2, 1], "both pictures together, then the one that nobody holds"


def test_one_that_is_not_held_fails_alone(model: Model, looks: Watched) -> None:
    hold(model, "a", 0)
    other = detecting(image("a"), ["a dog"], short_side=128)
    [missing, sized, fine] = found(model, detecting(image("b"), ["a"]), other, detecting(image("a"), ["a dog"]))
    for error in (missing, sized):
        assert isinstance(error, GlipError)
        assert (error.code, error.details["path"]) == ("invalid_argument", "image.view")
    assert len(scores(fine)) == 5
    picture.forget(model, VisionForgetParams(view="a"))
    assert isinstance(found(model, detecting(image("a"), ["a dog"]))[0], GlipError)


def test_one_that_is_brought_along_is_looked_at_once(model: Model, looks: Watched) -> None:
    found(model, *[detecting(image("a", 0), [one]) for one in ("a dog", "a cat")])
    found(model, detecting(image("a", 0), ["a dog"]), detecting(image("a"), ["a dog"]))
    assert looks == [1]


def test_a_view_has_a_name(model: Model) -> None:
    with pytest.raises(GlipError, match=r"image\.view"):
        picture.look(model, Asking(), VisionLookParams(image=image(None, 0), short_side=None, long_side=None))


def test_a_pass_that_ran_out_of_memory_left_nothing(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends after the objects are found, for two prompts at once; each is read again."""
    asked = detecting(image(None, 0), [f"thing {one}" for one in range(100)], features=True)
    [expected] = found(model, asked)
    head, calls = MaskHead.forward, []

    def once(self: MaskHead, *given: Any) -> Any:
        calls.append(len(given[0].features_BNC))
        if len(calls) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return head(self, *given)

    monkeypatch.setattr(MaskHead, "forward", once)
    [result] = found(model, asked)
    assert calls == [expected.passes, *[1] * expected.passes]
    assert np.allclose(scores(result), scores(expected), atol=1e-5)
    assert result.masks == expected.masks
    assert result.features.texts.shape == expected.features.texts.shape == (100, 80)


def test_memory_that_ended_is_not_kept_by_views(model: Model, looks: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    hold(model, "a", 0)

    def read(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(model.network, "read", read)
    [error] = found(model, detecting(image("a"), ["a dog"]))
    assert (error.code, len(model.views)) == ("out_of_memory", 0)


def test_the_engine_is_there_without_torchvision() -> None:
    """Whose import takes as long as torch's: a launch would take twice as long."""
    asked = "import sys, glip_worker.engines.native.engine; print('torchvision' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", asked],
        env={**os.environ, "PYTHONPATH": str(PACKAGES)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False\n"
