"""What must hold for a source beside the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shared.sources.consistency.wrong import Wrong
from shared.sources.spec import SourceSpec


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


def _routes(source: SourceSpec) -> list[str]:
    paths = [endpoint.path for endpoint in source.endpoints]
    return [*paths, *(export.path for export in source.exports)]
