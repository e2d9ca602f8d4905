"""What an operation may answer instead: the problems of each kind of request, by status."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from services.ingest import problem
from services.ingest.problem import PROBLEMS, Problem

_OF_NO_OPERATION = (problem.NOT_FOUND, problem.METHOD_NOT_ALLOWED)
"""Answered to what is not in this document."""

_EXPORT_ALONE = (
    problem.EXPORT_NOT_ALLOWED,
    problem.EXPORT_NOT_FOUND,
    problem.EXPORT_NOT_PARQUET,
    problem.EXPORT_STORE_UNAVAILABLE,
)
_EXPORT = tuple(kind for kind in PROBLEMS.values() if kind not in _OF_NO_OPERATION)
_DELIVERY = tuple(kind for kind in _EXPORT if kind not in _EXPORT_ALONE)

_ANY_REQUEST = (
    problem.BROKEN_REQUEST,
    problem.HEAD_TIMEOUT,
    problem.URL_TOO_LONG,
    problem.EXPECTATION_FAILED,
    problem.TOO_MANY_HEADERS,
    problem.HEAD_TOO_LARGE,
    problem.INTERNAL_ERROR,
    problem.TOO_MANY_CONNECTIONS,
)


def _refusals(kinds: Iterable[Problem]) -> dict[str, Any]:
    """Status → response, one for all problems of that status."""
    by_status: dict[int, list[str]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status, []).append(f"{kind.title} (`{kind.slug}`)")
    out: dict[str, Any] = {}
    for status, titles in sorted(by_status.items()):
        response: dict[str, Any] = {
            "description": "; ".join(titles),
            "content": {problem.CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        if status in _HEADERS:
            name, description, schema = _HEADERS[status]
            response["headers"] = {name: {"description": description, "schema": schema}}
        out[str(status)] = response
    return out


_RETRY_AFTER = ("Retry-After", "Seconds.", {"type": "integer", "minimum": 1})
_HEADERS: dict[int, tuple[str, str, dict[str, Any]]] = {
    401: ("WWW-Authenticate", "The scheme that is accepted.", {"type": "string"}),
    415: ("Accept-Encoding", "The coding that is accepted.", {"type": "string"}),
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}

OF_DELIVERY = _refusals(_DELIVERY)
OF_EXPORT = _refusals(_EXPORT)
OF_ANY_REQUEST = _refusals(_ANY_REQUEST)
