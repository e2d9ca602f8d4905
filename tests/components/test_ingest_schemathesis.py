"""ingest does what its OpenAPI document says, whatever schemathesis makes of that document.

Once as anybody sends it, and once signed, so that what is behind the signature is reached, too.
The same examples every time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import Case
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.config import SchemathesisConfig

from deploy.generator.signatures import Request, sign
from services.ingest.openapi.document import openapi_document
from shared.sources.registry import SOURCES
from shared.sources.signing import BearerToken
from shared.sources.spec import SourceSpec
from tests.support.ingest_in_process import InProcess, running

BODY_LIMIT = 2 * 1024 * 1024
SCHEMA = schemathesis.openapi.from_dict(
    openapi_document(list(SOURCES.values()), BODY_LIMIT), config=SchemathesisConfig(seed=1)
)
FEW = settings(
    max_examples=10,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)


@pytest.fixture(scope="module")
def ingest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcess]:
    with running(tmp_path_factory.mktemp("ingest")) as process:
        yield process


@SCHEMA.parametrize()
@FEW
def test_unsigned(case: Case[Any], ingest: InProcess) -> None:
    case.call_and_validate(base_url=ingest.address)


@SCHEMA.include(method="POST").parametrize()
@FEW
def test_signed(case: Case[Any], ingest: InProcess) -> None:
    case.call_and_validate(base_url=ingest.address, auth=Signed(), checks=OF_SIGNED)


OF_SIGNED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
"""Not asked: whether a request without its signature is refused, as it is signed whatever it lacks;
whether every object is accepted, as only a vendor's page says what its events need."""


class Signed(requests.auth.AuthBase):
    """Signs a request as the vendor of its path does."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        source = of_path(urlsplit(request.url or "").path)
        if source is None:
            return request
        body = request.body or b""
        if isinstance(body, str):
            body = body.encode()
        assert isinstance(body, bytes)
        secret = source.examples[0].secret if source.examples else "a-secret-of-somebody"
        if isinstance(source.signature, BearerToken):
            request.headers["Authorization"] = f"Bearer {secret}"
            return request
        signed = sign(
            source.signature, secret, Request(request.url or "", body, time.time(), "msg_1")
        )
        request.headers.update(signed.headers)
        if signed.query:
            request.url = f"{request.url}{'&' if '?' in (request.url or '') else '?'}{signed.query}"
        return request


def of_path(path: str) -> SourceSpec | None:
    for source in SOURCES.values():
        served = [each.path for each in source.endpoints] + [each.path for each in source.exports]
        if path in served:
            return source
    return None
