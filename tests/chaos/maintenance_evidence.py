"""Asking the witnesses of maintenance: the store's listing, plain PyIceberg, the broker's topic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa
from pyarrow.fs import FileSelector
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation, Snapshot

from deploy.demo.head_rows import HeadRows
from shared.contracts.topics import MAINTENANCE
from shared.runtime.settings import Settings
from shared.tables.registry import TABLES
from tests.chaos.evidence import events, store
from tests.chaos.history import arrow_table
from tests.chaos.maintenance_audit import MaintenanceEvidence
from tests.chaos.outages import Outage
from tests.chaos.plain_catalog import plain_catalog

_READ = 3
"""Of so many ``replace`` snapshots of a table, the newest, the rows are read."""

_RECORDED = ("offsets", "sources", "transform", "as_of", "complete")
_DIGEST = "select count(*), coalesce(sum(hash(rows)), 0)::varchar from rows"

_TEXT, _NUMBER = pa.utf8(), pa.int64()


def gather(settings: Settings, outages: Sequence[Outage]) -> MaintenanceEvidence:
    """Everything, once traffic has ended; maintenance itself may go on.

    Metadata is loaded before the store is listed and again after it. What was retained both times
    must be there: files go only after the snapshots that name them.
    """
    catalog = plain_catalog(settings)
    before = {name: catalog.load_table(settings.environment.table(name)) for name in TABLES}
    versions = list(_versions(before))
    named = [each for name, table in before.items() for each in named_files(name, table)]
    stored = [
        each for name, table in before.items() for each in stored_files(settings, name, table)
    ]
    after = {name: catalog.load_table(settings.environment.table(name)) for name in TABLES}
    retained = {
        (name, snapshot.snapshot_id)
        for name, table in after.items()
        for snapshot in table.metadata.snapshots
    }
    ended = list(events(settings, MAINTENANCE))
    return MaintenanceEvidence(
        named=arrow_table(
            (each for each in named if (each["table_name"], each["snapshot_id"]) in retained),
            table_name=_TEXT,
            snapshot_id=_NUMBER,
            kind=_TEXT,
            path=_TEXT,
        ),
        stored=arrow_table(stored, table_name=_TEXT, path=_TEXT, bytes=_NUMBER),
        versions=arrow_table(
            versions,
            table_name=_TEXT,
            snapshot_id=_NUMBER,
            parent_id=_NUMBER,
            operation=_TEXT,
            rows=_NUMBER,
            digest=_TEXT,
            recorded=_TEXT,
        ),
        failures=arrow_table(
            (_failure(each) for each in ended if "failed_at" in each),
            table_name=_TEXT,
            job=_TEXT,
            worker=_TEXT,
            began_ms=_NUMBER,
            ended_ms=_NUMBER,
            error_type=_TEXT,
            error=_TEXT,
        ),
        jobs=arrow_table(
            (
                {
                    "table_name": each["table"],
                    "job": each["job"],
                    "status": each["status"],
                    "worker": each["worker"],
                    "ended_ms": _ms(each["succeeded_at"]),
                }
                for each in ended
                if "succeeded_at" in each
            ),
            table_name=_TEXT,
            job=_TEXT,
            status=_TEXT,
            worker=_TEXT,
            ended_ms=_NUMBER,
        ),
        outages=arrow_table(
            (asdict(each) for each in outages), name=_TEXT, began_ms=_NUMBER, ended_ms=_NUMBER
        ),
    )


def named_files(name: str, table: Table) -> Iterator[Mapping[str, Any]]:
    """Every file that a retained snapshot of whatever branch or tag names, without its scheme."""
    files: dict[str, list[str]] = {}
    for snapshot in table.metadata.snapshots:
        place = {"table_name": name, "snapshot_id": snapshot.snapshot_id}
        yield place | {"kind": "manifest list", "path": _path(snapshot.manifest_list)}
        for manifest in snapshot.manifests(table.io):
            path = manifest.manifest_path
            yield place | {"kind": "manifest", "path": _path(path)}
            if path not in files:
                entries = manifest.fetch_manifest_entry(table.io, discard_deleted=True)
                files[path] = [_path(each.data_file.file_path) for each in entries]
            for file in files[path]:
                yield place | {"kind": "file", "path": file}


def stored_files(settings: Settings, name: str, table: Table) -> Iterator[Mapping[str, Any]]:
    """Every object below a table's location."""
    selector = FileSelector(_path(table.location()), recursive=True, allow_not_found=True)
    for each in store(settings).get_file_info(selector):
        if each.is_file:
            yield {"table_name": name, "path": each.path, "bytes": each.size}


def _path(uri: str) -> str:
    return uri.partition("://")[2]


def _versions(tables: Mapping[str, Table]) -> Iterator[Mapping[str, Any]]:
    """The newest replaces whose parents are retained, and these, each once."""
    head_rows = HeadRows()
    for name, table in tables.items():
        pairs = [
            (each, parent)
            for each in table.metadata.snapshots
            if each.summary is not None and each.summary.operation is Operation.REPLACE
            if (parent := table.snapshot_by_id(each.parent_snapshot_id or 0)) is not None
        ]
        pairs.sort(key=lambda pair: pair[0].sequence_number or 0)
        wanted = {each.snapshot_id: each for pair in pairs[-_READ:] for each in pair}
        for snapshot in wanted.values():
            yield _version(name, snapshot, head_rows.of(table, snapshot))


def _version(name: str, snapshot: Snapshot, rows: pa.Table) -> Mapping[str, Any]:
    with duckdb.connect() as sql:
        sql.register("rows", rows)
        count, digest = sql.execute(_DIGEST).fetchone() or (0, "")
    summary = snapshot.summary
    assert summary is not None
    said = {key: summary.additional_properties.get(f"bergline.{key}") for key in _RECORDED}
    return {
        "table_name": name,
        "snapshot_id": snapshot.snapshot_id,
        "parent_id": snapshot.parent_snapshot_id,
        "operation": summary.operation.value,
        "rows": count,
        "digest": digest,
        "recorded": str(said),
    }


def _failure(event: Mapping[str, Any]) -> Mapping[str, Any]:
    ended_ms = _ms(event["failed_at"])
    return {
        "table_name": event["table"],
        "job": event["job"],
        "worker": event["worker"],
        "began_ms": ended_ms - int(event["seconds"] * 1000),
        "ended_ms": ended_ms,
        "error_type": event["error_type"],
        "error": event["error"],
    }


def _ms(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp() * 1000)
