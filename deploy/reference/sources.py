"""The page of sources, and the table of them in the README."""

from __future__ import annotations

import re
from pathlib import Path

from deploy.reference import markdown
from shared.sources.registry import SOURCES
from shared.sources.signing import Signature
from shared.sources.spec import Body, Endpoint, SourceSpec

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
    return markdown.table(
        ("source", "signed by", "endpoints", "topics and tables"),
        [
            (
                source.title,
                _signed(source.signature),
                markdown.codes(endpoint.path for endpoint in source.endpoints),
                markdown.codes(entity.topic for entity in source.entities),
            )
            for source in SOURCES.values()
        ],
    )


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
    endpoints = markdown.table(
        ("endpoint", "takes", "feeds", "what it does"),
        [_endpoint(endpoint) for endpoint in source.endpoints],
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


def _endpoint(endpoint: Endpoint) -> tuple[str, ...]:
    methods = "`GET` and `POST`" if endpoint.probed else "`POST`"
    return (
        f"{methods} {markdown.code(endpoint.path)}",
        " or ".join(_BODIES[body] for body in endpoint.bodies),
        markdown.codes(endpoint.topics),
        endpoint.summary,
    )
