"""``python -m deploy.embedded``: the platform without a terminal, as ``bergline up --detach``."""

from __future__ import annotations

import argparse
import sys

from deploy.embedded import launch
from shared.runtime.errors import BerglineError


def main() -> int:
    """Run until SIGTERM; the exit code of the error otherwise."""
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded", description=__doc__)
    parser.add_argument("--replicas", action="append", default=[], metavar="SERVICE=N")
    parser.add_argument("--ports", choices=("settings", "auto"), default="settings")
    parser.add_argument("--brokers", metavar="HOST:PORT")
    options = parser.parse_args()
    try:
        replicas = launch.parse_replicas(options.replicas)
        launch.run(launch.layout(), replicas, options.ports, brokers=options.brokers)
    except BerglineError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
