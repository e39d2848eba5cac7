"""Views of pictures: boxes and masks stay on what they mark, texts stay true, and inference's way back fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image as pil
import pytest
import torch

from glipv2.config import InputConfig
from glipv2.data.asking import Asking, Step
from glipv2.data.augment import LEAST_PART, Augmentation, View, drawn, whole
from glipv2.data.masks import bitmap
from glipv2.data.pixels import FILL, masks_of, open_picture, pixels_of
from glipv2.data.records import Boxes, Dataset, Mask, Phrase, Picture, Sentence
from glipv2.data.samples import plan
from glipv2.detection.objects import Objects
from glipv2.errors import InputError
from glipv2.pictures import resized
from glipv2.text.wordpiece import WordPiece

SIZES = [(64, 64), (48, 96), (100, 37), (33, 71)]
ALWAYS = Augmentation(flip=1.0, move=1.0, zoom=1.5)
NEVER = Augmentation(flip=0.0, move=0.0)


def random_boxes(rng: np.random.Generator, size: tuple[int, int], count: int, least: int = 6) -> Boxes:
    """Whole pixels, within the picture."""
    height, width = size
    first = np.stack([rng.integers(0, width - least, count), rng.integers(0, height - least, count)], axis=1)
    sides = rng.integers(least - 1, 2 * least, (count, 2))
    last = np.minimum(first + sides, [width - 1, height - 1])
    return np.concatenate([first, last], axis=1).astype(np.float32)


def random_view(rng: np.random.Generator, size: tuple[int, int], augmentation: Augmentation = ALWAYS) -> View:
    return drawn(whole(size, int(rng.integers(40, 120)), 200), "", False, augmentation, rng)


def edges_of(bitmap_HW: np.ndarray) -> list[int]:
    rows, columns = np.flatnonzero(bitmap_HW.any(axis=1)), np.flatnonzero(bitmap_HW.any(axis=0))
    return [columns[0], rows[0], columns[-1], rows[-1]]


@pytest.mark.parametrize("size", SIZES)
def test_boxes_stay_on_what_they_mark(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(size[0])
    for _ in range(60):
        view = random_view(rng, size)
        boxes_M4 = random_boxes(rng, size, 1)
        pixels = np.zeros((*size, 3), np.uint8)
        x1, y1, x2, y2 = boxes_M4[0].astype(int)
        pixels[y1 : y2 + 1, x1 : x2 + 1] = 255
        seen = pixels_of(view, pil.fromarray(pixels))
        assert seen.shape == (*view.seen, 3)
        moved_M4, [kept] = view.boxes(boxes_M4)
        scale = max(view.seen[0] / size[0], view.seen[1] / size[1])
        if kept:
            # Half a pixel where it is resampled, and the pixel that corners are multiplied without.
            np.testing.assert_allclose(edges_of(seen[..., 0] > 200), moved_M4[0], atol=1.6 + abs(scale - 1))
        assert (moved_M4 >= 0).all()
        assert (moved_M4[:, 2:] >= moved_M4[:, :2]).all()
        assert (moved_M4[:, [2, 3]] <= [view.seen[1], view.seen[0]]).all()


@pytest.mark.parametrize("size", SIZES)
def test_masks_stay_in_their_boxes(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(size[1])
    for _ in range(20):
        view = random_view(rng, size)
        boxes_M4 = random_boxes(rng, size, 3)
        masks = []
        for x1, y1, x2, y2 in boxes_M4.tolist():
            masks.append(Mask(str([[x1, y1, x2 + 1, y1, x2 + 1, y2 + 1, x1, y2 + 1]]).encode()))
        seen_MHW = masks_of(view, [*masks, None])
        assert seen_MHW.shape == (4, *view.seen)
        assert not seen_MHW[3].any()
        moved_M4, kept_M = view.boxes(boxes_M4)
        scale = max(view.seen[0] / size[0], view.seen[1] / size[1])
        for row in np.flatnonzero(kept_M):
            np.testing.assert_allclose(edges_of(seen_MHW[row]), moved_M4[row], atol=1.6 + abs(scale - 1))


def test_all_of_a_picture_is_what_inference_sees() -> None:
    rng = np.random.default_rng(0)
    config = InputConfig(short_side=50, long_side=90)
    for size in SIZES:
        pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        view = whole(size, config.short_side, config.long_side)
        assert torch.equal(torch.from_numpy(pixels_of(view, pil.fromarray(pixels)).copy()), resized(pixels, config))


@pytest.mark.parametrize("size", SIZES)
def test_inference_leads_back_to_the_boxes(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    for short_side in (20, 64, 150):
        view = whole(size, short_side, 220)
        boxes_M4 = random_boxes(rng, size, 20)
        seen_M4, kept_M = view.boxes(boxes_M4)
        assert kept_M.all()
        count = len(boxes_M4)
        found = Objects(torch.from_numpy(seen_M4), torch.ones(count), torch.zeros(count), torch.zeros(count))
        np.testing.assert_allclose(found.resized(view.seen, size).boxes_N4.numpy(), boxes_M4, atol=1e-4)


def test_twice_turned_over_is_not() -> None:
    rng = np.random.default_rng(2)
    for size in SIZES:
        view = View(size, size, (0.0, 0.0, float(size[1]), float(size[0])), flipped=True)
        boxes_M4 = random_boxes(rng, size, 20)
        over_M4, _ = view.boxes(boxes_M4)
        np.testing.assert_allclose(view.boxes(over_M4)[0], boxes_M4)
        assert not np.allclose(over_M4[:, 0], boxes_M4[:, 0])
        pixels = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        over = pixels_of(view, pil.fromarray(pixels))
        np.testing.assert_array_equal(over, pixels[:, ::-1])
        for (x1, y1, x2, y2), (left, top, right, bottom) in zip(boxes_M4.astype(int), over_M4.astype(int), strict=True):
            inside = over[top : bottom + 1, left : right + 1][:, ::-1]
            np.testing.assert_array_equal(inside, pixels[y1 : y2 + 1, x1 : x2 + 1])


def test_boxes_out_of_view_are_not_kept() -> None:
    view = View((100, 100), (100, 100), (20.0, 0.0, 120.0, 100.0))
    boxes_M4 = np.asarray(
        [[0, 0, 10, 10], [0, 0, 39, 9], [0, 40, 28, 60], [30, 30, 32, 32], [15, 0, 24, 9], [5, 5, 25, 90]], np.float32
    )
    moved_M4, kept_M = view.boxes(boxes_M4)
    # Outside; half; less than a part; small but whole; half, of five pixels; a narrow part of much.
    assert kept_M.tolist() == [False, True, False, True, False, False]
    np.testing.assert_allclose(moved_M4[1], [0, 0, 19, 9])
    np.testing.assert_allclose(moved_M4[3], [10, 30, 12, 32])
    assert LEAST_PART == 0.4


def test_beyond_the_picture_there_is_the_mean_colour() -> None:
    view = View((40, 40), (40, 40), (-10.0, -10.0, 50.0, 50.0))
    seen = pixels_of(view, pil.new("RGB", (40, 40), (255, 0, 0)))
    # 40 of 60 pixels are picture.
    inside = (seen == (255, 0, 0)).all(axis=2)
    outside = (seen == FILL).all(axis=2)
    assert (inside | outside).all()
    assert edges_of(inside) == [7, 7, 32, 32]


def test_how_often() -> None:
    rng = np.random.default_rng(0)
    half = Augmentation(flip=0.5, move=0.25, zoom=1.25, jitter=0.2)
    views = [random_view(rng, (64, 64), half) for _ in range(2000)]
    assert np.mean([one.flipped for one in views]) == pytest.approx(0.5, abs=0.04)
    moved = [one for one in views if one.window != (0.0, 0.0, 64.0, 64.0)]
    assert len(moved) / 2000 == pytest.approx(0.25, abs=0.04)
    zooms = [64 / (right - left) for left, _, right, _ in (one.window for one in moved)]
    assert 0.8 <= min(zooms) < 0.85
    assert 1.2 < max(zooms) <= 1.25
    for one in moved:
        left, top, right, bottom = one.window
        # Larger than the picture on all sides, or within it.
        assert (left <= 0 and top <= 0 and right >= 64 and bottom >= 64) or (
            left >= 0 and top >= 0 and right <= 64.001 and bottom <= 64.001
        )
    lights = np.asarray([one.light for one in views])
    assert lights.min() >= 0.8
    assert lights.max() <= 1.2
    assert [random_view(rng, (64, 64), NEVER)[2:] for _ in range(9)] == [((0.0, 0.0, 64.0, 64.0), False, None)] * 9


@pytest.mark.parametrize(
    ("text", "turned", "moved"),
    [
        ("a man with a hat", True, True),
        ("the man on the left", False, False),
        ("the Right-hand door", False, False),
        ("the leftmost chair", False, False),
        ("turning clockwise", False, True),
        ("a bright copyright sign", True, True),
        ("the dog at the bottom", True, False),
        ("the largest dog", True, False),
        ("a small bird above it", True, False),
        ("a bird near the centre", True, False),
        ("a farm", True, True),
    ],
)
def test_what_a_caption_forbids(text: str, turned: bool, moved: bool) -> None:
    views = [drawn(whole((64, 64), 64, 99), text, True, ALWAYS, np.random.default_rng(seed)) for seed in range(5)]
    assert {one.flipped for one in views} == {turned}
    assert {one.window != (0.0, 0.0, 64.0, 64.0) for one in views} == {moved}
    # Of categories, which speak of no place in the picture, only sides are heeded.
    of_names = [drawn(whole((64, 64), 64, 99), text, False, ALWAYS, np.random.default_rng(seed)) for seed in range(5)]
    assert {one.flipped for one in of_names} == {turned}
    assert all(one.window != (0.0, 0.0, 64.0, 64.0) for one in of_names)


def test_what_a_caption_speaks_of_stays_in_view() -> None:
    boxes_M4 = np.asarray([[0, 0, 9, 9], [90, 90, 99, 99]], np.float32)
    said = Sentence("a cat and a dog", (Phrase(0, 5, (0,)), Phrase(10, 15, (1,))))
    picture = Picture(1, Path("a.png"), (100, 100), boxes_M4, (0, 1), sentences=(said,))
    dataset = Dataset(("cat", "dog"), (1, 2), (picture,))
    close = Augmentation(flip=0.0, move=1.0, zoom=3.0)
    lost = 0
    for seed in range(60):
        for sentences in (True, False):
            rng = np.random.default_rng(seed)
            one = plan(dataset, picture, Step(sentences, True), Asking(), WordPiece.default(), (100, 200), close, rng)
            assert len(one.rows_M) == len(one.boxes_M4) == len(one.phrases_M)
            assert not sentences or one.rows_M == (0, 1)
            lost += len(one.rows_M) < 2
            for row, box in zip(one.rows_M, one.boxes_M4, strict=True):
                np.testing.assert_allclose(one.view.boxes(boxes_M4)[0][row], box)
    assert lost > 10, "categories are asked for without what is out of view"


def test_a_picture_of_extreme_shape() -> None:
    view = whole((3, 9000), 800, 1333)
    assert view.seen == (2, 1333)
    assert pixels_of(view, pil.new("RGB", (9000, 3))).shape == (2, 1333, 3)


@pytest.mark.parametrize("options", [{"flip": 1.1}, {"move": -0.1}, {"zoom": 0.5}, {"jitter": 1.0}])
def test_options_that_make_no_view(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        Augmentation(**options)


def test_light_keeps_hues() -> None:
    red = pil.new("RGB", (8, 8), (200, 40, 40))
    for seed in range(20):
        view = random_view(np.random.default_rng(seed), (8, 8), Augmentation(0.0, 0.0, 1.0, jitter=0.4))
        seen = pixels_of(view, red)
        r, g, b = seen[4, 4].tolist()
        assert r > g
        assert g == b


def picture(file: Path, size: tuple[int, int]) -> Picture:
    return Picture(1, file, size, np.zeros((0, 4), np.float32))


def test_pictures_are_as_their_annotations_have_them(tmp_path: Path) -> None:
    exif = pil.Exif()
    exif[0x0112] = 6
    file = tmp_path / "held.png"
    pil.new("RGB", (40, 30)).save(file, exif=exif)
    assert open_picture(picture(file, (30, 40))).size == (40, 30)
    assert open_picture(picture(file, (40, 30))).size == (30, 40)
    with pytest.raises(InputError, match=r"held\.png: expected 50 x 30 pixels, .* got 40 x 30"):
        open_picture(picture(file, (30, 50)))
    pil.new("L", (40, 30), 7).save(tmp_path / "grey.png")
    assert open_picture(picture(tmp_path / "grey.png", (30, 40))).getpixel((0, 0)) == (7, 7, 7)


def test_a_picture_that_was_held_upside_down(tmp_path: Path) -> None:
    """Its size is the same either way: whether it is turned is known by the format."""
    exif = pil.Exif()
    exif[0x0112] = 3
    stored = pil.new("L", (40, 30))
    stored.putpixel((0, 0), 255)
    stored.save(tmp_path / "held.png", exif=exif)
    one = picture(tmp_path / "held.png", (30, 40))
    assert open_picture(one).getpixel((0, 0)) == (255, 255, 255)
    assert open_picture(replace(one, upright=True)).getpixel((39, 29)) == (255, 255, 255)


def test_sixteen_bits_are_not_cut_at_eight(tmp_path: Path) -> None:
    values = np.linspace(0, 65535, 1200).astype(np.uint16).reshape(30, 40)
    pil.fromarray(values).save(tmp_path / "deep.png")
    pixels = np.asarray(open_picture(picture(tmp_path / "deep.png", (30, 40))))
    np.testing.assert_array_equal(pixels, np.repeat((values >> 8)[:, :, None], 3, axis=2))


def test_run_lengths_of_both_kinds_are_the_same() -> None:
    from pycocotools import mask as coco

    rng = np.random.default_rng(0)
    for size in SIZES:
        pixels = rng.random(size) < rng.uniform(0.05, 0.95)
        counts = np.diff(np.flatnonzero(np.diff(np.r_[-1, pixels.T.ravel(), -1])), prepend=0).tolist()
        # The first run is outside of the object.
        counts = counts[1:] if not pixels[0, 0] else [0, *counts[1:]]
        text = coco.encode(np.asfortranarray(pixels.astype(np.uint8)))["counts"].decode()
        numbers = Mask(f'{{"size": [{size[0]}, {size[1]}], "counts": {counts}}}'.encode())
        letters = Mask(b'{"size": [%d, %d], "counts": "%s"}' % (*size, text.replace("\\", "\\\\").encode()))
        np.testing.assert_array_equal(bitmap(numbers, size), pixels)
        np.testing.assert_array_equal(bitmap(letters, size), pixels)
