"""Waves: what became of every commit of a landing table, and of everything else that was built.

From the events of ``lakehouse.builds`` and ``lakehouse.commits`` alone, which may be repeated and
may begin anywhere. A wave of a commit ends when every table derived from the landing table holds it
(:mod:`shared.contracts.builds`); most commits have no build of their own, an earlier wave's builds
took them along. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from shared.contracts.builds import BuildFailed, BuildStarted, BuildSucceeded
from shared.contracts.event import Event
from shared.contracts.tables import Offsets, TableCommitted
from shared.runtime.open_waves import covers
from shared.runtime.wave import Build, Outcome, Wave
from shared.tables.lineage import downstream
from shared.tables.spec import TableSpec


def builds_of(events: Iterable[Event]) -> list[Build]:
    """Every build that the events tell of, in the order in which they began."""
    started: dict[str, BuildStarted] = {}
    ended: dict[str, BuildSucceeded | BuildFailed] = {}
    for event in events:
        if isinstance(event, BuildStarted):
            started.setdefault(event.build_id, event)
        elif isinstance(event, BuildSucceeded | BuildFailed):
            ended.setdefault(event.build_id, event)
    found = [_build(started.get(each), ended.get(each)) for each in {**started, **ended}]
    found.sort(key=lambda build: (build.started_at, build.build_id))
    last = {build.target: build.build_id for build in found}
    return [
        replace(build, outcome=Outcome.ABANDONED)
        if build.outcome is Outcome.RUNNING and last[build.target] != build.build_id
        else build
        for build in found
    ]


def waves(
    commits: Iterable[TableCommitted], builds: Iterable[Build], tables: Mapping[str, TableSpec]
) -> list[Wave]:
    """Every wave that the events tell of, in the order in which they began.

    Args:
        commits: of landing and derived tables, in order of each table.
        builds: as :func:`builds_of` gives them.
        tables: declarations.
    """
    by_table: dict[str, list[TableCommitted]] = {}
    for commit in commits:
        of_table = by_table.setdefault(commit.table, [])
        if not of_table or of_table[-1].sequence_number < commit.sequence_number:
            of_table.append(commit)
    by_wave: dict[str, list[Build]] = {}
    for build in builds:
        by_wave.setdefault(build.wave, []).append(build)
    found: list[Wave] = []
    for name, own in by_table.items():
        derived = sorted(downstream(name, tables)) if name in tables else []
        if derived and tables[name].topics:
            found += _of_table(own, {each: by_table.get(each, []) for each in derived}, by_wave)
    found += [_of_builds(wave, rest) for wave, rest in by_wave.items()]
    return sorted(found, key=lambda wave: (wave.started_at, wave.wave))


def _of_table(
    own: Iterable[TableCommitted],
    derived: Mapping[str, list[TableCommitted]],
    by_wave: dict[str, list[Build]],
) -> list[Wave]:
    """The waves of one landing table; takes their builds out of ``by_wave``."""
    found: list[Wave] = []
    next_commit = dict.fromkeys(derived, 0)
    before: Offsets = {}
    for commit in own:
        if not commit.offsets or commit.offsets == before:
            continue  # maintenance, another engine: nothing new to be built from
        before = commit.offsets
        held: dict[str, datetime] = {}
        for name, commits in derived.items():
            # A table's progress only rises, so what did not hold the last wave holds none later.
            at = next_commit[name]
            while at < len(commits) and not covers(commits[at].complete, commit.offsets):
                at += 1
            next_commit[name] = at
            if at < len(commits):
                held[name] = max(commits[at].committed_at, commit.committed_at)
        missing = tuple(name for name in derived if name not in held)
        wave = f"{commit.table}/{commit.sequence_number}"
        builds = tuple(by_wave.pop(wave, ()))
        found.append(
            Wave(
                wave=wave,
                outcome=_outcome(builds, Outcome.WAITING) if missing else Outcome.DONE,
                started_at=commit.committed_at,
                ended_at=None if missing else max(held.values()),
                builds=builds,
                held=held,
                missing=missing,
            )
        )
    return found


def _of_builds(wave: str, builds: Collection[Build]) -> Wave:
    """A wave that no commit began, or whose commit is older than the events."""
    outcome = _outcome(builds, Outcome.DONE)
    ends = [build.ended_at for build in builds if build.ended_at is not None]
    return Wave(
        wave=wave,
        outcome=outcome,
        started_at=min(build.started_at for build in builds),
        ended_at=max(ends) if outcome in (Outcome.DONE, Outcome.FAILED) and ends else None,
        builds=tuple(builds),
    )


def _outcome(builds: Iterable[Build], otherwise: Outcome) -> Outcome:
    """By the last build of each table, the worst first."""
    last = {build.target: build.outcome for build in builds}
    worst = (Outcome.FAILED, Outcome.RETRYING, Outcome.RUNNING)
    return next((each for each in worst if each in last.values()), otherwise)


def _build(start: BuildStarted | None, end: BuildSucceeded | BuildFailed | None) -> Build:
    if end is None:
        if start is None:
            raise ValueError("a build that neither began nor ended")
        return Build(
            start.build_id,
            start.target,
            start.wave,
            start.cause,
            start.attempt,
            Outcome.RUNNING,
            start.started_at,
            text=start.reason,
        )
    ended_at = end.event_time()
    started_at = ended_at - timedelta(seconds=end.seconds) if start is None else start.started_at
    common = (end.build_id, end.target, end.wave, end.cause, end.attempt)
    if isinstance(end, BuildFailed):
        return Build(
            *common,
            Outcome.RETRYING if end.will_retry else Outcome.FAILED,
            started_at,
            ended_at,
            text=f"{end.error_type}: {end.error}",
            next_attempt_at=end.next_attempt_at,
        )
    return Build(
        *common,
        Outcome.DONE,
        started_at,
        ended_at,
        mode=end.mode,
        text=end.reason,
        rows_read=end.rows_read,
        rows_added=end.rows_added,
        rows_removed=end.rows_removed,
        bytes_read=end.bytes_read,
        bytes_written=end.bytes_written,
        snapshot_id=end.snapshot_id,
    )
