"""What must hold for a source, alone and beside the others, before anything is made of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass

from shared.contracts.column_types import Type
from shared.sources.signing import BearerToken
from shared.sources.spec import (
    Endpoint,
    Entity,
    Export,
    PayloadColumn,
    SourceSpec,
    topics_by_type,
)

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST_NAME = 32
RESERVED = frozenset({"bergline", "dlq", "lakehouse", "raw"})
"""Names that mean something else where a source's name stands."""
_PATH = re.compile(r"(/[a-z0-9][a-z0-9_-]*)+")
_OURS = re.compile(r"/(webhooks|ingest)/")
_THINGS = re.compile(r"[a-z][a-z0-9_]*")

PAYLOAD_TYPES = frozenset(Type) - {Type.DATE, Type.DOUBLE}
"""Types of columns that hold values of a payload. Floating point is no exact copy of its text."""
FILE_TYPES = frozenset({Type.STRING, Type.JSON, Type.INT, Type.LONG, Type.BOOLEAN, Type.DOUBLE})
"""Types of columns that hold values of a file."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something that does not hold.

    Attributes:
        about: text in the declaration that it is about; tells the line.
        what: what is wrong.
        next_step: what to do about it.
    """

    about: str
    what: str
    next_step: str


def wrong_alone(source: SourceSpec) -> Iterator[Wrong]:
    """What is wrong with one declaration."""
    shapes = [*_no_tuples(source)]
    if shapes:
        # Nothing else can be told of it.
        yield from shapes
        return
    if not NAME.fullmatch(source.name) or len(source.name) > LONGEST_NAME:
        yield Wrong(
            source.name,
            f"{source.name!r} cannot be a source's name",
            f"take up to {LONGEST_NAME} lower-case letters, digits and single underscores, "
            "a letter first",
        )
        return
    if source.name in RESERVED:
        yield Wrong(
            source.name,
            f"the name {source.name!r} is reserved",
            f"take another one than {', '.join(sorted(RESERVED))}",
        )
    if not source.endpoints and not source.exports:
        yield Wrong("endpoints", f"source {source.name} has no endpoint", "declare one")
    if not source.entities:
        yield Wrong("entities", f"source {source.name} has no entity", "declare one")
    for entity in source.entities:
        yield from _entity(source, entity)
    yield from _repeated("topic", (entity.topic for entity in source.entities))
    yield from _repeated("table", (entity.table.name for entity in source.entities))
    try:
        topics_by_type(source.entities)
    except ValueError as error:
        yield Wrong("event_types", str(error), "leave it to one of them")
    for endpoint in source.endpoints:
        yield from _endpoint(source, endpoint)
    for export in source.exports:
        yield from _export(source, export)
    fed = {topic for endpoint in source.endpoints for topic in endpoint.topics}
    fed |= {export.topic for export in source.exports}
    for entity in source.entities:
        if entity.topic not in fed:
            yield Wrong(
                entity.topic,
                f"no endpoint feeds topic {entity.topic}",
                "name it in an endpoint's topics, or take the entity out",
            )
    yield from _examples(source)


def wrong_together(sources: Iterable[SourceSpec], taken: Iterable[str]) -> Iterator[Wrong]:
    """What the last of the sources has in common with the ones before it, but must not.

    Args:
        sources: the last one is the one in question.
        taken: names of topics and tables that are no source's.
    """
    *others, last = sources
    owners = dict.fromkeys(taken, "the platform")
    names: set[str] = set()
    paths: dict[str, str] = {}
    for source in others:
        names.add(source.name)
        paths.update(dict.fromkeys(_routes(source), source.name))
        for entity in source.entities:
            owners[entity.topic] = owners[entity.table.name] = source.name
    if last.name in names:
        yield Wrong(
            last.name, f"there is a source {last.name!r} already", "give this one another name"
        )
        return
    for path in _routes(last):
        if path in paths:
            yield Wrong(
                path,
                f"{path} is a route of {paths[path]}",
                f"begin the path with /webhooks/{last.name}/",
            )
    # Kafka makes "." and "_" the same character in the names of its metrics.
    alike = {name.replace(".", "_"): name for name in owners if not name.startswith("raw.")}
    for entity in last.entities:
        for kind, name in (("topic", entity.topic), ("table", entity.table.name)):
            if name in owners:
                yield Wrong(
                    name, f"{kind} {name} belongs to {owners[name]} already", "name it otherwise"
                )
        other = alike.get(entity.topic.replace(".", "_"))
        if other not in (None, entity.topic):
            yield Wrong(
                entity.topic,
                f"topic {entity.topic} and {other} are one name in Kafka's metrics",
                "name it otherwise",
            )


def _no_tuples(thing: object) -> Iterator[Wrong]:
    """Fields that should be tuples and are none: ``("id")`` is a text, ``("id",)`` a tuple."""
    if not is_dataclass(thing):
        return
    for field in fields(thing):
        value = getattr(thing, field.name)
        if str(field.type).startswith("tuple[") and not isinstance(value, tuple):
            named = getattr(thing, "name", None)
            yield Wrong(
                named if isinstance(named, str) else field.name,
                f"{field.name} of {type(thing).__name__} is a {type(value).__name__}, no tuple",
                "write it in parentheses, with a comma after each item, (item,)",
            )
        for inner in value if isinstance(value, tuple) else (value,):
            yield from _no_tuples(inner)


def _entity(source: SourceSpec, entity: Entity) -> Iterator[Wrong]:
    head, dot, things = entity.topic.partition(".")
    if head != source.name or not dot or not _THINGS.fullmatch(things):
        yield Wrong(
            entity.topic,
            f"topic {entity.topic!r} of source {source.name} is not {source.name}.<things>",
            f'name it "{source.name}." and one word',
        )
    table = entity.table
    start = f"raw.{source.name}_"
    if not table.name.startswith(start) or not _THINGS.fullmatch(table.name[len(start) :]):
        yield Wrong(
            table.name,
            f"table {table.name!r} of source {source.name} is not {start}<things>",
            f'name it "{start}" and one word',
        )
    readable = PAYLOAD_TYPES if source.export(entity.topic) is None else FILE_TYPES
    seen: set[str] = set()
    for column in table.columns:
        if not _THINGS.fullmatch(column.name):
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


def _endpoint(source: SourceSpec, endpoint: Endpoint) -> Iterator[Wrong]:
    path = endpoint.path
    if not _PATH.fullmatch(path) or not _OURS.match(path):
        yield Wrong(path, f"{path!r} cannot be a route", f"begin it with /webhooks/{source.name}/")
    known = {entity.topic for entity in source.entities}
    if not endpoint.topics:
        yield Wrong(path, f"endpoint {path} feeds no topic", "name its topics")
    for topic in endpoint.topics:
        if topic not in known:
            yield Wrong(
                topic,
                f"endpoint {path} feeds {topic}, which is no entity's topic",
                f"declare the entity, or name one of {', '.join(sorted(known))}",
            )
    if not endpoint.bodies:
        yield Wrong(path, f"endpoint {path} takes no body", "name what its requests hold")


def _routes(source: SourceSpec) -> list[str]:
    paths = [endpoint.path for endpoint in source.endpoints]
    return [*paths, *(export.path for export in source.exports)]


def _export(source: SourceSpec, export: Export) -> Iterator[Wrong]:
    route = f"/ingest/{source.name}/exports"
    if export.path != route:
        yield Wrong(export.path, f"{export.path!r} cannot be an export's route", f"name it {route}")
    if not isinstance(source.signature, BearerToken):
        # It is checked before the body is read, so a signature of bodies would never fit, or for
        # ever.
        yield Wrong(
            "signature",
            f"export {export.path} needs a bearer token, and source {source.name} is signed "
            "otherwise",
            "make it BearerToken(), and the webhooks of the same sender a source of their own",
        )
    entities = [entity for entity in source.entities if entity.topic == export.topic]
    if not entities:
        yield Wrong(
            export.topic,
            f"export {export.path} is announced on {export.topic}, which is no entity's topic",
            "declare the entity",
        )
        return
    if any(export.topic in endpoint.topics for endpoint in source.endpoints):
        yield Wrong(
            export.topic,
            f"an endpoint feeds {export.topic}, which announces files",
            "give its events a topic of their own",
        )
    columns = {column.name: column for column in entities[0].table.columns}
    for column in columns.values():
        if column.path != (column.name,):
            yield Wrong(
                column.name,
                f"column {column.name} of {entities[0].table.name} is not named as in the files",
                "give it a path of its own name",
            )
    for name in (*export.identity, export.event_time, export.event_type):
        if name not in columns:
            yield Wrong(
                name,
                f"export {export.path} names {name}, which is no column of its files",
                f"name one of {', '.join(columns)}",
            )
    if not export.identity:
        yield Wrong(export.path, f"export {export.path} has no identity", "name its columns")
    moment = columns.get(export.event_time)
    if moment is not None and moment.type is not Type.LONG:
        yield Wrong(
            moment.name,
            f"column {moment.name} tells when an event happened and is no Type.LONG",
            "declare the microseconds since 1970",
        )


def _examples(source: SourceSpec) -> Iterator[Wrong]:
    shown = {example.path.partition("?")[0] for example in source.examples}
    for endpoint in source.endpoints:
        if endpoint.path not in shown:
            yield Wrong(
                endpoint.path,
                f"there is no example of a request to {endpoint.path}",
                "add one, signed with an invented secret: the tests send it",
            )
    yield from _repeated("example", (example.name for example in source.examples))


def _repeated(kind: str, names: Iterable[str]) -> Iterator[Wrong]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield Wrong(name, f"{kind} {name} is declared twice", "take one out")
        seen.add(name)
