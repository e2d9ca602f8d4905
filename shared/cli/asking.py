"""Questions to a service's HTTP port, its absence and its refusals as errors for humans."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from pydantic import Field

from shared.runtime.errors import NotFound, Unavailable
from shared.runtime.settings import Settings

PLAN_SECONDS = 30.0
"""Planning loads the state of every table."""
ANSWER_SECONDS = 5.0
"""Any other answer is made of what a process has in memory."""


class Addresses(Settings):
    """The shared settings and where services answer that the desk asks."""

    transformer_port: int = Field(default=8084, ge=1, le=65535, description="transformer")
    alerter_port: int = Field(default=8087, ge=1, le=65535, description="alerter")


def transformer(path: str) -> bytes:
    """The body of transformer's answer to a GET; for errors see :func:`alerter`."""
    return _answer("transformer", Addresses.load().transformer_port, path, PLAN_SECONDS)


def alerter(path: str) -> bytes:
    """The body of alerter's answer to a GET.

    Raises:
        NotFound: it answered 404.
        Unavailable: it does not answer, or not with 200.
    """
    return _answer("alerter", Addresses.load().alerter_port, path, ANSWER_SECONDS)


def _answer(service: str, port: int, path: str, seconds: float) -> bytes:
    base = f"http://{Addresses.load().bind}:{port}"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(base + path, timeout=seconds) as answer:
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError as error:
        with error:
            told = _told(error.read())
        if error.code == 404:
            raise NotFound(f"{service} at {base}: {told or 'not found'}") from None
        raise Unavailable(
            f"{service} at {base} answered {error.code}: {told}", f"see `bergline logs {service}`"
        ) from None
    except OSError as error:
        why, variable = getattr(error, "reason", error), f"BERGLINE_{service.upper()}_PORT"
        raise Unavailable(
            f"{service} at {base} does not answer: {why}",
            f"start it (`bergline up`), check `bergline status` and {variable}",
        ) from None


def _told(body: bytes) -> str:
    """What a refusal says: the detail of a problem document, or the text."""
    try:
        problem = json.loads(body)
        return str(problem.get("detail") or problem.get("reason") or problem.get("error") or "")
    except (ValueError, AttributeError):
        return body[:200].decode("utf-8", "replace")
