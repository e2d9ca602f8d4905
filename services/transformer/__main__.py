"""``python -m services.transformer`` runs one worker."""

from __future__ import annotations

import sys

from shared.runtime.errors import BerglineError
from shared.runtime.lifecycle import run_service


def main() -> int:
    """Load the settings and run until a signal; the process's exit code."""
    try:
        # They read the sources, the project's among them.
        from services.transformer.app import Service
        from services.transformer.config import TransformerSettings

        settings = TransformerSettings.load()
    except BerglineError as error:
        print(f"transformer: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return run_service("transformer", settings, Service(settings).run)


if __name__ == "__main__":
    sys.exit(main())
