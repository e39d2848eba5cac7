"""`python -m glip_worker.official SCRIPT …`; `--help` says the rest."""

from __future__ import annotations

import sys

from glip_worker.engines.official.compat.cli import main

if __name__ == "__main__":
    sys.exit(main())
