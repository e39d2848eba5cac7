"""Writes GLIP-T's random weights where there is no official code to draw them: weights.py FILE"""

from __future__ import annotations

import sys

import torch
from drawing import SEED, TEXT_SCALE
from glipv2.checkpoints.load import save
from glipv2.config import CONFIGS
from glipv2.model import GLIP


def main() -> None:
    torch.manual_seed(SEED)
    model = GLIP(CONFIGS["glip-t"])
    with torch.no_grad():
        model.words.projection.weight.mul_(TEXT_SCALE)
    save(model, sys.argv[1])


if __name__ == "__main__":
    main()
