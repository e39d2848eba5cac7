"""python -m glipv2.training --data SPLIT --output DIR: trains, or goes on with the run that lies in DIR."""

from __future__ import annotations

import argparse
from dataclasses import MISSING, fields
from pathlib import Path

from glipv2.ops.memory import keep_freed
from glipv2.training.loop import train
from glipv2.training.options import Options

_KINDS = {"Path": Path, "str": str, "int": int, "float": float, "float | None": float, "Path | None": Path}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m glipv2.training", description=__doc__)
    for one in fields(Options):
        parser.add_argument(
            f"--{one.name.replace('_', '-')}",
            type=_KINDS[str(one.type)],
            required=one.default is MISSING,
            default=None if one.default is MISSING else one.default,
        )
    keep_freed()
    train(Options(**vars(parser.parse_args())))


if __name__ == "__main__":
    main()
