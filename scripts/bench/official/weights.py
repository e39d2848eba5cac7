"""Writes GLIP-T's random weights, as the official code saves them: weights.py FILE"""

from __future__ import annotations

import sys

from model import load, save


def main() -> None:
    _, model = load([])
    save(model, sys.argv[1])


if __name__ == "__main__":
    main()
