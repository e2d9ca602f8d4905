"""HubSpot: ``base64(HMAC-SHA256(client secret, method + URI + body + timestamp))`` (v3).

The URI is the one that the vendor called. A proxy that ends TLS or takes off a path prefix hides
it from this process, so the public base URL is told; without it the ``Host`` header is believed,
with either scheme: it is signed, so it cannot be made up.

Versions 1 and 2 are plain SHA-256 of ``client secret + body`` and of ``client secret + method +
URI + body``, in hex. They know no time, so what was seen once can be sent again for ever, and a
prefix hash can be extended by whoever saw one. The vendor sends them beside v3 for old receivers:
they count only when asked for, and never where v3 is present. Source: developers.hubspot.com,
"Validating requests".
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Sequence

from multidict import istr

from services.ingest.signatures.verifier import (
    NOTHING_ELSE,
    TOLERANCE_SECONDS,
    Headers,
    Keys,
    Requested,
    SignatureInvalid,
    SignatureMissing,
    any_equal,
    as_bytes,
    as_presented,
    whole_number,
)

HEADER = istr("X-HubSpot-Signature-v3")
TIMESTAMP_HEADER = istr("X-HubSpot-Request-Timestamp")
OLD_HEADER = istr("X-HubSpot-Signature")
VERSION_HEADER = istr("X-HubSpot-Signature-Version")
_HOST = istr("Host")

_DECODED = {
    "3A": ":", "2F": "/", "3F": "?", "40": "@", "21": "!", "24": "$",
    "27": "'", "28": "(", "29": ")", "2A": "*", "2C": ",", "3B": ";",
}  # fmt: skip
_ESCAPE = re.compile(f"%({'|'.join(_DECODED)})", re.IGNORECASE)


class HubSpotVerifier:
    """Accepts what any of the client secrets signed: v3 within the tolerance, older ones if asked.

    Args:
        secrets: active client secrets.
        base_urls: what the vendor calls instead of this process: scheme, host and whatever prefix
            a proxy takes off. Several while one replaces another.
        old_versions: whether deliveries without a v3 signature may carry a v1 or v2 signature.
    """

    def __init__(
        self, secrets: Sequence[str], base_urls: Sequence[str] = (), *, old_versions: bool = False
    ) -> None:
        self._keys = Keys(secrets)
        self._prefixes = tuple(hashlib.sha256(secret) for secret in as_bytes(secrets))
        self._bases = tuple(url.rstrip("/") for url in base_urls)
        self._old_versions = old_versions

    def verify(
        self, headers: Headers, body: bytes, now: float, requested: Requested = NOTHING_ELSE
    ) -> None:
        """See :class:`~services.ingest.signatures.verifier.Verifier`."""
        presented = headers.get(HEADER)
        if presented:
            self._verify_v3(headers, presented, body, now, requested)
        elif headers.get(OLD_HEADER):
            self._verify_old(headers, body, requested)
        else:
            raise SignatureMissing(f"Missing HubSpot signature header {HEADER}")

    def _verify_v3(
        self, headers: Headers, presented: str, body: bytes, now: float, requested: Requested
    ) -> None:
        timestamp = headers.get(TIMESTAMP_HEADER, "").strip()
        milliseconds = whole_number(timestamp)
        if milliseconds is None:
            raise SignatureInvalid(f"{TIMESTAMP_HEADER} is not a time in unix milliseconds")
        expected = [
            binascii.b2a_base64(digest, newline=False)
            for uri in self._uris(headers, requested)
            for digest in self._keys.digests(
                as_presented(requested.method + decoded(uri)), body, timestamp.encode()
            )
        ]
        if not any_equal(expected, (as_presented(presented.strip()),)):
            raise SignatureInvalid(
                f"{HEADER} does not fit method, URI, body and time under any active secret; "
                f"behind a proxy the public base URL must be set"
            )
        if abs(now - milliseconds / 1000) > TOLERANCE_SECONDS:
            raise SignatureInvalid(
                f"{TIMESTAMP_HEADER} is more than {TOLERANCE_SECONDS} s away from now"
            )

    def _verify_old(self, headers: Headers, body: bytes, requested: Requested) -> None:
        if not self._old_versions:
            raise SignatureInvalid(
                f"{OLD_HEADER} alone is not accepted (no replay protection): have the vendor send "
                f"{HEADER}, or allow old versions"
            )
        match headers.get(VERSION_HEADER, "v1").strip().lower():
            case "v1":
                messages = [body]
            case "v2":
                messages = [
                    as_presented(requested.method + uri) + body
                    for uri in self._uris(headers, requested)
                ]
            case _:
                raise SignatureInvalid(f"{VERSION_HEADER} is neither v1 nor v2")
        expected = []
        for message in messages:
            for prefix in self._prefixes:
                digest = prefix.copy()
                digest.update(message)
                expected.append(digest.hexdigest().encode())
        if not any_equal(expected, (as_presented(headers[OLD_HEADER].strip()),)):
            raise SignatureInvalid(f"{OLD_HEADER} does not fit under any active secret")

    def _uris(self, headers: Headers, requested: Requested) -> list[str]:
        """Every URI that the vendor may have called to get here."""
        if self._bases:
            return [base + requested.target for base in self._bases]
        host = headers.get(_HOST, "")
        return [f"{scheme}://{host}{requested.target}" for scheme in ("https", "http")]


def decoded(uri: str) -> str:
    """The URI with the vendor's twelve escapes decoded, once; all others stay as they are."""
    return _ESCAPE.sub(lambda escape: _DECODED[escape[1].upper()], uri)
