"""The vocabulary in which tables are declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from types import MappingProxyType

from shared.contracts.column_types import TimeFormat as TimeFormat
from shared.contracts.column_types import Type as Type


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: column name.
        type: its type.
        field_id: Iceberg field id; given once, never reused, never changed.
        path: where the value stands in the payload, from the root; empty for columns that do
            not come from the payload.
        time_format: how a timestamp is written in the payload.
        required: whether null is impossible.
        doc: one sentence for the table's page.
    """

    name: str
    type: Type
    field_id: int
    path: tuple[str, ...] = ()
    time_format: TimeFormat = TimeFormat.ISO_8601
    required: bool = False
    doc: str = ""


class Grain(Enum):
    """What of a column's value names the partition (Iceberg spec, "Partition Transforms")."""

    DAY = "day"
    MONTH = "month"
    IDENTITY = "identity"


@dataclass(frozen=True, slots=True)
class Partitioning:
    """One partition field: the grain of one column."""

    column: str
    grain: Grain


class Kind(StrEnum):
    """How a derived table follows from its inputs."""

    FOLD = "fold"
    """A row is the fold of all input rows of its key: idempotent, commutative, associative."""
    GROUP = "group"
    """The rows of a group depend on nothing but the input rows that are routed to it."""
    CLOSURE = "closure"
    """A route iterated to a fixed point."""
    LOG = "log"
    """History: outside of "incremental equals full"."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """What makes a table a derived one.

    Attributes:
        kind: how it follows from its inputs.
        reads: logical tables, every input.
        key: columns that identify a row.
        sort: columns by which the rows of a file are sorted.
        stamped: columns that tell when a row was written; set at writing and no part of the
            result, so that two builds of the same inputs may differ in them.
        ticked: whether the result depends on the business date, too.
        dated: column whose day a refresh of some days goes by; ``None``: the one that the table
            is partitioned by, if that is a day or a moment.
    """

    kind: Kind
    reads: tuple[str, ...]
    key: tuple[str, ...]
    sort: tuple[str, ...] = ()
    stamped: tuple[str, ...] = ()
    ticked: bool = False
    dated: str | None = None


@dataclass(frozen=True, slots=True)
class Loading:
    """How a landing table takes in files that the records of its topic announce.

    Each file's rows are the columns with a path, and ``_raw_id`` identifies them: what the table
    holds is not inserted again.

    Attributes:
        source: whose files they are.
        identity: columns that ``_raw_id`` is made of, in order.
        event_time: column with microseconds since 1970, which ``_event_time`` is made of.
        event_type: column that ``_event_type`` repeats.
    """

    source: str
    identity: tuple[str, ...]
    event_time: str
    event_type: str


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One table.

    Attributes:
        name: logical name, ``namespace.table``.
        topics: logical topics whose records land here; empty for derived tables.
        columns: in order; system columns first.
        partition_by: how the table is partitioned, or ``None``.
        doc: one sentence.
        properties: Iceberg table properties beyond the platform's own; ``write.merge.mode`` among
            them says whether a derived table changes rows by position deletes
            (``merge-on-read``, the default) or by rewriting files (``copy-on-write``).
        derived: how it follows from other tables; ``None`` for a landing table.
        once_by: columns that identify a row of a landing table whose topic may tell a thing more
            than once: a record that says what a row says already is a stated gap and no row. Null
            equals null, but rows without a value in the first column are all landed, and so is
            what cannot be parsed.
        loading: of a landing table whose topic announces files, how their rows become its rows.
    """

    name: str
    topics: tuple[str, ...]
    columns: tuple[Column, ...]
    partition_by: Partitioning | None
    doc: str
    properties: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    derived: Derivation | None = None
    once_by: tuple[str, ...] = ()
    loading: Loading | None = None

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        ids = [column.field_id for column in self.columns]
        if len(set(names)) != len(names) or len(set(ids)) != len(ids):
            raise ValueError(f"table {self.name}: column names and field ids must be unique")
        named = [] if self.partition_by is None else [self.partition_by.column]
        named += self.once_by
        if self.derived is not None:
            named += [*self.derived.key, *self.derived.sort, *self.derived.stamped]
            named += [] if self.derived.dated is None else [self.derived.dated]
        if missing := sorted(set(named) - set(names)):
            raise ValueError(f"table {self.name}: {', '.join(missing)} is none of its columns")
        if self.derived is not None and self.derived.dated is not None and self.dated is None:
            raise ValueError(
                f"table {self.name}: rows of a {self.derived.kind} cannot be told by the day of "
                f"{self.derived.dated}"
            )

    @property
    def dated(self) -> Column | None:
        """The column by whose day rows of a derived table can be computed anew on their own.

        ``None`` where no column is a day or a moment that its function computes, and for kinds
        whose rows depend on what is far from their day.
        """
        derived = self.derived
        if derived is None or derived.kind not in (Kind.FOLD, Kind.GROUP):
            return None
        partitioned = None if self.partition_by is None else self.partition_by.column
        name = derived.dated or partitioned
        if name is None or name in derived.stamped:
            return None
        column = self.column(name)
        return column if column.type in (Type.DATE, Type.TIMESTAMP) else None

    @property
    def payload_columns(self) -> tuple[Column, ...]:
        """Columns filled from the payload."""
        return tuple(column for column in self.columns if column.path)

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            KeyError: there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"table {self.name} has no column {name!r}")


PLATFORM_PROPERTIES: Mapping[str, str] = MappingProxyType(
    {
        "format-version": "2",
        "write.parquet.compression-codec": "zstd",
        "write.metadata.delete-after-commit.enabled": "true",
        "write.metadata.previous-versions-max": "10",
        "commit.manifest-merge.enabled": "true",
        "commit.manifest.min-count-to-merge": "100",
    }
)
"""Properties of every table. zstd because brotli and lz4 break some engines' readers."""
