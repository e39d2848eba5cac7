"""`python -P -m glip_worker`: the worker process. Started by the SDK, which writes its settings to stdin.

The order is what makes the start fast and the end certain: settings, then the watchdog, then the socket (clients
may already say hello), and only then torch, the engine and the plugins. Exit codes: 0 asked to end, 1 the start
failed, 2 the settings do not fit.
"""

from __future__ import annotations

import os
import sys

from glip_worker.log import configure_logging
from glip_worker.settings import read_settings
from glip_worker.watchdog import start_watchdog


def main() -> int:
    configure_logging()
    try:
        settings = read_settings(0)
    except ValueError as error:
        print(f"error glip_worker: {error}", file=sys.stderr)  # noqa: T201
        return 2
    start_watchdog(settings.run_dir)
    # After the fork: the watchdog needs nothing of it.
    from glip_worker.serve import serve

    return serve(settings)


def _end(code: int) -> None:
    # Native threads of torch and of plugins do not always let an interpreter finish.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _end(main())
