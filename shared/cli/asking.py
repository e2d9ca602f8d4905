"""Questions to a service's HTTP port, its absence and its refusals as errors for humans."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from pydantic import Field

from shared.runtime.errors import NotFound, Unavailable
from shared.runtime.settings import Settings

ANSWER_SECONDS = 30.0
"""Planning loads the state of every table."""


class TransformerAddress(Settings):
    """The shared settings and where transformer answers."""

    transformer_port: int = Field(default=8084, ge=1, le=65535, description="transformer")


def transformer(path: str) -> bytes:
    """The body of transformer's answer to a GET.

    Raises:
        NotFound: it answered 404.
        Unavailable: it does not answer, or not with 200.
    """
    address = TransformerAddress.load()
    base = f"http://{address.bind}:{address.transformer_port}"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(base + path, timeout=ANSWER_SECONDS) as answer:
            body: bytes = answer.read()
            return body
    except urllib.error.HTTPError as error:
        with error:
            told = _told(error.read())
        if error.code == 404:
            raise NotFound(f"transformer at {base}: {told or 'not found'}") from None
        raise Unavailable(
            f"transformer at {base} answered {error.code}: {told}",
            "see `bergline logs transformer`",
        ) from None
    except OSError as error:
        why = getattr(error, "reason", error)
        raise Unavailable(
            f"transformer at {base} does not answer: {why}",
            "start it (`bergline up`), check `bergline status` and BERGLINE_TRANSFORMER_PORT",
        ) from None


def _told(body: bytes) -> str:
    """What a refusal says: the detail of a problem document, or the text."""
    try:
        problem = json.loads(body)
        return str(problem.get("detail") or problem.get("reason") or problem.get("error") or "")
    except (ValueError, AttributeError):
        return body[:200].decode("utf-8", "replace")
