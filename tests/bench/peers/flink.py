"""Flink SQL: its Kafka source, its JSON format or functions, Iceberg's sink, in one JVM."""

from __future__ import annotations

from pathlib import Path

from pyiceberg.types import DecimalType, IcebergType, TimestamptzType

from shared.lake.catalog import open_catalog
from shared.runtime.settings import Settings
from tests.bench.peers.contestant import Contestant
from tests.bench.peers.java import class_path, command, compiled, environment
from tests.bench.peers.java_catalog import java_catalog
from tests.bench.peers.orders_tables import (
    CUSTOMER,
    LINE_ITEM,
    NAMESPACE,
    PAYLOAD,
    SCALARS,
    make_table,
)
from tests.bench.peers.topic import TOPIC

_FOLDER = Path(__file__).with_name("flink")
_SQL_TYPES = {"long": "BIGINT", "int": "INT", "string": "STRING", "boolean": "BOOLEAN"}


class FlinkTyped(Contestant):
    """Typed columns by the ``json`` format; the payload is gone."""

    name = "flink"
    title = "Flink 1.20.3 SQL, json format, without the payload"
    table = f"{NAMESPACE}.flink"

    def __init__(self, settings: Settings, directory: Path) -> None:
        super().__init__(settings, directory)
        self._classes = compiled(_FOLDER / "FlinkSql.java", class_path(_FOLDER), directory)

    def prepare(self) -> None:
        """One table."""
        name = self.table.partition(".")[2]
        make_table(open_catalog(self.settings), name, nested=True, times=False, payload=False)

    def start(self, commit_seconds: int) -> None:
        """A new job from the log start."""
        statements = [_catalog(self.settings), self._source(), self._insert()]
        self._launch(
            command(self._classes, "FlinkSql", str(commit_seconds)),
            environment=environment(),
            stdin="\n;\n".join(statements),
        )

    def _source(self) -> str:
        items = f"ARRAY<{_row(LINE_ITEM)}>"
        columns = [f"`{name}` {_sql_type(kind)}" for name, kind in SCALARS]
        columns += [f"`customer` {_row(CUSTOMER)}", f"`line_items` {items}"]
        return _kafka(", ".join(columns), "json", self.settings)

    def _insert(self) -> str:
        return f"INSERT INTO lake.{self.table} SELECT * FROM source"


class FlinkWithPayload(FlinkTyped):
    """The payload by the ``raw`` format, typed columns by SQL's JSON functions."""

    name = "flink_payload"
    title = "Flink 1.20.3 SQL, raw format and JSON_VALUE, with the payload"
    table = f"{NAMESPACE}.flink_payload"

    def prepare(self) -> None:
        """One table."""
        name = self.table.partition(".")[2]
        make_table(open_catalog(self.settings), name, nested=False, times=False, payload=True)

    def _source(self) -> str:
        return _kafka(f"`{PAYLOAD}` STRING", "raw", self.settings)

    def _insert(self) -> str:
        columns = [
            f"CAST(JSON_VALUE(`{PAYLOAD}`, '$.{name}') AS {_sql_type(kind)})"
            for name, kind in SCALARS
        ]
        columns += [f"JSON_QUERY(`{PAYLOAD}`, '$.{name}')" for name in ("customer", "line_items")]
        return f"INSERT INTO lake.{self.table} SELECT {', '.join(columns)}, `{PAYLOAD}` FROM source"


def _sql_type(kind: IcebergType) -> str:
    if isinstance(kind, DecimalType):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    if isinstance(kind, TimestamptzType):
        return "STRING"  # the json format reads times in UTC only
    return _SQL_TYPES[str(kind)]


def _row(fields: tuple[tuple[str, IcebergType], ...]) -> str:
    return f"ROW<{', '.join(f'`{name}` {_sql_type(kind)}' for name, kind in fields)}>"


def _kafka(columns: str, format_: str, settings: Settings) -> str:
    return _with(
        f"CREATE TEMPORARY TABLE source ({columns})",
        {
            "connector": "kafka",
            "topic": TOPIC,
            "properties.bootstrap.servers": settings.brokers,
            "scan.startup.mode": "earliest-offset",
            "format": format_,
        },
    )


def _catalog(settings: Settings) -> str:
    return _with(
        "CREATE CATALOG lake",
        {
            "type": "iceberg",
            "catalog-type": "rest",
            **java_catalog(settings),
        },
    )


def _with(statement: str, options: dict[str, str]) -> str:
    listed = ", ".join(f"'{name}' = '{value}'" for name, value in options.items())
    return f"{statement} WITH ({listed})"
