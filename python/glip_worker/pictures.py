"""A picture of the wire as pixels: upright, RGB, eight bits, whatever it was stored as."""

from __future__ import annotations

import io
import os
import stat
import warnings
from typing import IO, TYPE_CHECKING, Any

from glip_worker.errors import GlipError, invalid_argument
from glip_worker.protocol.messages import Image

if TYPE_CHECKING:
    import numpy
    import PIL.Image

    Pixels = numpy.ndarray[Any, numpy.dtype[numpy.uint8]]

#: The most pixels of a picture, as PIL has it: more is a decompression bomb or a mistake.
MAX_PIXELS = 178_956_970

#: What is read, by PIL's names. No format that runs a program (EPS) or draws by commands (WMF).
FORMATS = ("AVIF", "BMP", "GIF", "ICO", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TGA", "TIFF", "WEBP")

#: Tag of EXIF that says how the camera was held.
ORIENTATION = 0x0112


def name_of(image: Image) -> str:
    """What errors call it: its file, or `image` for bytes and pixels."""
    return "image" if image.path is None else image.path


def read_picture(image: Image) -> Pixels:
    """`[height, width, 3]`, RGB, not to be changed in place: it may be the client's own memory.

    EXIF's orientation is applied. Of an animation, the first frame counts. The rest is `glipv2.data.rgb`'s.

    GlipError: `invalid_argument` (not exactly one source, a relative path, a shape that is no picture), `file_error`
    (the file cannot be read), `image_invalid` (what is in it is no picture, damaged or too large).
    """
    given = [name for name in ("path", "encoded", "pixels") if getattr(image, name) is not None]
    if len(given) != 1:
        raise invalid_argument("image", "exactly one of path, encoded, pixels", " and ".join(given) or "none of them")
    if image.pixels is not None:
        return _from_pixels(image)
    if image.encoded is not None:
        return _decode(io.BytesIO(image.encoded.buffer), "image", image.encoded.bytes)
    return _from_file(str(image.path))


def _from_pixels(image: Image) -> Pixels:
    import numpy

    assert image.pixels is not None
    shape = image.pixels.shape
    if len(shape) != 3 or shape[2] not in (1, 3, 4) or 0 in shape:
        expected = "[height, width, channels] with 1, 3 or 4 channels and no side of 0"
        raise invalid_argument("image.pixels", expected, str(list(shape)))
    _check_size("image", shape[1], shape[0])
    pixels = image.pixels.numpy()
    return numpy.repeat(pixels, 3, axis=2) if shape[2] == 1 else pixels[:, :, :3]


def _from_file(path: str) -> Pixels:
    if not os.path.isabs(path):
        raise invalid_argument("image.path", "an absolute path", repr(path))
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # a pipe would be waited for, a device never ends
            raise _unreadable(path, "it is no regular file")
        with open(path, "rb") as file:
            return _decode(file, path, status.st_size)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise _unreadable(path, getattr(error, "strerror", None) or str(error)) from error


def _decode(file: IO[bytes], name: str, size: int) -> Pixels:
    import numpy
    from PIL import Image as pil
    from PIL import UnidentifiedImageError

    from glipv2.data.rgb import as_rgb

    if size == 0:
        raise _invalid(name, "it is empty")
    pil.init()
    formats = [one for one in FORMATS if one in pil.OPEN]
    try:
        with warnings.catch_warnings():
            # Of what is odd and read all the same, and of half the limit.
            warnings.simplefilter("ignore")
            with pil.open(file, formats=formats) as picture:
                _check_size(name, *picture.size)
                picture.load()
                return numpy.asarray(as_rgb(_upright(picture)))
    except (GlipError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise _invalid(name, f"it is no picture in a format that is read ({', '.join(formats)}): convert it") from error
    except pil.DecompressionBombError as error:
        raise _invalid(name, f"it has more than {MAX_PIXELS:,} pixels: resize it or cut it into pieces") from error
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error, zlib.error, …
        raise _invalid(name, f"it is damaged or cut off: {error}; fetch or save it again") from error


def _upright(picture: PIL.Image.Image) -> PIL.Image.Image:
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # EXIF that cannot be parsed: many programs write some; the pixels are as good as ever
        return picture


def _check_size(name: str, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        text = f"it has {width} x {height} pixels, more than {MAX_PIXELS:,}: resize it or cut it into pieces"
        raise _invalid(name, text)


def _invalid(name: str, reason: str) -> GlipError:
    return GlipError("image_invalid", f"{name}: {reason}", {"path": name, "reason": reason})


def _unreadable(path: str, reason: str) -> GlipError:
    return GlipError("file_error", f"{path}: the picture cannot be read: {reason}", {"path": path, "reason": reason})
