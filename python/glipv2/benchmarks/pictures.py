"""The pixels of an example, or what is wrong with its picture."""

from __future__ import annotations

import warnings

import numpy as np
import PIL.Image as pil

from glipv2.benchmarks.benchmark import Example
from glipv2.benchmarks.predictor import Pixels
from glipv2.data.problems import Problem
from glipv2.data.rgb import as_rgb


def read_pixels(example: Example) -> Pixels | Problem:
    """As stored: benchmarks annotate the pixels without the camera's orientation, and the official loaders read them
    so."""
    where = str(example.file)
    try:
        with warnings.catch_warnings():
            # Of what is odd and read all the same.
            warnings.simplefilter("ignore")
            with pil.open(example.file) as opened:
                pixels = np.asarray(as_rgb(opened))
    except FileNotFoundError:
        return Problem("missing_picture", where, "it is not there")
    # Damaged files raise about anything.
    except (OSError, ValueError, SyntaxError, EOFError, pil.DecompressionBombError) as error:
        return Problem("unreadable_picture", where, f"{type(error).__name__}: {error}")
    size = (pixels.shape[0], pixels.shape[1])
    if example.size is not None and example.size != size:
        wanted = f"{example.size[1]} x {example.size[0]}"
        return Problem("wrong_size", where, f"expected {wanted} pixels, got {size[1]} x {size[0]}")
    return pixels
