"""Which services are meant to run: the others are missed by nobody."""

from __future__ import annotations

BUILDER = "transformer"
"""Builds derived tables. Where it is not meant to run, nobody waits for them."""

GROUPED = ("alerter", "maintainer", "stream_writer", BUILDER)
"""Services that are a consumer group each, of the same name."""

ALL = tuple(sorted((*GROUPED, "ingest")))

EVERY_SERVICE = ",".join(ALL)
"""As a setting says it."""


def expected_services(text: str) -> frozenset[str]:
    """``ingest,stream_writer,alerter`` as names.

    Raises:
        ValueError: a name is no service's, or there is none: a variable that came out empty by
            mistake must not silence what watches over services.
    """
    names = frozenset(filter(None, (each.strip() for each in text.split(","))))
    if unknown := sorted(names - frozenset(ALL)):
        raise ValueError(f"{', '.join(unknown)}: no such service; there are {', '.join(ALL)}")
    if not names:
        raise ValueError(f"names no service; there are {', '.join(ALL)}")
    return names
