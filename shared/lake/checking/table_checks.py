"""Every check of a table that needs nothing but the lake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pyiceberg.table import Table

from shared.lake.balance import balance
from shared.lake.checking.deletes import check_deletes
from shared.lake.checking.files import check_existence, check_totals
from shared.lake.checking.findings import Check, Finding, TableChecks, Verdict, skipped, wrong
from shared.lake.checking.keys import check_key
from shared.lake.checking.origin import check_origin
from shared.lake.provenance import traced
from shared.lake.reader import LakeReader, reachable
from shared.lake.reading.live_files import live_files
from shared.lake.table_state import SnapshotEntry, TableState
from shared.runtime.errors import Refused
from shared.tables.spec import TableSpec

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Pinned:
    """A table as it was when checking began."""

    spec: TableSpec
    table: Table
    state: TableState
    head: SnapshotEntry


def check_table(lake: LakeReader, spec: TableSpec, progress: Progress) -> TableChecks:
    """Check one table at its head.

    Args:
        lake: where the tables are.
        spec: the table.
        progress: told what is being looked at.

    Raises:
        NotFound: the catalog does not have the table.
        Unavailable: catalog or store do not answer.
    """
    table = lake.table(spec.name)
    state = TableState.of(table.metadata)
    head = state.current_snapshot()
    checks = list(_of_progress(lake, spec, state, progress))
    if head is not None:
        checks += _of_files(lake, _Pinned(spec, table, state, head), progress)
    return TableChecks(spec.name, None if head is None else head.snapshot_id, tuple(checks))


def _of_progress(
    lake: LakeReader, spec: TableSpec, state: TableState, progress: Progress
) -> Iterator[Check]:
    """What the table says of its inputs."""
    if spec.derived is not None:
        progress("origin")
        yield _of_origin(lake, spec, state)
    if spec.topics:
        progress("ledger")
        found = balance(lake, spec.name)
        findings = [
            wrong(f"{partition.topic}/{partition.partition}: {finding}")
            for partition in found.partitions
            for finding in partition.findings
        ]
        if found.lost:
            findings.append(wrong("its positions are lost"))
        rows = sum(partition.counted.rows for partition in found.partitions)
        looked_at = f"{rows} rows in {len(found.partitions)} partitions"
        advice = f"`bergline counts {spec.name}`, `bergline offsets show {spec.name}`"
        yield Check("ledger", looked_at, tuple(findings), advice if findings else "")


def _of_origin(lake: LakeReader, spec: TableSpec, state: TableState) -> Check:
    """What a table is built from, beside its inputs, which are loaded after it.

    It may be built anew in between, and then its inputs need not keep any longer what it was built
    from: what seems wrong is looked at once more.
    """
    check = check_origin(spec, state, _sources(lake, spec))
    if not check.findings:
        return check
    again = TableState.of(lake.table(spec.name).metadata)
    if traced(again).provenance == traced(state).provenance:
        return check
    return check_origin(spec, again, _sources(lake, spec))


def _sources(lake: LakeReader, spec: TableSpec) -> dict[str, TableState | None]:
    loaded = lake.tables(() if spec.derived is None else spec.derived.reads)
    return {
        name: None if table is None else TableState.of(table.metadata)
        for name, table in loaded.items()
    }


def _of_files(lake: LakeReader, pinned: _Pinned, progress: Progress) -> Iterator[Check]:
    """The files of the head; a store that lacks one is no store that does not answer."""
    try:
        with reachable(lake.settings):
            files = live_files(pinned.table, pinned.head)
    except Refused as error:
        yield Check("files", "nothing", (skipped(error.what),), error.next_step)
        return
    progress("files")
    with reachable(lake.settings):
        existence = check_existence(pinned.table.io, files)
    yield existence
    yield check_totals(pinned.head.summary, files)
    if existence.verdict is Verdict.WRONG:
        because: Finding = skipped("files are missing or damaged")
        yield Check("deletes", "nothing", (because,))
        if pinned.spec.derived is not None:
            yield Check("key", "nothing", (because,))
        return
    progress("deletes")
    with reachable(lake.settings):
        deletes, deleted = check_deletes(pinned.table.io, files)
    yield deletes
    if pinned.spec.derived is not None:
        progress("key")
        rows = sum(each.file.record_count for each in files.data.values()) - deleted
        yield check_key(lake, pinned.spec, pinned.head.snapshot_id, rows)
