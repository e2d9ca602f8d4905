"""The vocabulary in which tables are declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType


class Type(Enum):
    """Column types. Only those that every engine reads (no ``time``, timestamps with zone)."""

    STRING = "string"
    INT = "int"
    LONG = "long"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamptz"
    DECIMAL_18_2 = "decimal(18, 2)"
    JSON = "json"
    """JSON text, stored as string."""
    BINARY = "binary"


class TimeFormat(Enum):
    """How a payload writes a timestamp."""

    ISO_8601 = "iso8601"
    UNIX_SECONDS = "unix seconds"


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


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One table.

    Attributes:
        name: logical name, ``namespace.table``.
        topics: logical topics whose records land here; empty for derived tables.
        columns: in order; system columns first.
        partition_by_day: column whose day partitions the table, or ``None``.
        doc: one sentence.
        properties: Iceberg table properties beyond the platform's own.
    """

    name: str
    topics: tuple[str, ...]
    columns: tuple[Column, ...]
    partition_by_day: str | None
    doc: str
    properties: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        ids = [column.field_id for column in self.columns]
        if len(set(names)) != len(names) or len(set(ids)) != len(ids):
            raise ValueError(f"table {self.name}: column names and field ids must be unique")

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
