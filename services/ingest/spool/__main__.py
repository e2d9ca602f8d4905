"""``python -m services.ingest.spool status|drain|skip``: what ``bergline spool`` asks, as JSON.

A process of its own, because the command line imports no service.
"""

from __future__ import annotations

import asyncio
import json
import logging as standard_logging
import sys
from dataclasses import asdict
from typing import Any

from services.ingest.__main__ import loop_factory
from services.ingest.config import IngestSettings
from services.ingest.spool.frames import NewerFormat
from services.ingest.spool.keeping import spool_root
from services.ingest.spool.status import status
from shared.runtime import logging
from shared.runtime.errors import BerglineError, ConfigurationError, NotFound


def tell() -> dict[str, Any]:
    """What is in all spools of the root, and what the settings allow.

    Raises:
        NotFound: there is no spool.
        ConfigurationError: it cannot be read.
    """
    settings = IngestSettings.load()
    root = spool_root(settings)
    try:
        found = status(root)
    except (OSError, NewerFormat) as error:
        raise ConfigurationError(
            f"the spool in {root} cannot be read: {error}", "name another with --dir"
        ) from None
    if found is None:
        raise NotFound(
            f"there is no spool in {root}",
            "no instance has run here; --dir names another, BERGLINE_ENV the environment",
        )
    return {
        **asdict(found),
        "max_bytes": settings.ingest_spool_max_bytes,
        "source_bytes": int(settings.ingest_spool_max_bytes * settings.ingest_spool_source_share),
    }


def drain(timeout_s: float) -> dict[str, Any]:
    """Send what is there and nobody's.

    Raises:
        NotFound: there is no spool.
        ConfigurationError: it cannot be used.
    """
    from services.ingest.spool.draining import drain as drained

    tell()
    logging.configure("ingest")
    standard_logging.getLogger("aiokafka").setLevel(standard_logging.CRITICAL)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return asdict(runner.run(drained(IngestSettings.load(), timeout_s)))


def skip(topic: str, timeout_s: float) -> dict[str, Any]:
    """Put aside what the broker refuses for ever at a topic's begin.

    Raises:
        NotFound: there is no spool, or nothing of that topic in one that is nobody's.
        Refused, Unavailable, ConfigurationError: it cannot be done now.
    """
    from services.ingest.spool.skipping import skip as skipped

    tell()
    logging.configure("ingest")
    standard_logging.getLogger("aiokafka").setLevel(standard_logging.CRITICAL)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return asdict(runner.run(skipped(IngestSettings.load(), topic, timeout_s)))


def answer(command: str, *arguments: str) -> dict[str, Any]:
    """Do what is asked."""
    if command == "drain":
        return drain(float(arguments[0]))
    if command == "skip":
        return skip(arguments[0], float(arguments[1]))
    return tell()


def main(arguments: list[str]) -> int:
    """Answer on standard output; the exit code of what went wrong, told on standard error."""
    try:
        found = answer(*arguments)
    except BerglineError as error:
        print(json.dumps({"what": error.what, "next": error.next_step}))  # noqa: T201
        return error.exit_code
    print(json.dumps(found))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
