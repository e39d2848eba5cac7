"""The official Python by itself: for each path on stdin, what it found there, as a line of JSON on stdout."""

from __future__ import annotations

import contextlib
import json
import sys

from model import Detector, load


def main() -> None:
    weights, *accelerate = sys.argv[1:]
    with contextlib.redirect_stdout(sys.stderr):
        detector = Detector(*load(accelerate, weights))
    print("{}", flush=True)  # noqa: T201
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            found = detector(line.rstrip("\n"))
        scores = found.get_field("scores")
        order = scores.sort(descending=True, stable=True).indices
        answer = {"boxes": found.bbox[order].tolist(), "scores": scores[order].tolist()}
        print(json.dumps(answer), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
