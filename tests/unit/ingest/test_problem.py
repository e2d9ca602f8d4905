"""Refusals are RFC 9457 documents that say what, where and what next."""

import json

import pytest

from services.ingest.docs_page import page
from services.ingest.openapi.document import openapi_document
from services.ingest.problem import PROBLEMS, Problem, document
from shared.sources.registry import SOURCES

PAGE = page(openapi_document(list(SOURCES.values()), 1024))


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=list(PROBLEMS))
def test_the_document_of_every_problem(problem: Problem) -> None:
    body = json.loads(document(problem, "It broke", "/webhooks/x", "0190-uuid"))
    assert body == {
        "type": f"/docs#{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": f"It broke, at /webhooks/x: {problem.advice}.",
        "instance": "urn:uuid:0190-uuid",
    }


@pytest.mark.parametrize("slug", PROBLEMS)
def test_the_type_of_every_problem_leads_to_its_row_of_the_docs_page(slug: str) -> None:
    assert PAGE.count(f'id="{slug}"') == 1


def test_the_docs_page_loads_nothing_from_elsewhere() -> None:
    assert "http://" not in PAGE
    assert "https://" not in PAGE
    assert "<script" not in PAGE
