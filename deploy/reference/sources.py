"""The page of sources, and the table of them in the README."""

from __future__ import annotations

import re
from pathlib import Path

from deploy.reference import markdown
from shared.sources.registry import SOURCES
from shared.sources.signing import Signature
from shared.sources.spec import Body, Endpoint, Entity, Export, SourceSpec

_README = Path(__file__).resolve().parents[2] / "README.md"
_BETWEEN = re.compile(r"(?<=<!-- sources: generated -->\n).*?(?=<!-- sources: end -->)", re.DOTALL)

_INTRODUCTION = (
    "Every endpoint, topic and table of a source follows from one declaration. Your own sources "
    "are declared alike, in `sources` of your project (`bergline new source`)."
)
_BODIES = {
    Body.JSON: "a JSON object",
    Body.JSON_EVENTS: "a JSON array of events",
    Body.FORM: "form fields",
}


def page() -> str:
    """``deploy/reference/sources.md``."""
    sections = [_section(source) for source in SOURCES.values()]
    return markdown.page("Sources", "shared/sources", _INTRODUCTION, sections)


def readme() -> str:
    """The README, with its table of sources as it is now.

    Raises:
        ValueError: it has no place for the table.
    """
    text, count = _BETWEEN.subn(lambda _: f"{_overview()}\n", _README.read_text(encoding="utf-8"))
    if count != 1:
        raise ValueError("README.md needs one <!-- sources: generated --> … <!-- sources: end -->")
    return text


def _overview() -> str:
    sources = markdown.table(
        ("source", "endpoints", "signed by", "secrets"),
        [
            (
                source.title,
                markdown.codes(_paths(source)),
                _signed(source.signature),
                markdown.code(f"BERGLINE_INGEST_{source.name.upper()}_SECRETS"),
            )
            for source in SOURCES.values()
        ],
    )
    entities = markdown.table(
        ("events", "topic", "table"),
        [
            (
                _families(source, entity),
                markdown.code(entity.topic),
                markdown.code(entity.table.name),
            )
            for source in SOURCES.values()
            for entity in source.entities
        ],
    )
    return f"{sources}\n\n{entities}"


def _paths(source: SourceSpec) -> list[str]:
    endpoints = [endpoint.path for endpoint in source.endpoints]
    return endpoints + [export.path for export in source.exports]


def _families(source: SourceSpec, entity: Entity) -> str:
    """Event types by what they begin with: ``orders/*``; all of them are on the page of sources."""
    found: dict[str, list[str]] = {}
    for event_type in entity.event_types:
        head = event_type[: max(event_type.rfind("."), event_type.rfind("/")) + 1]
        found.setdefault(head or event_type, []).append(event_type)
    named = [types[0] if len(types) == 1 else f"{head}*" for head, types in found.items()]
    every = "all" if len(source.entities) == 1 else "all others"
    parts = [markdown.codes(named)] if named else []
    return f"{source.title}: {', '.join([*parts, every] if entity.other_types else parts)}"


def _signed(signature: Signature) -> str:
    where = "parameter" if signature.carried_in == "query" else "header"
    return f"{where} {markdown.code(signature.carrier)}"


def _section(source: SourceSpec) -> str:
    name = source.name.upper()
    settings = [f"BERGLINE_INGEST_{name}_ENABLED", f"BERGLINE_INGEST_{name}_SECRETS"]
    if source.signature.has_old_versions:
        settings.append(f"BERGLINE_INGEST_{name}_OLD_SIGNATURES")
    if source.signature.covers_address:
        settings.append("BERGLINE_INGEST_PUBLIC_URLS")
    if source.exports:
        settings += [f"BERGLINE_INGEST_{name}_WATCH_URLS", "BERGLINE_EXPORT_PREFIXES"]
    endpoints = markdown.table(
        ("endpoint", "takes", "feeds", "what it does"),
        [
            *(_endpoint(endpoint) for endpoint in source.endpoints),
            *(_export(export) for export in source.exports),
        ],
    )
    entities = markdown.table(
        ("topic", "key", "table", "event types"),
        [
            (
                markdown.code(entity.topic),
                entity.key,
                markdown.code(entity.table.name),
                markdown.codes(entity.event_types)
                if entity.event_types
                else ("every other type" if entity.other_types else "any"),
            )
            for entity in source.entities
        ],
    )
    pages = ", ".join(f"<{page}>" for page in source.documentation)
    return "\n\n".join(
        [
            f"## {source.title}",
            f"Signed in {_signed(source.signature)}. Settings: {markdown.codes(settings)}. "
            f"The vendor's pages: {pages or '–'}.",
            endpoints,
            entities,
        ]
    )


def _export(export: Export) -> tuple[str, ...]:
    return (
        f"`POST` {markdown.code(export.path)}",
        'the URI of a Parquet file, `{"uri": "file:///… or s3://…"}`',
        markdown.code(export.topic),
        export.summary,
    )


def _endpoint(endpoint: Endpoint) -> tuple[str, ...]:
    methods = "`GET` and `POST`" if endpoint.probed else "`POST`"
    return (
        f"{methods} {markdown.code(endpoint.path)}",
        " or ".join(_BODIES[body] for body in endpoint.bodies),
        markdown.codes(endpoint.topics),
        endpoint.summary,
    )
