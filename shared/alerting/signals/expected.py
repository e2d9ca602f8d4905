"""How long landing tables may get no rows, where somebody has said so."""

from __future__ import annotations

from collections.abc import Mapping

from shared.alerting.scalars import seconds
from shared.sources.registry import SOURCES


def expected_every(text: str) -> Mapping[str, float]:
    """Landing table → longest silence in seconds that is normal: as a text says, or as declared.

    Raises:
        ValueError: as :func:`parsed`.
    """
    declared = {
        entity.table.name: entity.expected_every.total_seconds()
        for source in SOURCES.values()
        for entity in source.entities
        if entity.expected_every is not None
    }
    return {**declared, **parsed(text)}


def parsed(text: str) -> dict[str, float]:
    """``raw.x=30s,raw.y=26h`` as seconds.

    Raises:
        ValueError: no table of a source, or no duration.
    """
    known = {entity.table.name for source in SOURCES.values() for entity in source.entities}
    found: dict[str, float] = {}
    for each in filter(None, (part.strip() for part in text.split(","))):
        table, _, duration = (part.strip() for part in each.partition("="))
        if table not in known:
            raise ValueError(f"{each!r}: {table!r} is no landing table of a source")
        longest = seconds(duration)
        if not longest:
            raise ValueError(f"{each!r}: {duration!r} is no duration, as 30s or 1h30m")
        found[table] = longest
    return found
