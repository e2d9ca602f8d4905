"""What must hold for a topic and the table that it lands in."""

from __future__ import annotations

from collections.abc import Iterator

from shared.contracts.column_types import Type
from shared.sources.consistency.names import THINGS
from shared.sources.consistency.wrong import Wrong
from shared.sources.spec import Entity, PayloadColumn, SourceSpec

PAYLOAD_TYPES = frozenset(Type) - {Type.DATE, Type.DOUBLE}
"""Types of columns that hold values of a payload. Floating point is no exact copy of its text."""
FILE_TYPES = frozenset({Type.STRING, Type.JSON, Type.INT, Type.LONG, Type.BOOLEAN, Type.DOUBLE})
"""Types of columns that hold values of a file."""


def wrong_entity(source: SourceSpec, entity: Entity) -> Iterator[Wrong]:
    """What is wrong with an entity's names, columns and sentences."""
    head, dot, things = entity.topic.partition(".")
    if head != source.name or not dot or not THINGS.fullmatch(things):
        yield Wrong(
            entity.topic,
            f"topic {entity.topic!r} of source {source.name} is not {source.name}.<things>",
            f'name it "{source.name}." and one word',
        )
    table = entity.table
    start = f"raw.{source.name}_"
    if not table.name.startswith(start) or not THINGS.fullmatch(table.name[len(start) :]):
        yield Wrong(
            table.name,
            f"table {table.name!r} of source {source.name} is not {start}<things>",
            f'name it "{start}" and one word',
        )
    readable = PAYLOAD_TYPES if source.export(entity.topic) is None else FILE_TYPES
    seen: set[str] = set()
    for column in table.columns:
        if not THINGS.fullmatch(column.name):
            yield Wrong(
                column.name,
                f"column {column.name!r} of {table.name} is no column's name",
                "take lower-case letters, digits and underscores, a letter first (a leading "
                "underscore is the platform's), and give the field's name in its path",
            )
        elif column.name in seen:
            yield Wrong(
                column.name, f"column {column.name} of {table.name} is there twice", "take one out"
            )
        elif not column.path:
            yield Wrong(
                column.name,
                f"column {column.name} of {table.name} has no path",
                "say where its value stands in the payload",
            )
        elif column.type not in readable:
            names = ", ".join(type_.name for type_ in Type if type_ in readable)
            yield Wrong(
                column.name,
                f"column {column.name} of {table.name} is of Type.{column.type.name}, as which no "
                "value that comes in is read",
                f"take one of {names}; a date is a STRING, an amount of a payload a decimal",
            )
        seen.add(column.name)
    yield from _paths(entity)
    for kind, text in (("topic", entity.description), ("table", table.doc)):
        if not text.endswith("."):
            yield Wrong(
                text or entity.topic,
                f"the description of the {kind} of {entity.topic} is no sentence",
                "write one, with its full stop",
            )


def _paths(entity: Entity) -> Iterator[Wrong]:
    """Columns that cannot be read side by side."""
    places: dict[tuple[str, ...], PayloadColumn] = {}
    for column in entity.table.columns:
        other = places.setdefault(column.path, column)
        if other is not column:
            yield Wrong(
                column.name,
                f"columns {other.name} and {column.name} of {entity.table.name} stand at the same "
                f"place of the payload, {'.'.join(column.path)}",
                "take one out",
            )
    for column in entity.table.columns:
        for depth in range(1, len(column.path)):
            above = places.get(column.path[:depth])
            if above is not None and above.type is not Type.JSON:
                yield Wrong(
                    above.name,
                    f"column {above.name} of {entity.table.name} stands where {column.name} looks "
                    "into an object",
                    "make it one of Type.JSON, or take it out",
                )
