"""python -m glipv2.training RUN_DIR: a run as RUN_DIR/config.json describes it, from its start or its last checkpoint.

Exit status: 0 when all is done, 75 when it stopped because it was asked to (SIGTERM, SIGINT, a file RUN_DIR/.stop),
1 when it failed, 2 when it cannot be started.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from glipv2.errors import InputError
from glipv2.training.folder import RunFolder
from glipv2.training.show import showing
from glipv2.training.supervise import Nodes, supervise

#: Exit status for a command line that cannot be run, as argparse has it.
USAGE_ERROR = 2


def main() -> int:
    options = _parser().parse_args()
    folder = RunFolder(options.run.absolute())
    nodes = None
    if options.nodes is not None:
        nodes = Nodes(options.nodes, options.node_rank, options.rendezvous, options.endpoint)
    try:
        processes = options.processes or json.loads(folder.config.read_text("utf-8")).get("processes") or 1
        with showing(folder.events, options.show):
            return supervise(folder, processes, nodes, [sys.executable, "-m", "glipv2.training", *sys.argv[1:]])
    except (InputError, OSError, json.JSONDecodeError) as error:
        print(f"glipv2.training: {error}", file=sys.stderr)  # noqa: T201
        return USAGE_ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m glipv2.training", description=__doc__)
    parser.add_argument("run", type=Path, metavar="RUN_DIR")
    parser.add_argument("--processes", type=int, help="on this host (default: as config.json says)")
    parser.add_argument("--nodes", type=int, help="hosts that train together; each runs this command")
    parser.add_argument("--node-rank", type=int, default=0, help="of this host, from 0")
    parser.add_argument("--rendezvous", choices=("static", "c10d"), default="static")
    parser.add_argument("--endpoint", default="", help="host:port of the first host")
    parser.add_argument("--show", action="store_true", help="print how far it is")
    return parser


if __name__ == "__main__":
    sys.exit(main())
