"""The native model as a predictor: what it finds is what its parts find, and texts are read once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_scenes import write_split
from known_phrases import write_flickr_layout, write_phrasecut_layout, write_refcoco_layout
from tiny_runs import MASKED

from glipv2.benchmarks.benchmark import Example
from glipv2.benchmarks.layout import located
from glipv2.benchmarks.native import NativePredictor
from glipv2.benchmarks.pictures import read_pixels
from glipv2.benchmarks.predictor import Around, Asking, Pixels
from glipv2.benchmarks.registry import BENCHMARKS
from glipv2.benchmarks.running import Options, run
from glipv2.data.records import Picture
from glipv2.detection.objects import Objects
from glipv2.errors import InputError
from glipv2.evaluation.found import Finder
from glipv2.head.understanding import UnderstandingConfig
from glipv2.model import GLIP
from glipv2.text.prompts import Window, Wording, caption_prompts, category_prompts
from glipv2.text.tuned import TunedPrompt
from glipv2.text.wordpiece import WordPiece

NAMES = ["red square", "green square", "blue square", "person", "car"]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = write_split(tmp_path_factory.mktemp("scenes") / "val", 2)
    return sorted((folder / "images").iterdir())


@pytest.fixture(scope="module")
def model() -> GLIP:
    torch.manual_seed(5)
    # Random weights are sure of nothing.
    return GLIP(replace(MASKED, postprocess=replace(MASKED.postprocess, threshold=0.0))).eval()


def pixels(file: Path) -> Pixels:
    found = read_pixels(Example(1, file, None))
    assert isinstance(found, np.ndarray)
    return found


def picture(file: Path) -> Picture:
    height, width = pixels(file).shape[:2]
    return Picture(1, file, (height, width), np.zeros((0, 4), np.float32))


def test_it_finds_what_a_finder_finds_in_as_many_prompts(model: GLIP, files: list[Path]) -> None:
    found = NativePredictor(model).detect(pixels(files[0]), NAMES, Asking(labels=2, masks=True))
    prompts = category_prompts(WordPiece.default(), NAMES, None, Window(256, 2))
    assert len(prompts) == 3
    expected, masks = Finder(model).segment(picture(files[0]), prompts)
    assert isinstance(expected, Objects)
    np.testing.assert_array_equal(found.boxes_N4, expected.boxes_N4.numpy())
    np.testing.assert_array_equal(found.scores_N, expected.scores_N.numpy())
    np.testing.assert_array_equal(found.labels_N, expected.labels_N.numpy())
    assert found.masks == masks
    assert set(found.labels_N.tolist()) == set(range(5))


def test_texts_are_read_once_and_pictures_too(model: GLIP, files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    looked: list[int] = []
    encode, look = model.encode_text, model.look
    monkeypatch.setattr(model, "encode_text", lambda ids, mask: (read.append(1), encode(ids, mask))[1])
    monkeypatch.setattr(model, "look", lambda pictures: (looked.append(1), look(pictures))[1])
    predictor = NativePredictor(model)
    first, second = (pixels(file) for file in files)
    for picture in (first, second):
        predictor.detect(picture, NAMES, Asking(labels=2))
    assert (len(read), len(looked)) == (3, 2), "a text each of three prompts, for the whole run"
    predictor.ground(second, "a red square", [(0, 12)], Asking())
    assert (len(read), len(looked)) == (4, 2), "the picture was seen before"


def test_as_many_objects_as_are_asked_for(model: GLIP, files: list[Path]) -> None:
    found = NativePredictor(model).detect(pixels(files[0]), NAMES, Asking(labels=2, objects=7))
    assert len(found.scores_N) == 3 * 7


def test_names_that_read_the_same_are_asked_for_each(model: GLIP, files: list[Path]) -> None:
    names = ["bow_(weapon)", "bow_(decorative_ribbons)"]
    found = NativePredictor(model).detect(pixels(files[0]), names, Asking())
    assert set(found.labels_N.tolist()) == {0, 1}


def test_it_finds_phrases_as_a_finder_does(model: GLIP, files: list[Path]) -> None:
    caption, spans = "a red square and a blue one", [(2, 12), (19, 27)]
    found = NativePredictor(model).ground(pixels(files[0]), caption, spans, Asking(masks=True))
    prompts = caption_prompts(WordPiece.default(), caption, spans, Window(256))
    expected, masks = Finder(model).segment(picture(files[0]), prompts)
    np.testing.assert_array_equal(found.boxes_N4, expected.boxes_N4.numpy())
    np.testing.assert_array_equal(found.labels_N, expected.labels_N.numpy())
    assert found.masks == masks


@pytest.mark.parametrize(
    ("name", "write", "figures"),
    [
        ("flickr30k", write_flickr_layout, {"separate", "merged"}),
        ("phrasecut", write_phrasecut_layout, {"filled", "mask"}),
        ("refcoco", write_refcoco_layout, {"val", "testA", "testB"}),
    ],
)
def test_benchmarks_of_phrases_run(
    model: GLIP, tmp_path: Path, name: str, write: Callable[[Path], object], figures: set[str]
) -> None:
    write(tmp_path)
    benchmark = BENCHMARKS[name]
    options = Options(tmp_path / "run", pictures=2)
    outcome = run(benchmark, located(benchmark, tmp_path), NativePredictor(model), options, lambda event: None)
    assert {one.split(".")[0] for one in outcome.scores.figures} == figures
    assert outcome.pictures == 2


def test_what_is_read_in_place_of_the_names(model: GLIP, files: list[Path]) -> None:
    names = ["pothole", "car"]
    around = (Around("there are some ", "holes", " on the road"), Around("", "car", ""))
    predictor, seen = NativePredictor(model), pixels(files[0])
    plain = predictor.detect(seen, names, Asking())
    found = predictor.detect(seen, names, Asking(around=around))
    [prompt] = category_prompts(WordPiece.default(), names, Wording(around=[one._asdict() for one in around]))
    expected = Finder(model).find(picture(files[0]), [prompt])
    np.testing.assert_array_equal(found.scores_N, expected.scores_N.numpy())
    assert not np.array_equal(found.scores_N, plain.scores_N)
    again = predictor.detect(seen, names, Asking())
    np.testing.assert_array_equal(again.scores_N, plain.scores_N)


def test_identities(model: GLIP) -> None:
    same, other = NativePredictor(model).identity, GLIP(MASKED)
    assert NativePredictor(model).identity == same
    assert NativePredictor(other).identity != same
    assert NativePredictor(model, "bfloat16").identity != same


def tuned(model: GLIP, names: list[str], offset: float) -> TunedPrompt:
    prompt = TunedPrompt(names, model.config)
    torch.nn.init.constant_(prompt.offsets_TL, offset)
    return prompt.requires_grad_(False)


def test_a_tuned_prompt_finds_its_categories_in_any_order(model: GLIP, files: list[Path]) -> None:
    picture, asking = pixels(files[0]), Asking(masks=True)
    plain = NativePredictor(model).detect(picture, NAMES, asking)
    same = NativePredictor(model, tuned=tuned(model, NAMES, 0.0))
    found = same.detect(picture, NAMES, asking)
    np.testing.assert_array_equal(found.scores_N, plain.scores_N)
    np.testing.assert_array_equal(found.labels_N, plain.labels_N)
    assert found.masks == plain.masks
    turned = NAMES[::-1]
    names = [turned[label] for label in same.detect(picture, turned, asking).labels_N]
    assert names == [NAMES[label] for label in plain.labels_N]
    other = NativePredictor(model, tuned=tuned(model, NAMES, 1.0)).detect(picture, NAMES, asking)
    assert not np.array_equal(other.scores_N, plain.scores_N)


def test_a_tuned_prompt_is_for_its_categories_alone(model: GLIP, files: list[Path]) -> None:
    predictor = NativePredictor(model, tuned=tuned(model, NAMES, 0.0))
    assert predictor.abilities == {"detect", "masks"}
    identities = {NativePredictor(model, tuned=tuned(model, NAMES, value)).identity for value in (0.0, 1.0)}
    assert len(identities | {NativePredictor(model).identity}) == 3
    for names in (NAMES[:4], [*NAMES, "sheep"]):
        with pytest.raises(InputError, match="one tuned for the categories red square, ") as raised:
            predictor.detect(pixels(files[0]), names, Asking())
        assert raised.value.path == "prompt"


def test_a_picture_of_a_shape_that_cannot_be_seen(model: GLIP) -> None:
    with pytest.raises(InputError) as raised:
        NativePredictor(model).detect(np.zeros((1, 4000, 3), np.uint8), NAMES, Asking())
    assert raised.value.path == "picture"


def test_abilities(model: GLIP) -> None:
    assert NativePredictor(model).abilities == {"detect", "ground", "masks"}


def test_what_answers_and_tells_says_so(files: list[Path]) -> None:
    """One of its candidates for each question; a caption; a question that it cannot hold is refused."""
    torch.manual_seed(5)
    understanding = UnderstandingConfig(width=16, heads=2, least=0.0, answers=("yes", "no"))
    predictor = NativePredictor(GLIP(replace(MASKED, understanding=understanding)).eval())
    assert predictor.abilities == {"detect", "ground", "masks", "answer", "caption"}
    assert predictor.answers == ("yes", "no")
    picture, candidates = pixels(files[0]), ["red", "blue"]
    found = predictor.answer(picture, ["what is it?", "which color?"], candidates)
    assert len(found) == 2
    assert set(found) <= set(candidates)
    assert found[1:] == predictor.answer(picture, ["which color?"], candidates), "whatever else is asked"
    assert predictor.caption(picture).strip()
    with pytest.raises(InputError, match="at most 256 tokens") as raised:
        predictor.answer(picture, ["is it red? " * 100], candidates)
    assert raised.value.path == "question"
