"""Writes pictures of smooth noise, each of a seed of its own: noise.py WIDTH HEIGHT FILE..."""

from __future__ import annotations

import sys

import numpy as np
from PIL import Image

#: Pixels of a side of the squares that noise is drawn for.
SQUARE = 16


def main() -> None:
    width, height, *files = sys.argv[1:]
    size = int(width), int(height)
    for seed, file in enumerate(files):
        shape = (-(-size[1] // SQUARE), -(-size[0] // SQUARE), 3)
        noise = np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)
        Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).save(file)


if __name__ == "__main__":
    main()
