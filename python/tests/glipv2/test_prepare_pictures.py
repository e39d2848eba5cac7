from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy
import pytest
import torch

from glipv2.config import InputConfig
from glipv2.errors import InputError
from glipv2.pictures import batch, network_size, normalised, prepare, resized

INPUT = InputConfig(short_side=96, long_side=160)
SHAPES = [(128, 160), (200, 90), (96, 96), (96, 120), (7, 5), (1, 1), (30, 1000), (2000, 61), (97, 96), (480, 801)]


def noise(height: int, width: int, seed: int = 0) -> Any:
    return numpy.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=numpy.uint8)


@pytest.mark.parametrize(
    ("picture", "seen"),
    [
        ((480, 640), (800, 1066)),
        ((640, 480), (1066, 800)),
        ((500, 375), (1066, 800)),
        ((400, 1000), (533, 1332)),
        ((1000, 400), (1332, 533)),
        ((800, 1200), (800, 1200)),
        ((800, 800), (800, 800)),
        ((10, 10), (800, 800)),
        ((1, 2000), (1, 2000)),
        ((1, 3000), (0, 0)),
    ],
)
def test_sides_are_those_of_the_published_evaluation(picture: tuple[int, int], seen: tuple[int, int]) -> None:
    assert network_size(*picture, 800, 1333) == seen


def test_the_channels_and_their_values() -> None:
    pixels = torch.tensor([0, 128, 255], dtype=torch.uint8).view(3, 1, 1)
    config = InputConfig(mean=(10, 20, 30), std=(1, 2, 4))
    blue_first, red_first = torch.tensor([245.0, 54.0, -7.5]), torch.tensor([-10.0, 54.0, 56.25])
    torch.testing.assert_close(normalised(pixels, config).flatten(), blue_first)
    torch.testing.assert_close(normalised(pixels, replace(config, bgr=False)).flatten(), red_first)
    torch.testing.assert_close(normalised(pixels.expand(2, 3, 1, 4), config)[1, :, 0, 3], blue_first)
    assert pixels.flatten().tolist() == [0, 128, 255]


def test_a_picture_of_the_right_size_keeps_its_pixels() -> None:
    pixels = noise(96, 120)
    assert torch.equal(resized(pixels, INPUT), torch.from_numpy(pixels))
    before = pixels.copy()
    prepare(pixels, INPUT)
    assert numpy.array_equal(pixels, before)


def test_pixels_that_may_not_be_written_to_and_are_no_block() -> None:
    pixels = noise(120, 100)
    view = pixels[::2, ::-1]
    view.setflags(write=False)
    assert torch.equal(prepare(view, INPUT), prepare(numpy.ascontiguousarray(view), INPUT))


@pytest.mark.parametrize("shape", [(1, 3000), (3000, 1)])
def test_too_long_a_shape_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(InputError, match=f"at least 2 pixels .* got {shape[1]} x {shape[0]} pixels, which") as caught:
        prepare(noise(*shape), InputConfig())
    assert caught.value.path == "picture"


@pytest.mark.parametrize(
    "pixels",
    [
        numpy.zeros((4, 4), "uint8"),
        numpy.zeros((4, 4, 4), "uint8"),
        numpy.zeros((0, 4, 3), "uint8"),
        numpy.zeros((4, 4, 3)),
    ],
)
def test_what_is_no_picture_is_refused(pixels: Any) -> None:
    with pytest.raises(InputError, match=r"picture: expected uint8 pixels of the shape \[height, width, 3\]"):
        prepare(pixels, INPUT)


def test_a_batch_is_padded_below_and_to_the_right() -> None:
    pictures = [torch.ones(3, 40, 65), torch.ones(3, 64, 20)]
    made = batch(pictures, 32)
    assert made.pictures_B3HW.shape == (2, 3, 64, 96)
    assert made.sizes == [(40, 65), (64, 20)]
    for place, (height, width) in zip(made.pictures_B3HW, made.sizes, strict=True):
        assert place[:, :height, :width].eq(1).all()
        assert place.sum() == 3 * height * width


@pytest.mark.official
@pytest.mark.timeout(300)  # a cold disk can take minutes to give torch and transformers
@pytest.mark.filterwarnings("ignore")  # the official code's own
def test_as_the_official_loader_prepares_it(official: Any) -> None:
    from maskrcnn_benchmark.data.collate_batch import BatchCollator
    from maskrcnn_benchmark.data.transforms import build_transforms
    from PIL import Image

    for config in (INPUT, replace(INPUT, bgr=False), replace(INPUT, short_side=333, long_side=500)):
        cfg = official.clone()
        values = {
            "MIN_SIZE_TEST": config.short_side,
            "MAX_SIZE_TEST": config.long_side,
            "PIXEL_MEAN": list(config.mean),
            "PIXEL_STD": list(config.std),
            "FORMAT": "bgr255" if config.bgr else "rgb255",
        }
        cfg.merge_from_list([part for key, value in values.items() for part in (f"INPUT.{key}", value)])
        transforms = build_transforms(cfg, False)
        pictures = [noise(*shape, seed) for seed, shape in enumerate(SHAPES)]
        expected, *_ = BatchCollator(config.divisor)([(transforms(Image.fromarray(one)), {}, 0) for one in pictures])
        found = batch([prepare(one, config) for one in pictures], config.divisor)
        assert torch.equal(found.pictures_B3HW, expected.tensors)
        assert found.sizes == [tuple(size) for size in expected.image_sizes]


def test_as_the_official_engine_prepares_it() -> None:
    preprocess = pytest.importorskip("glip_worker.engines.official.preprocess", reason="yacs is not installed")
    for shape in [*SHAPES, (61, 333), (333, 61)]:
        for short, long in ((96, 160), (800, 1333), (33, 77)):
            assert network_size(*shape, short, long) == preprocess.network_size(shape[1], shape[0], short, long)
