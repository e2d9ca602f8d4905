"""``python -m services.ingest``."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import sys
from collections.abc import Callable

from shared.runtime.errors import BerglineError
from shared.runtime.lifecycle import run_service

SERVICE = "ingest"


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's event loop when it is installed, else asyncio's own."""
    if importlib.util.find_spec("uvloop") is None:
        return None
    import uvloop

    return uvloop.new_event_loop


def main() -> int:
    """Run until a signal; the exit code."""
    try:
        # They read the sources, the project's among them.
        from services.ingest.app import create
        from services.ingest.config import IngestSettings

        settings = IngestSettings.load()
    except BerglineError as error:
        print(f"{SERVICE}: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code

    async def serve(stop: asyncio.Event) -> None:
        # aiokafka logs an error for each attempt to reach an absent broker; we log the changes.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        await create(settings).run(stop)

    return run_service(SERVICE, settings, serve, loop_factory=loop_factory())


if __name__ == "__main__":
    sys.exit(main())
