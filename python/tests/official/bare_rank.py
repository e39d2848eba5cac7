"""A rank as `glip_worker.official` starts it, without the official code: for scripts that only misbehave."""

from __future__ import annotations

import runpy

from glip_worker.engines.official.compat.cli import _parser
from glip_worker.engines.official.compat.reporting.failures import failures
from glip_worker.engines.official.compat.reporting.reporter import from_environment
from glipv2.training.tie import tie_rank

if __name__ == "__main__":
    tie_rank()
    options = _parser().parse_args()
    with failures(from_environment()):
        runpy.run_path(options.script, run_name="__main__")
