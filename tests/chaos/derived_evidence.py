"""Asking the witnesses of derived tables, once everything is built: plain PyIceberg and DuckDB."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.table import Table

from deploy.demo.deriving import topics_of
from deploy.demo.marts import MART
from deploy.demo.recomputation import RAW, RECOMPUTED, compare_all, recompute
from shared.lake.provenance import traced
from shared.lake.table_state import TableState
from shared.runtime.settings import Settings
from shared.tables.registry import derived_tables
from tests.chaos.derived_audit import DerivedEvidence
from tests.chaos.derived_history import DerivedHistory
from tests.chaos.evidence import announcements, log_bounds
from tests.chaos.history import arrow_table
from tests.chaos.plain_catalog import plain_catalog

_BUILDS = {
    "table_name": pa.utf8(),
    "sequence": pa.int64(),
    "snapshot_id": pa.int64(),
    "parent_id": pa.int64(),
    "commit_id": pa.utf8(),
    "operation": pa.utf8(),
    "as_of": pa.utf8(),
    "committed_ms": pa.int64(),
}


def gather(
    settings: Settings, history: DerivedHistory, *, patience_s: float = 60.0
) -> DerivedEvidence:
    """Everything, once every derived table is complete.

    Announcements follow commits, so they are waited for, but no longer than ``patience_s``.
    """
    history.look()
    catalog = plain_catalog(settings)
    tables = {
        name: catalog.load_table(settings.environment.table(name)) for name in (*RECOMPUTED, *RAW)
    }
    return DerivedEvidence(
        builds=arrow_table(_builds(history), **_BUILDS),
        complete=arrow_table(
            (
                {
                    "table_name": build.table,
                    "sequence": build.snapshot.sequence_number,
                    "topic": topic,
                    "partition": partition,
                    "next": offset,
                }
                for build in history.builds
                for (topic, partition), offset in build.provenance.complete.items()
            ),
            table_name=pa.utf8(),
            sequence=pa.int64(),
            topic=pa.utf8(),
            partition=pa.int64(),
            next=pa.int64(),
        ),
        cuts=arrow_table(
            (
                {
                    "table_name": build.table,
                    "sequence": build.snapshot.sequence_number,
                    "source": source,
                    "uuid": cut.uuid,
                    "source_sequence": cut.sequence_number,
                }
                for build in history.builds
                for source, cut in build.provenance.sources.items()
            ),
            table_name=pa.utf8(),
            sequence=pa.int64(),
            source=pa.utf8(),
            uuid=pa.utf8(),
            source_sequence=pa.int64(),
        ),
        ends=_ends(settings),
        deleted=pa.concat_tables(_deleted(name, tables[name]) for name in RECOMPUTED),
        comparisons=arrow_table(
            _comparisons(tables),
            table_name=pa.utf8(),
            rows=pa.int64(),
            expected=pa.int64(),
            missing=pa.int64(),
            unasked=pa.int64(),
            example=pa.utf8(),
        ),
        announcements=_announced(settings, history, patience_s),
    )


def _builds(history: DerivedHistory) -> Iterator[Mapping[str, Any]]:
    for build in history.builds:
        snapshot, as_of = build.snapshot, build.provenance.as_of
        yield {
            "table_name": build.table,
            "sequence": snapshot.sequence_number,
            "snapshot_id": snapshot.snapshot_id,
            "parent_id": snapshot.parent_snapshot_id,
            "commit_id": snapshot.summary.get("bergline.commit"),
            "operation": snapshot.summary["operation"],
            "as_of": None if as_of is None else as_of.isoformat(),
            "committed_ms": snapshot.timestamp_ms,
        }


def _ends(settings: Settings) -> pa.Table:
    """Of each derived table the partitions of its topics."""
    logs = log_bounds(settings).to_pylist()
    return arrow_table(
        (
            {**log, "table_name": spec.name}
            for spec in derived_tables()
            for log in logs
            if log["topic"] in topics_of(spec)
        ),
        table_name=pa.utf8(),
        topic=pa.utf8(),
        partition=pa.int64(),
        log_end=pa.int64(),
    )


def _deleted(name: str, table: Table) -> pa.Table:
    """The rows of a table's live position delete files."""
    files = {each.file_path for task in table.scan().plan_files() for each in task.delete_files}
    parts = [pa.schema({"file_path": pa.utf8(), "pos": pa.int64()}).empty_table()]
    for path in sorted(files):
        with table.io.new_input(path).open() as file:
            parts.append(pq.read_table(file, columns=["file_path", "pos"]))
    rows = pa.concat_tables(parts, promote_options="permissive")
    return rows.append_column("table_name", pa.array([name] * rows.num_rows, pa.utf8()))


def _comparisons(tables: Mapping[str, Table]) -> Iterator[Mapping[str, Any]]:
    rows = {name: table.scan().to_arrow() for name, table in tables.items()}
    provenance = traced(TableState.of(tables[MART].metadata)).provenance
    if provenance is None or provenance.as_of is None:
        return  # said by the rule that asks for builds
    expected = recompute(rows, provenance.as_of)
    for found in compare_all(rows, expected):
        yield {
            "table_name": found.table,
            "rows": found.rows,
            "expected": found.expected,
            "missing": found.missing,
            "unasked": found.unasked,
            "example": str(found.examples[0]) if found.examples else None,
        }


def _announced(settings: Settings, history: DerivedHistory, patience_s: float) -> pa.Table:
    heads = {
        (name, state.current_snapshot_id)
        for name, state in history.states.items()
        if state.current_snapshot_id is not None
    }
    give_up = time.monotonic() + patience_s
    while True:
        found = announcements(settings)
        pairs = zip(found["table_name"].to_pylist(), found["snapshot_id"].to_pylist(), strict=True)
        if not heads - set(pairs) or time.monotonic() > give_up:
            return found
        time.sleep(0.5)
