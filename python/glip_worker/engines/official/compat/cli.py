"""`python -m glip_worker.official [options] SCRIPT …`: an official script, on current PyTorch, unmodified.

The working folder stays the user's, so outputs land there and never in the checkout; SCRIPT and those of its
arguments that name a file of the checkout (a configuration, say) are found there.
"""

from __future__ import annotations

import argparse
import glob
import logging
import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from glip_worker.engines.official.compat.checkout import ENVIRONMENT, find_checkout, use_checkout
from glip_worker.engines.official.compat.errors import script_missing
from glip_worker.engines.official.compat.reporting.failures import failures
from glip_worker.engines.official.compat.reporting.reporter import Reporter, from_environment
from glip_worker.errors import GlipError
from glipv2.training.tie import tie_rank

#: Exit status for a command line that cannot be run, as argparse has it.
USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    tie_rank()
    options = _parser().parse_args(arguments)
    handler = logging.StreamHandler()
    handler.addFilter(_is_for_us)
    logging.basicConfig(format="%(name)s: %(message)s", level=logging.WARNING, handlers=[handler])
    reporter = from_environment()
    try:
        with failures(reporter):
            return _run(options, reporter)
    except GlipError as error:
        print(f"glip_worker.official: {error.message}", file=sys.stderr)  # noqa: T201
        return USAGE_ERROR


def _is_for_us(record: logging.LogRecord) -> bool:
    """Warnings, but those that the official code's own logger has printed."""
    official = logging.getLogger("maskrcnn_benchmark")
    printed = bool(official.handlers) and record.name.startswith(official.name)
    return record.levelno >= logging.WARNING and not printed


def _run(options: argparse.Namespace, reporter: Reporter | None) -> int:
    # Here, since torch and transformers take seconds: a wrong path is told at once.
    if options.list:
        from glip_worker.engines.official.compat.installation import describe

        print(describe())  # noqa: T201
        return 0
    checkout = find_checkout(options.official)
    script = _script(options.script, checkout)
    use_checkout(checkout)

    from glip_worker.engines.official.compat.installation import install
    from glip_worker.engines.official.compat.reporting import switch

    install(
        [name for name in options.skip.split(",") if name],
        bert=options.bert,
        device=options.device,
        accelerate=options.accelerate == "all" or options.accelerate,
    )
    if reporter is not None:
        switch.switch_on(reporter, options.device)
    switch.seed_from_environment()
    sys.argv = [str(script), *script_arguments(script, [in_checkout(one, checkout) for one in options.arguments])]
    sys.path.insert(0, str(script.parent))
    runpy.run_path(str(script), run_name="__main__")
    return 0


def in_checkout(argument: str, checkout: Path) -> str:
    """`argument` with each path or pattern of its comma list that exists in the checkout only, made absolute."""
    if argument.startswith("-") or "/" not in argument:
        return argument
    return ",".join(_located(part, checkout) for part in argument.split(","))


def script_arguments(script: Path, arguments: list[str]) -> list[str]:
    """With --local_rank where torch's launcher says the rank by environment and the script only reads the argument."""
    rank = os.environ.get("LOCAL_RANK")
    given = any(one.replace("-", "_").startswith("__local_rank") for one in arguments)
    if rank is None or given or "--local_rank" not in script.read_text(encoding="utf-8"):
        return arguments
    return ["--local_rank", rank, *arguments]


def _located(part: str, checkout: Path) -> str:
    if not part or os.path.isabs(part) or glob.glob(part) or not glob.glob(str(checkout / part)):
        return part
    return str(checkout / part)


def _script(name: str | None, checkout: Path) -> Path:
    for candidate in (Path(name or ""), checkout / (name or "")):
        if candidate.is_file():
            return candidate.resolve()
    raise script_missing(name or "SCRIPT", checkout)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m glip_worker.official",
        allow_abbrev=False,
        description="Runs a script of the official GLIP code, unmodified, on current PyTorch.",
        epilog="Under several processes: python -m torch.distributed.run --nproc_per_node N -m glip_worker.official …",
    )
    parser.add_argument("--official", metavar="DIR", help=f"the checkout of microsoft/GLIP (default: ${ENVIRONMENT})")
    parser.add_argument("--bert", metavar="DIR", help='folder that answers for "bert-base-uncased"')
    parser.add_argument("--device", choices=["cpu", "cuda"], help="default: CUDA where there is one")
    parser.add_argument("--accelerate", metavar="NAMES", default="", help='"all", or a comma list (see --list)')
    parser.add_argument("--skip", metavar="NAMES", default="", help="patches to leave out, a comma list")
    parser.add_argument("--list", action="store_true", help="print every patch with its reason, and leave")
    parser.add_argument("script", metavar="SCRIPT", nargs="?", help="tools/train_net.py, tools/finetune.py, …")
    parser.add_argument("arguments", metavar="…", nargs=argparse.REMAINDER, help="what the script takes")
    return parser
