"""Waves and builds in words: for people a sentence or a row, for programs JSON."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shared.cli.words import NOTHING, cell, count, moment, size

if TYPE_CHECKING:
    from shared.contracts.event import Event
    from shared.runtime.wave import Build, Outcome, Wave


def told_by(event: Event) -> str:
    """An event of a build as a sentence."""
    from shared.contracts.builds import BuildFailed, BuildStarted, BuildSucceeded
    from shared.contracts.days import Days

    match event:
        case BuildStarted():
            days = Days.between(event.first_day, event.last_day)
            kind = "full build" if event.full else f"build of {days}" if days else "build"
            again = f", attempt {event.attempt}" if event.attempt > 1 else ""
            why = f": {event.reason}" if event.reason else ""
            return f"{kind} began{again} on {event.worker or 'a worker'}{why}"
        case BuildSucceeded(to_be_rebuilt=True):
            return event.reason
        case BuildSucceeded(mode="nothing"):
            return f"held everything already, looked for {event.seconds:.2f} s"
        case BuildSucceeded():
            why = f" ({event.reason})" if event.reason else ""
            return (
                f"built {event.mode}{why} in {event.seconds:.2f} s: {count(event.rows_read)} rows "
                f"read, {count(event.rows_added)} added, {count(event.rows_removed)} removed, "
                f"snapshot {event.snapshot_id or 'unchanged'}"
            )
        case BuildFailed():
            again = (
                f", again at {moment(event.next_attempt_at)}"
                if event.will_retry and event.next_attempt_at
                else ", again soon"
                if event.will_retry
                else ", not tried again until the next commit or a longer pause"
            )
            return f"failed after {event.seconds:.2f} s{again}: {event.error_type}: {event.error}"
    return event.type


def wave_json(wave: Wave) -> dict[str, Any]:
    """One wave for programs; durations in seconds."""
    from pydantic import TypeAdapter

    from shared.runtime.wave import Wave

    body: dict[str, Any] = TypeAdapter(Wave).dump_python(wave, mode="json")
    for each, build in zip(body["builds"], wave.builds, strict=True):
        each["seconds"] = _seconds(build.duration)
    return {
        **body,
        "seconds": _seconds(wave.duration),
        "targets": list(wave.targets),
        "taken_along": wave.taken_along,
    }


def wave_row(wave: Wave) -> tuple[object, ...]:
    """One wave as a row of ``runs list``."""
    return (
        cell(wave.wave),
        moment(wave.started_at),
        took(wave.duration),
        coloured(wave.outcome),
        len(wave.builds),
        count(sum(build.rows_added for build in wave.builds)),
        count(sum(build.rows_removed for build in wave.builds)),
        shortened(wave.targets),
        shortened(wave.missing),
    )


def build_row(build: Build) -> tuple[object, ...]:
    """One build as a row of ``runs show``."""
    return (
        cell(build.target),
        moment(build.started_at),
        took(build.duration),
        coloured(build.outcome),
        build.mode or NOTHING,
        build.attempt,
        count(build.rows_read),
        count(build.rows_added),
        count(build.rows_removed),
        size(build.bytes_written),
        cell(build.text),
    )


def shortened(names: Iterable[str], most: int = 3) -> str:
    """The first few, and how many more."""
    known = list(names)
    more = f" and {len(known) - most} more" if len(known) > most else ""
    return cell(", ".join(known[:most]) + more)


def coloured(outcome: Outcome) -> str:
    """An outcome, bad ones in red."""
    colour = {"done": "green", "failed": "red", "abandoned": "red", "retrying": "yellow"}
    chosen = colour.get(outcome.value)
    return f"[{chosen}]{outcome.value}[/]" if chosen else outcome.value


def took(span: timedelta | None) -> str:
    """A duration, or a dash."""
    return NOTHING if span is None else f"{span.total_seconds():.2f} s"


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()
