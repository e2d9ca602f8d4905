"""``python -m services.maintainer`` runs one worker."""

from __future__ import annotations

import sys

from shared.runtime.errors import BerglineError
from shared.runtime.lifecycle import run_service


def main() -> int:
    """Load the settings and run until a signal; the process's exit code."""
    try:
        # They read the sources, the project's among them.
        from services.maintainer.app import Service
        from services.maintainer.config import MaintainerSettings

        settings = MaintainerSettings.load()
    except BerglineError as error:
        print(f"maintainer: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return run_service("maintainer", settings, Service(settings).run)


if __name__ == "__main__":
    sys.exit(main())
