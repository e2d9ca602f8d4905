"""Figures of tables and of their data files, from metadata alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from pyiceberg.table import Table
from pyiceberg.transforms import DayTransform

from shared.lake.commit import KEY_WRITER
from shared.lake.history import rows_of
from shared.lake.provenance import traced
from shared.lake.recorded import recorded
from shared.lake.table_state import TableState
from shared.tables.spec import TableSpec

_MIB = 1024 * 1024
SIZE_CLASSES: Mapping[str, int] = MappingProxyType(
    {"<1 MiB": _MIB, "1–16 MiB": 16 * _MIB, "16–64 MiB": 64 * _MIB, "64–256 MiB": 256 * _MIB}
)
"""Upper bound of each class, exclusive; beyond the last is :data:`LARGEST`."""

LARGEST = "≥256 MiB"
_EPOCH = date(1970, 1, 1)


class PositionsState(StrEnum):
    """Whether a table says what it holds: how much of its topics, or of what it is built from."""

    FOUND = "found"
    LOST = "lost"
    """It has snapshots, and none that can be reached says so."""
    EMPTY = "empty"
    """Nothing was consumed or built yet."""


@dataclass(frozen=True, slots=True)
class TableFigures:
    """One declared table; figures are ``None`` when the catalog does not have it.

    Attributes:
        kind: ``landing``, or how a derived table follows from its inputs.
        rows: records in the data files without those that position deletes name.
        foreign: snapshots of other engines on top of the last one that says what it holds.
    """

    table: str
    exists: bool
    kind: str = "landing"
    rows: int | None = None
    files: int | None = None
    bytes: int | None = None
    delete_files: int | None = None
    snapshots: int | None = None
    snapshot_id: int | None = None
    committed_at: datetime | None = None
    writer: str | None = None
    positions: PositionsState | None = None
    foreign: int = 0


def figures(spec: TableSpec, table: Table | None) -> TableFigures:
    """Figures of one table from the summary of its head."""
    kind = "landing" if spec.derived is None else str(spec.derived.kind)
    if table is None:
        return TableFigures(spec.name, exists=False, kind=kind)
    state = TableState.of(table.metadata)
    head = state.current_snapshot()
    summary = head.summary if head else {}
    standing, foreign = _standing(spec, state)

    def total(key: str) -> int | None:
        if head is None:
            return 0
        return int(summary[key]) if key in summary else None

    return TableFigures(
        spec.name,
        exists=True,
        kind=kind,
        rows=rows_of(summary) if head else 0,
        files=total("total-data-files"),
        bytes=total("total-files-size"),
        delete_files=total("total-delete-files"),
        snapshots=len(state.snapshots),
        snapshot_id=head.snapshot_id if head else None,
        committed_at=datetime.fromtimestamp(head.timestamp_ms / 1000, UTC) if head else None,
        writer=summary.get(KEY_WRITER) or summary.get("engine-name"),
        positions=standing,
        foreign=foreign if standing is PositionsState.FOUND else 0,
    )


def _standing(spec: TableSpec, state: TableState) -> tuple[PositionsState, int]:
    """Whether the table says what it holds, and how many snapshots of others are on top."""
    if spec.derived is not None:
        origin = traced(state)
        if origin.provenance is not None:
            return PositionsState.FOUND, len(origin.foreign)
        return (PositionsState.LOST if origin.foreign else PositionsState.EMPTY), 0
    known = recorded(state)
    if known.positions is None:
        return PositionsState.LOST, 0
    found = PositionsState.FOUND if known.positions.partitions else PositionsState.EMPTY
    return found, known.foreign


@dataclass(frozen=True, slots=True)
class DataFileFigures:
    """One live data file; ``partition`` in words, empty outside of partitions, as at level 0."""

    path: str
    rows: int
    bytes: int
    partition: str
    delete_files: int


def data_files(table: Table) -> Iterator[DataFileFigures]:
    """The data files of a table's head, in the order of its manifests."""
    specs = table.metadata.specs()
    for task in table.scan().plan_files():
        file = task.file
        words = [
            f"{field.name}={_partition_value(field.transform, file.partition[index])}"
            for index, field in enumerate(specs[file.spec_id].fields)
        ]
        yield DataFileFigures(
            path=file.file_path,
            rows=file.record_count,
            bytes=file.file_size_in_bytes,
            partition="/".join(words),
            delete_files=len(task.delete_files),
        )


def size_classes(sizes: Iterable[int]) -> dict[str, int]:
    """Number of files of each size class, every class present."""
    counted = Counter(size_class(size) for size in sizes)
    return {name: counted[name] for name in (*SIZE_CLASSES, LARGEST)}


def size_class(size: int) -> str:
    """Class of a file of so many bytes."""
    for name, bound in SIZE_CLASSES.items():
        if size < bound:
            return name
    return LARGEST


def _partition_value(transform: Any, value: Any) -> str:
    if isinstance(transform, DayTransform) and isinstance(value, int):
        return (_EPOCH + timedelta(days=value)).isoformat()
    return str(value)
