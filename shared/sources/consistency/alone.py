"""What must hold for one declaration, whatever others there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from shared.sources.consistency.entities import wrong_entity
from shared.sources.consistency.names import LONGEST_NAME, NAME, RESERVED
from shared.sources.consistency.routes import wrong_endpoint, wrong_export
from shared.sources.consistency.wrong import Wrong, repeated
from shared.sources.spec import SourceSpec, topics_by_type


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
        yield from wrong_entity(source, entity)
    yield from repeated("topic", (entity.topic for entity in source.entities))
    yield from repeated("table", (entity.table.name for entity in source.entities))
    try:
        topics_by_type(source.entities)
    except ValueError as error:
        yield Wrong("event_types", str(error), "leave it to one of them")
    for endpoint in source.endpoints:
        yield from wrong_endpoint(source, endpoint)
    for export in source.exports:
        yield from wrong_export(source, export)
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


def _examples(source: SourceSpec) -> Iterator[Wrong]:
    shown = {example.path.partition("?")[0] for example in source.examples}
    for endpoint in source.endpoints:
        if endpoint.path not in shown:
            yield Wrong(
                endpoint.path,
                f"there is no example of a request to {endpoint.path}",
                "add one, signed with an invented secret: the tests send it",
            )
    yield from repeated("example", (example.name for example in source.examples))
