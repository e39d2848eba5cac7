from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy
import PIL.Image as pil
import pytest

from glip_worker.errors import GlipError
from glip_worker.pictures import FORMATS, MAX_PIXELS, name_of, read_picture
from glip_worker.protocol.messages import Image
from glip_worker.tensors import Tensor

#: Red, green / blue, white.
COLOURS = numpy.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], dtype=numpy.uint8)


def from_path(path: Path | str) -> Image:
    return Image(path=str(path), encoded=None, pixels=None, view=None)


def from_bytes(data: bytes) -> Image:
    return Image(path=None, encoded=Tensor("uint8", (len(data),), memoryview(data)), pixels=None, view=None)


def from_pixels(array: Any) -> Image:
    return Image(path=None, encoded=None, pixels=Tensor.of(array), view=None)


def encoded(picture: pil.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def refusal(image: Image) -> GlipError:
    with pytest.raises(GlipError) as caught:
        read_picture(image)
    # What was wrong once leaves nothing behind.
    assert numpy.array_equal(read_picture(from_bytes(encoded(pil.fromarray(COLOURS)))), COLOURS)
    return caught.value


def png(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG by hand, so that its header can lie."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def test_the_three_sources_give_the_same(tmp_path: Path) -> None:
    path = tmp_path / "bunte Bilder é.png"
    path.write_bytes(encoded(pil.fromarray(COLOURS)))
    for image in (from_path(path), from_bytes(path.read_bytes()), from_pixels(COLOURS)):
        pixels = read_picture(image)
        assert pixels.dtype == numpy.uint8
        assert numpy.array_equal(pixels, COLOURS)
    assert name_of(from_path(path)) == str(path)
    assert name_of(from_pixels(COLOURS)) == "image"


def test_exactly_one_source(tmp_path: Path) -> None:
    none = Image(path=None, encoded=None, pixels=None, view=None)
    both = Image(path="/a.png", encoded=None, pixels=Tensor.of(COLOURS), view=None)
    for image, received in ((none, "none of them"), (both, "path and pixels")):
        error = refusal(image)
        assert (error.code, error.details["path"], error.details["received"]) == ("invalid_argument", "image", received)


def test_a_relative_path_is_refused() -> None:
    error = refusal(from_path("street.jpg"))
    assert (error.code, error.details["path"]) == ("invalid_argument", "image.path")


@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind not in ("MPO", "ICO")])
def test_formats(kind: str) -> None:
    pil.init()
    if kind not in pil.SAVE:
        pytest.skip(f"this PIL does not write {kind}")
    picture = pil.fromarray(numpy.full((32, 48, 3), (200, 30, 60), dtype=numpy.uint8))
    pixels = read_picture(from_bytes(encoded(picture, kind)))
    assert pixels.shape == (32, 48, 3)
    # Lossy ones are close.
    assert numpy.abs(pixels.astype(int) - (200, 30, 60)).max() <= 6


def in_mode(mode: str) -> tuple[bytes, list[int]]:
    """One pixel of that mode in a file, and what it is in RGB."""
    red = pil.new("RGB", (1, 1), (255, 0, 0))
    cases: dict[str, tuple[pil.Image, str, list[int]]] = {
        "1": (pil.new("1", (1, 1), 1), "PNG", [255, 255, 255]),
        "L": (pil.new("L", (1, 1), 77), "PNG", [77, 77, 77]),
        "LA": (pil.new("LA", (1, 1), (77, 0)), "PNG", [77, 77, 77]),
        "P": (red.quantize(4), "PNG", [255, 0, 0]),
        "RGBA": (pil.new("RGBA", (1, 1), (255, 0, 0, 0)), "PNG", [255, 0, 0]),
        "CMYK": (pil.new("CMYK", (1, 1), (0, 255, 255, 0)), "TIFF", [255, 0, 0]),
        "I;16": (pil.fromarray(numpy.array([[0xABCD]], dtype=numpy.uint16)), "PNG", [0xAB] * 3),
        "I;16B": (pil.frombytes("I;16B", (1, 1), b"\xab\xcd"), "TIFF", [0xAB] * 3),
        "I": (pil.fromarray(numpy.array([[0xABCD]], dtype=numpy.int32)), "TIFF", [0xAB] * 3),
        "F": (pil.fromarray(numpy.array([[0.2]], dtype=numpy.float32)), "TIFF", [51] * 3),
    }
    picture, kind, expected = cases[mode]
    return encoded(picture, kind), expected


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "I;16B", "I", "F"])
def test_modes(mode: str) -> None:
    data, expected = in_mode(mode)
    assert read_picture(from_bytes(data)).tolist() == [[expected]]


def test_palette_with_transparent_entries() -> None:
    picture = pil.fromarray(COLOURS).quantize(4)
    data = encoded(picture, transparency=bytes([0, 128, 255, 255]))
    assert numpy.array_equal(read_picture(from_bytes(data)), COLOURS)


@pytest.mark.parametrize(("values", "expected"), [([0, 200], [0, 200]), ([-5, 0x1234], [0, 0x12])])
def test_wide_integers(values: list[int], expected: list[int]) -> None:
    data = encoded(pil.fromarray(numpy.array([values], dtype=numpy.int32)), "TIFF")
    assert read_picture(from_bytes(data))[0, :, 0].tolist() == expected


def test_floating_point_out_of_range() -> None:
    values = numpy.array([[numpy.nan, -numpy.inf, 1e9, 127.6]], dtype=numpy.float32)
    assert read_picture(from_bytes(encoded(pil.fromarray(values), "TIFF")))[0, :, 0].tolist() == [0, 0, 255, 128]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation: int) -> None:
    """What a camera that was turned stored comes out upright."""
    stored = {
        1: COLOURS,
        2: COLOURS[:, ::-1],
        3: COLOURS[::-1, ::-1],
        4: COLOURS[::-1],
        5: COLOURS.transpose(1, 0, 2),
        6: numpy.rot90(COLOURS),
        7: numpy.rot90(COLOURS, 2).transpose(1, 0, 2),
        8: numpy.rot90(COLOURS, -1),
    }[orientation]
    exif = pil.Exif()
    exif[0x0112] = orientation
    data = encoded(pil.fromarray(numpy.ascontiguousarray(stored)), exif=exif)
    assert numpy.array_equal(read_picture(from_bytes(data)), COLOURS)


def test_broken_exif_does_not_matter() -> None:
    data = encoded(pil.fromarray(COLOURS), "WEBP", lossless=True, exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff")
    assert numpy.array_equal(read_picture(from_bytes(data)), COLOURS)


def test_the_first_frame_of_an_animation() -> None:
    frames = [pil.new("RGB", (3, 3), colour) for colour in ((255, 0, 0), (0, 0, 255))]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert read_picture(from_bytes(data))[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(("channels", "expected"), [(1, [9, 9, 9]), (3, [9, 10, 11]), (4, [9, 10, 11])])
def test_channels_of_pixels(channels: int, expected: list[int]) -> None:
    pixels = numpy.arange(9, 9 + channels, dtype=numpy.uint8).reshape(1, 1, channels)
    assert read_picture(from_pixels(pixels)).tolist() == [[expected]]


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 0, 3), (4, 4, 2), (4, 4, 0), (4, 4)])
def test_pixels_that_are_no_picture(shape: tuple[int, ...]) -> None:
    error = refusal(from_pixels(numpy.zeros(shape, dtype=numpy.uint8)))
    assert (error.code, error.details["path"]) == ("invalid_argument", "image.pixels")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"<!doctype html><html>", "no picture"),
        (b"\x89PNG\r\n\x1a\n", "no picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n", "no picture"),
        (png(4, 4, b"\0" * 10), "damaged"),
        (png(0, 4), ""),
        (png(20_000, 20_000), "more than 178,956,970 pixels"),
        (encoded(pil.effect_noise((64, 64), 90), "JPEG")[:-600], "damaged or cut off"),
        (encoded(pil.effect_noise((64, 64), 90))[:-600], "damaged or cut off"),
    ],
    ids=["empty", "html", "header", "postscript", "short", "zero", "bomb", "cut jpeg", "cut png"],
)
def test_bytes_that_are_no_picture(data: bytes, reason: str, tmp_path: Path) -> None:
    error = refusal(from_bytes(data))
    assert (error.code, error.details["path"]) == ("image_invalid", "image")
    assert reason in error.details["reason"]
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    error = refusal(from_path(path))
    assert (error.code, error.details["path"]) == ("image_invalid", str(path))


def test_too_many_pixels() -> None:
    wide = numpy.broadcast_to(numpy.uint8(0), (1, MAX_PIXELS + 1, 1))
    tensor = Tensor("uint8", wide.shape, memoryview(bytes(MAX_PIXELS + 1)))
    error = refusal(Image(path=None, encoded=None, pixels=tensor, view=None))
    assert error.code == "image_invalid"
    assert "178,956,970" in error.message


def test_between_half_the_limit_and_the_limit_no_warning() -> None:
    """pytest makes PIL's warning an error."""
    data = encoded(pil.new("1", (10_000, 9_000)), "PNG")
    assert read_picture(from_bytes(data)).shape == (9_000, 10_000, 3)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    cases = {
        str(tmp_path / "none.png"): "No such file or directory",
        str(tmp_path): "it is no regular file",
        str(pipe): "it is no regular file",
        "/dev/zero": "it is no regular file",
        "/a\0b": "embedded null byte",
    }
    for path, reason in cases.items():
        error = refusal(from_path(path))
        assert (error.code, error.details) == ("file_error", {"path": path, "reason": reason})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "mine.png"
    path.write_bytes(encoded(pil.fromarray(COLOURS)))
    path.chmod(0)
    assert refusal(from_path(path)).details["reason"] == "Permission denied"


def test_extreme_sides() -> None:
    assert read_picture(from_bytes(encoded(pil.new("RGB", (1, 1))))).shape == (1, 1, 3)
    assert read_picture(from_bytes(encoded(pil.new("RGB", (20_000, 10))))).shape == (10, 20_000, 3)
