"""The page of tables."""

from __future__ import annotations

from collections.abc import Iterable

from deploy.reference import markdown
from shared.tables.raw.landing import SYSTEM_COLUMNS
from shared.tables.registry import TABLES
from shared.tables.spec import PLATFORM_PROPERTIES, Column, Derivation, TableSpec, TimeFormat

_INTRODUCTION = (
    "Names are logical: `BERGLINE_ENV=dev` makes `raw.shopify_orders` the table "
    "`dev_raw.shopify_orders`. Field ids never change. `json` is JSON text in a string column. "
    "Standard Iceberg table properties set on a table override the platform's own. What is derived "
    "is a *fold* (a row from all input rows of its key), a *group* (rows from all input rows of "
    "their group) or a *closure* (groups that reach each other)."
)


def page() -> str:
    """``deploy/reference/tables.md``."""
    overview = markdown.table(
        ("table", "kind", "from", "partitioned by", "what"),
        [
            (
                f"[{spec.name}](#{spec.name.replace('.', '')})",
                "landing" if spec.derived is None else spec.derived.kind.value,
                markdown.codes(spec.topics if spec.derived is None else spec.derived.reads),
                "–"
                if spec.partition_by is None
                else f"{spec.partition_by.grain.value} of `{spec.partition_by.column}`",
                spec.doc,
            )
            for spec in TABLES.values()
        ],
    )
    properties = markdown.table(
        ("property", "value"),
        [
            (markdown.code(name), markdown.code(value))
            for name, value in PLATFORM_PROPERTIES.items()
        ],
    )
    system = "\n\n".join(
        [
            "## System columns",
            "Every landing table begins with these.",
            _columns(SYSTEM_COLUMNS),
        ]
    )
    sections = [_section(spec) for spec in TABLES.values()]
    return markdown.page(
        "Tables",
        "shared/tables",
        _INTRODUCTION,
        [overview, "## Properties of every table", properties, system, *sections],
    )


def _section(spec: TableSpec) -> str:
    own = [column for column in spec.columns if column not in SYSTEM_COLUMNS]
    blocks = [f"## {spec.name}", spec.doc]
    if spec.derived is not None:
        blocks.append(_derivation(spec.derived))
    if len(own) < len(spec.columns):
        blocks.append("[System columns](#system-columns), then:")
    blocks.append(_columns(own) if spec.derived is None else _derived_columns(own))
    if spec.properties:
        pairs = [f"{name}={value}" for name, value in spec.properties.items()]
        blocks.append(f"Properties: {markdown.codes(pairs)}.")
    return "\n\n".join(blocks)


def _derivation(derived: Derivation) -> str:
    facts = [
        f"A {derived.kind.value} of {markdown.codes(derived.reads)}",
        f"key {markdown.codes(derived.key)}",
    ]
    if derived.sort:
        facts.append(f"files sorted by {markdown.codes(derived.sort)}")
    if derived.ticked:
        facts.append("built anew when the business date changes")
    return "; ".join(facts) + "."


def _derived_columns(columns: Iterable[Column]) -> str:
    return markdown.table(
        ("id", "column", "type", "null", "what"),
        [
            (
                str(column.field_id),
                markdown.code(column.name),
                column.type.value,
                "no" if column.required else "yes",
                column.doc,
            )
            for column in columns
        ],
    )


def _columns(columns: Iterable[Column]) -> str:
    return markdown.table(
        ("id", "column", "type", "null", "where in the payload", "what"),
        [
            (
                str(column.field_id),
                markdown.code(column.name),
                column.type.value,
                "no" if column.required else "yes",
                _place(column),
                column.doc,
            )
            for column in columns
        ],
    )


def _place(column: Column) -> str:
    place = markdown.code(".".join(column.path))
    if place and column.time_format is not TimeFormat.ISO_8601:
        return f"{place}, {column.time_format.value}"
    return place
