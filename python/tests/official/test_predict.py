"""The engine finds what the official Python finds with the same weights: the same boxes and scores, bit for bit."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
import torch

sys.path.append(str(Path(__file__).resolve().parent.parent / "glipv2"))

from direct import SMALL, Direct, Found, Served, Stand, assert_equal, best, write_bert
from known_answers import write_coco_layout
from known_phrases import write_flickr_layout

from glip_worker.errors import GlipError
from glip_worker.protocol.messages import Span
from glipv2.errors import InputError

pytestmark = [
    pytest.mark.official,
    pytest.mark.timeout(300),  # a cold disk can take minutes to give torch and transformers
    pytest.mark.filterwarnings("ignore"),  # the official code's own
]

NAMES = ["person", "traffic_light", "hair drier (electric)", "cat"]
CAPTION = "A man with a red umbrella, two dogs and a traffic light"
ALL = ["short_text", "fusion", "deformable"]


def noise(height: int, width: int, seed: int = 0) -> Any:
    return numpy.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=numpy.uint8)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("weights") / "small.pth"


@pytest.fixture(scope="module")
def direct(checkout: Path, weights: Path) -> Iterator[Direct]:
    from glip_worker.engines.official.compat import installation
    from glip_worker.engines.official.compat.checkout import use_checkout

    use_checkout(checkout)
    installation.install(bert=write_bert(weights.parent / "bert"), device="cpu")
    from maskrcnn_benchmark.config import cfg

    before = cfg.clone()
    torch.manual_seed(7)
    official = Direct(checkout, SMALL)
    # As the official trainer saves a model that several processes trained.
    state = {f"module.{name}": tensor for name, tensor in official.model.state_dict().items()}
    torch.save({"model": state, "optimizer": {}, "iteration": 3}, weights)
    official.load(weights)
    yield official
    dict.update(cfg, before)
    installation.uninstall()


@pytest.fixture(scope="module")
def served(direct: Direct, checkout: Path, weights: Path) -> Served:
    served = Served(checkout, weights.parent / "bert")
    served.load(weights=str(weights))
    return served


@pytest.mark.parametrize("size", [(128, 160), (200, 90), (96, 96), (96, 120), (7, 5), (1, 1), (30, 1000), (2000, 61)])
def test_detect_is_the_official_evaluation(direct: Direct, served: Served, size: tuple[int, int]) -> None:
    pixels = noise(*size)
    assert_equal(served.detect(pixels, NAMES), direct.detect(pixels, NAMES))


def test_more_categories_than_the_head_has_labels(direct: Direct, served: Served) -> None:
    pixels, names = noise(100, 100), [f"kind {number}" for number in range(100)]
    parts = [direct.detect(pixels, names[:80]), direct.detect(pixels, names[80:], 80)]
    assert_equal(served.detect(pixels, names), best(*(torch.cat(column) for column in zip(*parts, strict=True))))


def test_more_tokens_than_the_window_has(direct: Direct, served: Served) -> None:
    pixels, names = noise(100, 100), [f"one of the very many kinds number {number}" for number in range(40)]
    # [CLS], 28 names of 8 tokens with 27 full stops, [SEP]; one more would need 262.
    parts = [direct.detect(pixels, names[:28]), direct.detect(pixels, names[28:], 28)]
    assert_equal(served.detect(pixels, names), best(*(torch.cat(column) for column in zip(*parts, strict=True))))


def test_ground_is_the_official_demo(direct: Direct, served: Served) -> None:
    pixels = noise(96, 128)
    found, phrases = served.ground(pixels, CAPTION)
    assert phrases == ["A man", "a red umbrella", "two dogs", "a traffic light"]
    assert_equal(found, direct.ground(pixels, CAPTION))


def test_ground_with_phrases_is_the_official_demo(direct: Direct, served: Served) -> None:
    pixels = noise(96, 128)
    bounds = [(40, 55), (2, 5), (13, 25), (17, 25)]
    found, phrases = served.ground(pixels, CAPTION, phrases=[Span(start=start, end=end) for start, end in bounds])
    assert phrases == ["man", "red umbrella", "umbrella", CAPTION[40:55]]
    expected = direct.ground(pixels, CAPTION, [{"char_bounds": list(bound)} for bound in bounds])
    in_order = torch.tensor([3, 0, 1, 2])
    assert_equal(found, Found(expected.boxes, expected.scores, in_order[expected.labels]))


def test_more_phrases_than_labels(direct: Direct, served: Served) -> None:
    words = [f"w{number}" for number in range(90)]
    caption, pixels = " ".join(words), noise(96, 96)
    starts = [sum(len(word) + 1 for word in words[:index]) for index in range(90)]
    bounds = [(start, start + len(word)) for start, word in zip(starts, words, strict=True)]
    parts = [
        direct.ground(pixels, caption, [{"char_bounds": list(bound)} for bound in some])
        for some in (bounds[:80], bounds[80:])
    ]
    parts[1] = parts[1]._replace(labels=parts[1].labels + 80)
    found, phrases = served.ground(pixels, caption, phrases=[Span(start=a, end=b) for a, b in bounds])
    assert phrases == words
    assert_equal(found, best(*(torch.cat(column) for column in zip(*parts, strict=True))))


def test_sides_override_the_configuration(direct: Direct, served: Served) -> None:
    pixels = noise(100, 150)
    before = direct.cfg.INPUT.MIN_SIZE_TEST, direct.cfg.INPUT.MAX_SIZE_TEST
    for short, long in ((64, 300), (200, 128)):
        direct.cfg.merge_from_list(["INPUT.MIN_SIZE_TEST", short, "INPUT.MAX_SIZE_TEST", long])
        assert_equal(served.detect(pixels, NAMES, short_side=short, long_side=long), direct.detect(pixels, NAMES))
    direct.cfg.merge_from_list(["INPUT.MIN_SIZE_TEST", before[0], "INPUT.MAX_SIZE_TEST", before[1]])


@pytest.mark.parametrize("layout", ["rgb", "bgr255", "bgr", "rgb255"])
def test_channel_layouts(direct: Direct, served: Served, weights: Path, layout: str) -> None:
    pixels = noise(100, 100)
    direct.cfg.merge_from_list(["INPUT.FORMAT", layout])
    served.load(weights=str(weights), settings={**SMALL, "INPUT.FORMAT": layout})
    assert_equal(served.detect(pixels, NAMES), direct.detect(pixels, NAMES))
    direct.cfg.merge_from_list(["INPUT.FORMAT", "''"])
    served.load(weights=str(weights))
    assert_equal(served.detect(pixels, NAMES), direct.detect(pixels, NAMES))


def test_threshold_and_count(served: Served) -> None:
    pixels = noise(128, 160)
    every = served.detect(pixels, NAMES)
    third = every.scores.unique(sorted=True)[-3].item()
    some = served.detect(pixels, NAMES, threshold=third)
    above = int((every.scores > third).sum())  # strictly: what has exactly the threshold is left out
    assert 0 < above < len(every.scores)
    assert torch.equal(some.scores, every.scores[:above])
    few = served.detect(pixels, NAMES, max_objects=3)
    assert torch.equal(few.boxes, every.boxes[:3])
    assert torch.equal(few.labels, every.labels[:3])
    none = served.detect(pixels, NAMES, threshold=1.0)
    assert (none.boxes.shape, none.scores.shape, none.labels.shape) == ((0, 4), (0,), (0,))


def test_boxes_lie_in_the_picture(served: Served) -> None:
    boxes = served.detect(noise(31, 77), NAMES).boxes
    assert boxes.dtype == torch.float32
    assert bool((boxes >= 0).all())
    assert bool((boxes <= torch.tensor([77, 31, 77, 31])).all())
    assert bool((boxes[:, 2:] > boxes[:, :2]).all())


def test_accelerations_switch_with_the_model(direct: Direct, served: Served, weights: Path) -> None:
    pixels = noise(128, 128)
    plain = direct.detect(pixels, NAMES)
    served.load(weights=str(weights), accelerate=ALL)
    fast = served.detect(pixels, NAMES)
    assert not torch.equal(fast.scores, plain.scores)  # something else was computed
    torch.testing.assert_close(fast.scores, plain.scores, rtol=0, atol=2e-6)
    served.load(weights=str(weights), accelerate=["fusion"])
    torch.testing.assert_close(served.detect(pixels, NAMES).scores, plain.scores, rtol=0, atol=2e-6)
    served.load(weights=str(weights))
    assert_equal(served.detect(pixels, NAMES), plain)


def test_a_call_can_be_stopped_between_prompts(served: Served) -> None:
    checks = []

    def check() -> None:
        checks.append(1)
        if len(checks) == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        served.detect(noise(96, 96), [f"kind {number}" for number in range(200)], Stand(check))
    assert len(served.detect(noise(96, 96), NAMES).scores) > 10


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"names": ["cat", ""]}, "invalid_argument", "categories[1]"),
    ({"names": ["cat", "Cat"]}, "invalid_argument", "categories[1]"),
    ({"names": ["word " * 300]}, "invalid_argument", "categories[0]"),
    ({"short_side": 100_000}, "invalid_argument", "short_side"),
    ({"long_side": 100_000}, "invalid_argument", "long_side"),
    ({"size": (1, 300)}, "image_invalid", "image"),
    ({"size": (10, 20_000)}, "image_invalid", "image"),
    ({"short_side": 1}, "image_invalid", "image"),
    ({"size": (0, 3)}, "invalid_argument", "image.pixels"),
    ({"caption": ""}, "invalid_argument", "caption"),
    ({"caption": "dog " * 300}, "invalid_argument", "caption"),
    ({"caption": "of and with"}, "invalid_argument", "caption"),
    ({"caption": CAPTION, "phrases": [Span(start=0, end=99)]}, "invalid_argument", "phrases[0]"),
    ({"caption": CAPTION, "phrases": [Span(start=1, end=2)]}, "invalid_argument", "phrases[0]"),
]


@pytest.mark.parametrize(("wrong", "code", "path"), REFUSED)
def test_what_is_refused(served: Served, wrong: dict[str, Any], code: str, path: str) -> None:
    options = dict(wrong)
    height, width = options.pop("size", (96, 96))
    pixels = numpy.zeros((height, width, 3), dtype=numpy.uint8)
    look: Any = served.ground if "caption" in options else served.detect
    text = options.pop("caption") if "caption" in options else options.pop("names", NAMES)
    with pytest.raises(GlipError) as caught:
        look(pixels, text, **options)
    assert (caught.value.code, caught.value.details["path"]) == (code, path)
    assert len(served.detect(noise(96, 96), NAMES).scores) > 10


def test_there_are_no_masks(served: Served) -> None:
    with pytest.raises(GlipError, match="the official code has no head for masks: engine native") as caught:
        served.detect(noise(96, 96), NAMES, masks=True)
    assert caught.value.code == "unsupported"
    with pytest.raises(GlipError, match="no head for masks"):
        served.ground(noise(96, 96), CAPTION, masks=True)


def test_a_long_picture_is_found_in_when_it_may_stay_long(served: Served) -> None:
    assert len(served.detect(noise(10, 4000), NAMES, short_side=10, long_side=4000).scores) > 10


def test_what_a_benchmark_asks_is_what_detect_finds(served: Served) -> None:
    from glip_worker.engines.official.predictor import OfficialPredictor
    from glipv2.benchmarks.predictor import Asking

    model = served.engine.model
    assert model is not None
    pixels = noise(60, 80)
    predictor = OfficialPredictor(model)
    found = predictor.detect(pixels, NAMES, Asking(labels=3))
    whole = [served.detect(pixels, NAMES[:3], threshold=0.0), served.detect(pixels, NAMES[3:], threshold=0.0)]
    assert found.scores_N.tolist() == [one for part in whole for one in part.scores.tolist()]
    assert found.labels_N.tolist() == [*whole[0].labels.tolist(), *(whole[1].labels + 3).tolist()]
    few = predictor.detect(pixels, NAMES[:3], Asking(objects=2))
    assert few.scores_N.tolist() == whole[0].scores[:2].tolist()
    assert predictor.detect(pixels, NAMES, Asking(labels=3)).scores_N.tolist() == found.scores_N.tolist()
    both = predictor.detect(pixels, ["bow_(weapon)", "bow_(decorative_ribbons)"], Asking())
    assert set(both.labels_N.tolist()) == {0, 1}


def test_a_text_that_a_benchmark_cannot_ask_is_one_pictures_problem(served: Served) -> None:
    from glip_worker.engines.official.predictor import OfficialPredictor
    from glipv2.benchmarks.predictor import Asking

    model = served.engine.model
    assert model is not None
    with pytest.raises(InputError) as raised:
        OfficialPredictor(model).ground(noise(60, 80), "a dog " * 300, [(0, 5)], Asking())
    assert raised.value.path == "caption"


def test_what_a_benchmark_words_is_read_in_place_of_the_names(served: Served) -> None:
    from glip_worker.engines.official.predictor import OfficialPredictor
    from glipv2.benchmarks.predictor import Around, Asking

    model = served.engine.model
    assert model is not None
    pixels = noise(60, 80)
    predictor = OfficialPredictor(model)
    around = (Around("there are some ", "holes", " on the road"), Around("", "car", ""))
    found = predictor.detect(pixels, ["pothole", "car"], Asking(around=around))
    text = "there are some holes on the road. car"
    spoken = predictor.ground(pixels, text, [(15, 20), (34, 37)], Asking())
    assert found.scores_N.tolist() == spoken.scores_N.tolist()
    assert found.scores_N.tolist() != predictor.detect(pixels, ["pothole", "car"], Asking()).scores_N.tolist()


def test_a_benchmark_runs(served: Served, tmp_path: Path) -> None:
    from glip_worker.protocol.messages import BenchmarkRoot, EvaluateBenchmarkParams

    class Heard(Stand):
        def emit(self, event: Any) -> None:
            events.append(event)

    events: list[Any] = []
    write_coco_layout(tmp_path, 2)
    output, chosen = str(tmp_path / "run"), {"masks": False, "sets": None, "prompt": None, "problems": "fail"}
    options = {"output": output, "resume": False, "pictures": None, **chosen}
    data = BenchmarkRoot(folder=str(tmp_path))
    params = EvaluateBenchmarkParams(benchmark="coco", data=data, **options)  # type: ignore[arg-type]
    result = served.engine.evaluate_benchmark(Heard(), params)  # type: ignore[arg-type]
    assert (result.pictures, result.benchmark, events[0].total) == (2, "coco", 2)
    write_flickr_layout(tmp_path, 2)
    phrases = EvaluateBenchmarkParams(
        benchmark="flickr30k", data=data, **{**options, "output": str(tmp_path / "flickr")}
    )  # type: ignore[arg-type]
    assert 0 <= (served.engine.evaluate_benchmark(Heard(), phrases).metrics["separate.upperBound"] or 0) <= 1  # type: ignore[arg-type]
    asked = EvaluateBenchmarkParams(benchmark="vqav2", data=data, **options)  # type: ignore[arg-type]
    with pytest.raises(GlipError, match="vqav2: the loaded model is none that answers questions"):
        served.engine.evaluate_benchmark(Heard(), asked)  # type: ignore[arg-type]
    masked = EvaluateBenchmarkParams(benchmark="coco", data=data, **{**options, "masks": True})  # type: ignore[arg-type]
    with pytest.raises(GlipError, match="none that finds masks") as raised:
        served.engine.evaluate_benchmark(Heard(), masked)  # type: ignore[arg-type]
    assert raised.value.code == "unsupported"
