"""A secret in the URL, ``?secret=…``: for vendors that sign nothing, such as Mailchimp's webhooks.

It proves no more than that the sender knows the URL: neither body nor time is covered, so the
URL must be https and must stay out of logs. Both sides are hashed before they are compared, in
constant time: the answer's timing tells neither the length nor a prefix of a secret. Source:
mailchimp.com/developer, "Sync Audience Data with Webhooks".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from urllib.parse import unquote_to_bytes

from services.ingest.signatures.verifier import (
    NOTHING_ELSE,
    Headers,
    Requested,
    SignatureInvalid,
    SignatureMissing,
    any_equal,
    as_bytes,
    as_presented,
)

PARAMETER = "secret"


class UrlSecretVerifier:
    """Accepts whoever knows one of the secrets.

    Args:
        secrets: active secrets, as text; they are compared as UTF-8.
        parameter: name of the query parameter that holds it.
    """

    def __init__(self, secrets: Sequence[str], parameter: str = PARAMETER) -> None:
        self._expected = tuple(_digest(secret) for secret in as_bytes(secrets))
        self.parameter = parameter

    def verify(
        self,
        headers: Headers,  # noqa: ARG002
        body: bytes,  # noqa: ARG002
        now: float,  # noqa: ARG002
        requested: Requested = NOTHING_ELSE,
    ) -> None:
        """See :class:`~services.ingest.signatures.verifier.Verifier`; only the target counts."""
        presented = [value for value in self._values(requested.target) if value]
        if not presented:
            raise SignatureMissing(f"Missing {self.parameter} query parameter")
        if not any_equal(self._expected, [_digest(value) for value in presented]):
            raise SignatureInvalid(f"Invalid {self.parameter}: it is none of the active ones")

    def _values(self, target: str) -> Iterator[bytes]:
        """Every value of the parameter, as it may have been meant: ``+`` is itself, or a space."""
        _, _, query = target.partition("?")
        for item in query.split("&"):
            name, _, value = item.partition("=")
            if name == self.parameter:
                raw = as_presented(value)
                yield unquote_to_bytes(raw)
                if b"+" in raw:
                    yield unquote_to_bytes(raw.replace(b"+", b" "))


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()
