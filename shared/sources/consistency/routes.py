"""What must hold for an endpoint, and for files that a source drops."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shared.contracts.column_types import Type
from shared.sources.consistency.wrong import Wrong
from shared.sources.signing import BearerToken
from shared.sources.spec import Endpoint, Export, SourceSpec

_PATH = re.compile(r"(/[a-z0-9][a-z0-9_-]*)+")
_OURS = re.compile(r"/(webhooks|ingest)/")


def wrong_endpoint(source: SourceSpec, endpoint: Endpoint) -> Iterator[Wrong]:
    """What is wrong with a route, its topics and bodies."""
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


def wrong_export(source: SourceSpec, export: Export) -> Iterator[Wrong]:
    """What is wrong with a route for exports, and the columns that it names."""
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
