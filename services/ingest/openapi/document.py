"""The OpenAPI 3.1 document, made of the same table as the routes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from services.ingest.limits.shapes import Shape
from services.ingest.openapi.refusals import OF_ANY_REQUEST, OF_DELIVERY, OF_EXPORT
from services.ingest.openapi.schemas import (
    ACCEPTED,
    ACCEPTED_EVENTS,
    ACCEPTED_EXPORT,
    EXPORT,
    PROBLEM,
)
from shared.runtime.health import bergline_version
from shared.sources.signing import BearerToken, Signature
from shared.sources.spec import Body, Endpoint, Export, SourceSpec

_PROBES: tuple[tuple[str, str, str, bool], ...] = (
    ("/", "Service, version and the paths of each source.", "application/json", False),
    ("/livez", "Whether the process turns.", "application/json", False),
    ("/health", "As /livez, under its older name.", "application/json", False),
    ("/readyz", "Whether every delivery can be accepted, else why not.", "application/json", True),
    ("/ready", "As /readyz, under its older name.", "application/json", True),
    ("/metrics", "Metrics in the Prometheus text format.", "text/plain", False),
    ("/info", "Version, process, endpoints and what is in flight.", "application/json", False),
    ("/openapi.json", "This document.", "application/json", False),
    ("/docs", "This document for humans.", "text/html", False),
)


def openapi_document(
    sources: Sequence[SourceSpec], body_limit: int, shapes: Mapping[str, Shape] | None = None
) -> dict[str, Any]:
    """The document for the sources that are served.

    Args:
        sources: which ones.
        body_limit: in bytes.
        shapes: by path, where bounds of what is in a body differ from the declared ones.
    """
    shapes = shapes or {}
    paths: dict[str, Any] = {
        endpoint.path: _operations(source, endpoint, body_limit, shapes.get(endpoint.path))
        for source in sources
        for endpoint in source.endpoints
    }
    paths |= {
        export.path: _export(source, export) for source in sources for export in source.exports
    }
    for path, summary, media_type, may_be_unready in _PROBES:
        responses: dict[str, Any] = {"200": _content(summary, media_type), **OF_ANY_REQUEST}
        if may_be_unready:
            unready = _content("Not ready; the reason says why.", media_type)
            responses["503"] = _either(responses["503"], unready)
        paths[path] = {
            "get": {
                "summary": summary,
                "operationId": path.strip("/").replace(".", "_") or "root",
                "tags": ["operations"],
                "responses": responses,
            }
        }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Bergline ingest",
            "version": bergline_version(),
            "description": "Takes webhooks in; every 2xx is a record that the broker has.",
        },
        "tags": [{"name": name} for name in (*(source.name for source in sources), "operations")],
        "paths": paths,
        "components": {
            "schemas": {
                "Accepted": ACCEPTED,
                "AcceptedEvents": ACCEPTED_EVENTS,
                "AcceptedExport": ACCEPTED_EXPORT,
                "Problem": PROBLEM,
            },
            "securitySchemes": {source.name: _security(source.signature) for source in sources},
        },
    }


def _operations(
    source: SourceSpec, endpoint: Endpoint, body_limit: int, shape: Shape | None
) -> dict[str, Any]:
    operation = endpoint.path.strip("/").replace("/", "_").replace("-", "_")
    operations: dict[str, Any] = {
        "post": {
            "summary": endpoint.summary,
            "description": (
                f"Feeds {', '.join(sorted(endpoint.topics))}. Answers 200 once the broker "
                f"has the record. The body is at most {body_limit} bytes."
            ),
            "operationId": operation,
            "tags": [source.name],
            "security": [{source.name: []}],
            "requestBody": {
                "required": not endpoint.probed,
                "content": {
                    media_type: {"schema": schema}
                    for media_type, schema in _bodies(
                        endpoint, shape or Shape(events=endpoint.events_limit)
                    )
                },
            },
            "responses": {"200": _accepted(endpoint), **OF_DELIVERY},
        }
    }
    if endpoint.probed:
        operations["get"] = {
            "summary": f"Tell {source.title} that the address is served.",
            "operationId": f"{operation}_probe",
            "tags": [source.name],
            "responses": {"200": _content("It is.", "application/json"), **OF_ANY_REQUEST},
        }
    return operations


def _bodies(endpoint: Endpoint, shape: Shape) -> Iterator[tuple[str, dict[str, Any]]]:
    """Media type and schema of everything that a request may hold."""
    one: dict[str, Any] = {"type": "object"}
    if Body.JSON_EVENTS in endpoint.bodies:
        several = {"type": "array", "items": one, "maxItems": shape.events}
        yield Body.JSON.value, {"oneOf": [several, one]}
    else:
        # A form's endpoint takes its fields as JSON, too.
        yield Body.JSON.value, one
    if Body.FORM in endpoint.bodies:
        yield Body.FORM.value, {"type": "object", "minProperties": 1}


def _accepted(endpoint: Endpoint) -> dict[str, Any]:
    accepted = "AcceptedEvents" if Body.JSON_EVENTS in endpoint.bodies else "Accepted"
    schema: dict[str, Any] = {"$ref": f"#/components/schemas/{accepted}"}
    if endpoint.probed:
        schema = {"anyOf": [schema, {"type": "object", "required": ["status"]}]}
    return {
        "description": "The broker has the record.",
        "content": {"application/json": {"schema": schema}},
    }


def _export(source: SourceSpec, export: Export) -> dict[str, Any]:
    """The operation that names a file."""
    accepted = {"$ref": "#/components/schemas/AcceptedExport"}
    return {
        "post": {
            "summary": export.summary,
            "description": (
                f"Announces the file on {export.topic}, after a look whether it is there, whole "
                "and beneath an allowed prefix. Its rows are loaded soon after. What the table "
                "holds is not inserted again, so a file may be named more than once."
            ),
            "operationId": export.path.strip("/").replace("/", "_").replace("-", "_"),
            "tags": [source.name],
            "security": [{source.name: []}],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": EXPORT}},
            },
            "responses": {
                "202": {
                    "description": "The broker has the announcement.",
                    "content": {"application/json": {"schema": accepted}},
                },
                **OF_EXPORT,
            },
        }
    }


def _security(signature: Signature) -> dict[str, Any]:
    if isinstance(signature, BearerToken):
        return {"type": "http", "scheme": "bearer"}
    return {"type": "apiKey", "in": signature.carried_in, "name": signature.carrier}


def _content(description: str, media_type: str) -> dict[str, Any]:
    schema = {"type": "object"} if media_type == "application/json" else {"type": "string"}
    return {"description": description, "content": {media_type: {"schema": schema}}}


def _either(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """A response that may be either of two with different media types."""
    return {
        **one,
        "description": f"{one['description']}; or: {other['description']}",
        "content": {**one["content"], **other["content"]},
    }
