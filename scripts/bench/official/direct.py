"""The official Python by itself, as `serving` describes."""

from __future__ import annotations

import argparse

from model import Detector, load
from serving import serve


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("weights")
    parser.add_argument("--categories", nargs="+", required=True)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--accelerate", nargs="*", default=[])
    options = parser.parse_args()

    def build() -> Detector:
        cfg, model = load(options.accelerate, options.weights, options.device)
        return Detector(cfg, model, options.categories)

    serve(build)


if __name__ == "__main__":
    main()
