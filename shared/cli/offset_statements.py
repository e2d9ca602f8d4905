"""What an operator states of offsets: read, held against the log, and what it will do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared.cli.output import table
from shared.cli.words import cell, count

if TYPE_CHECKING:
    from shared.lake.positions import PartitionKey
    from shared.lake.recorded import Recorded
    from shared.runtime.log_bounds import LogBounds


def statements(start: list[str], partition: int | None) -> dict[int, int]:
    """``["0=12", "1=7"]`` → ``{0: 12, 1: 7}``; a plain ``["12"]`` is about ``partition``.

    Raises:
        ConfigurationError: not of that form, or a partition is named twice or not at all.
    """
    from shared.runtime.errors import ConfigurationError

    found: dict[int, int] = {}
    for text in start:
        left, equals, right = text.partition("=")
        number, offset = (left, right) if equals else ("" if partition is None else partition, left)
        if equals and partition is not None:
            raise ConfigurationError(
                f"--from {text} names its partition itself", "leave --partition out"
            )
        if not str(number).isdecimal() or not offset.isdecimal():
            raise ConfigurationError(
                f"--from {text}: needs a partition and an offset",
                "--partition 0 --from 1200, or --from 0=1200 --from 1=1180 for several",
            )
        if int(number) in found:
            raise ConfigurationError(f"--from is given twice for partition {number}")
        found[int(number)] = int(offset)
    return found


def require_held(
    stated: Mapping[PartitionKey, int], bounds: Mapping[PartitionKey, LogBounds]
) -> None:
    """Check that consumption can go on at every stated offset.

    Raises:
        NotFound: the broker has no such partition.
        Refused: the offset is outside of the log, where the table would stop again at once.
    """
    from shared.runtime.errors import NotFound, Refused

    for (topic, partition), at in stated.items():
        log = bounds.get((topic, partition))
        if log is None:
            raise NotFound(
                f"the broker has no partition {topic}/{partition}", "see `bergline topics list`"
            )
        if not log.start <= at <= log.end:
            raise Refused(
                f"{topic}/{partition} holds offsets [{log.start}, {log.end}): the table would stop "
                f"again at {at}",
                f"use an offset from {log.start} (oldest record) to {log.end} (only new records)",
            )


def effect(key: PartitionKey, at: int, known: Recorded) -> str:
    """What a statement does, in words."""
    before = None if known.positions is None else known.positions.next_offset(*key)
    if known.positions is None:
        return "the table's positions are lost: what it holds of this log is not known"
    if before is None:
        return "the table has never seen this partition"
    if at > before:
        return f"offsets [{before}, {at}) are given up"
    if at < before:
        return (
            f"goes back by {before - at}: if it is the log that was consumed, "
            "those records land a second time"
        )
    return "the same offset: another log is declared to begin here"


def change_text(
    name: str,
    known: Recorded,
    stated: Mapping[PartitionKey, int],
    bounds: Mapping[PartitionKey, LogBounds],
    effects: Mapping[PartitionKey, str],
) -> Any:
    """What would be written, as a table."""

    def now(key: PartitionKey) -> str:
        if known.positions is None:
            return "lost"
        return count(known.positions.next_offset(*key))

    return table(
        ("topic", ">partition", ">recorded", ">goes on at", ">log start", ">log end", "effect"),
        [
            (*key, now(key), at, bounds[key].start, bounds[key].end, cell(effects[key]))
            for key, at in sorted(stated.items())
        ],
        title=f"to be stated in {name}",
    )
