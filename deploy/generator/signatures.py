"""The vendors' signature schemes, from the sender's side: what a secret makes of a request.

Each follows the declaration of the scheme in :mod:`shared.sources.signing`, and is written from
the vendor's page, not from our verifier. Sources: shopify.dev, "Verify webhook deliveries";
docs.stripe.com, "Verify webhook signatures manually"; developers.hubspot.com, "Validating
requests"; standardwebhooks.com, specification 1.0.0.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from shared.sources.signing import (
    BodyHmac,
    HubSpotSignature,
    Signature,
    StandardWebhooks,
    StripeSignature,
    UrlSecret,
)

_HUBSPOT_DECODES = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'",
    "%28": "(", "%29": ")", "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
_ESCAPE = re.compile("|".join(_HUBSPOT_DECODES), re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """What a signature can cover.

    Attributes:
        address: the whole address that is posted to.
        body: as it is sent.
        now: unix seconds.
        id: of the delivery, the same for a repeated one.
    """

    address: str
    body: bytes
    now: float
    id: str


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature adds: headers, and a query for schemes that put the secret there."""

    headers: Mapping[str, str] = field(default_factory=dict)
    query: str = ""


def sign(scheme: Signature, secret: str, request: Request) -> Signed:
    """A request signed with one secret.

    Raises:
        TypeError: nobody taught this module that scheme.
    """
    match scheme:
        case BodyHmac(header=header, encoding=encoding, prefix=prefix):
            digest = hmac.digest(secret.encode(), request.body, "sha256")
            text = _base64(digest) if encoding == "base64" else digest.hex()
            return Signed({header: prefix + text})
        case StripeSignature():
            return Signed({scheme.carrier: stripe_signature(secret, request.body, request.now)})
        case HubSpotSignature():
            milliseconds = str(int(request.now * 1000))
            signature = hubspot_signature(secret, request.address, request.body, milliseconds)
            return Signed({scheme.carrier: signature, "X-HubSpot-Request-Timestamp": milliseconds})
        case UrlSecret(parameter=parameter):
            return Signed(query=f"{parameter}={quote(secret, safe='')}")
        case StandardWebhooks(prefix=prefix):
            seconds = str(int(request.now))
            signature = standard_signature(secret, request.id, seconds, request.body)
            return Signed(
                {
                    f"{prefix}id": request.id,
                    f"{prefix}timestamp": seconds,
                    f"{prefix}signature": signature,
                }
            )
        case _:
            raise TypeError(f"no signer for {type(scheme).__name__}")


def stripe_signature(secret: str, body: bytes, now: float) -> str:
    """``t=<unix seconds>,v1=<hex>``, under the whole secret, ``whsec_`` included."""
    seconds = int(now)
    digest = hmac.digest(secret.encode(), b"%d." % seconds + body, "sha256").hex()
    return f"t={seconds},v1={digest}"


def hubspot_signature(secret: str, address: str, body: bytes, milliseconds: str) -> str:
    """Version 3, of a POST; the vendor decodes twelve escapes of the address first."""
    decoded = _ESCAPE.sub(lambda escape: _HUBSPOT_DECODES[escape[0].upper()], address)
    message = b"POST" + decoded.encode() + body + milliseconds.encode()
    return _base64(hmac.digest(secret.encode(), message, "sha256"))


def hubspot_v1_signature(secret: str, body: bytes) -> str:
    """Version 1, in ``X-HubSpot-Signature``: no key, no time."""
    return hashlib.sha256(secret.encode() + body).hexdigest()


def standard_signature(secret: str, delivery: str, seconds: str, body: bytes) -> str:
    """``v1,<base64>``; the key is what stands behind ``whsec_``, decoded."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    message = f"{delivery}.{seconds}.".encode() + body
    return f"v1,{_base64(hmac.digest(key, message, 'sha256'))}"


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
