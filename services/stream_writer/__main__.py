"""``python -m services.stream_writer`` runs one worker."""

from __future__ import annotations

import gc
import sys

from shared.runtime.errors import BerglineError
from shared.runtime.lifecycle import run_service


def main() -> int:
    """Load the settings and run until a signal; the process's exit code."""
    try:
        # They read the sources, the project's among them.
        from services.stream_writer.app import Worker
        from services.stream_writer.config import StreamWriterSettings

        settings = StreamWriterSettings.load()
    except BerglineError as error:
        print(f"stream_writer: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    # Batches hold tens of thousands of long-lived records and hardly a cycle: with the default
    # thresholds the collector walks them again and again, at half the cost of parsing.
    gc.set_threshold(100_000, 50, 1000)
    return run_service("stream_writer", settings, Worker(settings).run)


if __name__ == "__main__":
    sys.exit(main())
