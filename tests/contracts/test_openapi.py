"""ingest's OpenAPI document is valid, and describes what is served: no more, no less."""

from http import HTTPStatus
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from services.ingest.app import create
from services.ingest.config import IngestSettings
from services.ingest.openapi.document import openapi_document
from services.ingest.problem import CONTENT_TYPE, METHOD_NOT_ALLOWED, NOT_FOUND, PROBLEMS
from shared.sources.registry import SOURCES

DOCUMENT = openapi_document(list(SOURCES.values()), 1024)
WEBHOOKS = [path for path in DOCUMENT["paths"] if path.startswith("/webhooks/")]


def test_the_document_is_valid_openapi_3_1() -> None:
    OpenAPIV31SpecValidator(DOCUMENT).validate()


@pytest.mark.asyncio
async def test_every_route_is_described_and_every_description_is_served() -> None:
    app = create(IngestSettings()).web
    served = {
        (route.method.lower(), route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    described = {
        (method, path) for path, operations in DOCUMENT["paths"].items() for method in operations
    }
    assert served == described


@pytest.mark.parametrize("path", WEBHOOKS)
def test_every_problem_of_a_delivery_is_documented(path: str) -> None:
    responses: dict[str, Any] = DOCUMENT["paths"][path]["post"]["responses"]
    for problem in PROBLEMS.values():
        if problem in (NOT_FOUND, METHOD_NOT_ALLOWED) or problem.slug.startswith("export-"):
            continue
        assert problem.slug in responses[str(problem.status)]["description"]
    assert set(responses) == {
        *("200", "400", "401", "408", "413", "414", "415", "417", "429", "431", "500", "503")
    }


@pytest.mark.parametrize(
    "path", [export.path for source in SOURCES.values() for export in source.exports]
)
def test_every_problem_of_a_named_file_is_documented(path: str) -> None:
    responses: dict[str, Any] = DOCUMENT["paths"][path]["post"]["responses"]
    for problem in PROBLEMS.values():
        if problem not in (NOT_FOUND, METHOD_NOT_ALLOWED):
            assert problem.slug in responses[str(problem.status)]["description"]
    assert "202" in responses
    assert DOCUMENT["components"]["securitySchemes"]["ga4"] == {"type": "http", "scheme": "bearer"}


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_whatever_is_asked_may_be_refused_before_it_is_understood(path: str) -> None:
    for operation in DOCUMENT["paths"][path].values():
        for status in ("400", "408", "414", "417", "431", "500", "503"):
            assert CONTENT_TYPE in operation["responses"][status]["content"]


def test_every_status_of_a_problem_has_a_phrase() -> None:
    assert all(HTTPStatus(problem.status).phrase for problem in PROBLEMS.values())


@pytest.mark.parametrize("path", WEBHOOKS)
def test_every_webhook_names_its_signature_header(path: str) -> None:
    (scheme,) = DOCUMENT["paths"][path]["post"]["security"][0]
    assert DOCUMENT["components"]["securitySchemes"][scheme]["name"] == (
        SOURCES[scheme].signature.carrier
    )
