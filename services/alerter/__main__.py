"""``python -m services.alerter`` runs one alerter."""

from __future__ import annotations

import sys

from shared.runtime.errors import BerglineError
from shared.runtime.lifecycle import run_service


def main() -> int:
    """Load the settings and run until a signal; the process's exit code."""
    try:
        # They read the sources, the project's among them.
        from services.alerter.app import Service
        from services.alerter.config import AlerterSettings

        settings = AlerterSettings.load()
    except BerglineError as error:
        print(f"alerter: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return run_service("alerter", settings, lambda stop: Service(settings).run(stop))


if __name__ == "__main__":
    sys.exit(main())
