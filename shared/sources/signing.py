"""How deliveries are signed, as declarations: names and parameters, no cryptography.

ingest has one verifier for each of these classes (``services/ingest/signatures``); generator and
examples sign by them. The secrets are settings.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True)
class Signature(ABC):
    """Base of the schemes.

    Attributes:
        carrier: header, or query parameter, that a delivery must have.
        carried_in: which of the two.
        covers_address: whether the signature covers method and address, so that the address that
            the vendor sees must be known behind a proxy (``BERGLINE_INGEST_PUBLIC_URLS``).
        has_old_versions: whether there are weaker versions that an installation may allow
            (``BERGLINE_INGEST_<NAME>_OLD_SIGNATURES``).
        challenge: scheme that a 401 names (RFC 9110, section 11.6.1).
        secret_prefix: how the vendor's secrets begin; generated ones do, too.
    """

    carried_in: ClassVar[Literal["header", "query"]] = "header"
    covers_address: ClassVar[bool] = False
    has_old_versions: ClassVar[bool] = False
    challenge: ClassVar[str] = "HMAC-SHA256"
    secret_prefix: ClassVar[str] = ""

    @property
    @abstractmethod
    def carrier(self) -> str:
        """Name of the header, or query parameter, that a delivery must have."""


@dataclass(frozen=True, slots=True)
class BodyHmac(Signature):
    """HMAC-SHA256 of the raw body in one header: Shopify, GitHub and many others.

    Attributes:
        header: that holds it.
        encoding: how the digest is written; hex digits of either case are accepted.
        prefix: text before the digest, ``sha256=`` for example.
    """

    header: str
    encoding: Literal["base64", "hex"] = "hex"
    prefix: str = ""

    @property
    def carrier(self) -> str:
        """See :class:`Signature`."""
        return self.header


@dataclass(frozen=True, slots=True)
class StripeSignature(Signature):
    """``t=<unix seconds>,v1=<hex>[,v1=<hex>…]``, HMAC-SHA256 of ``<t>.<raw body>``."""

    secret_prefix: ClassVar[str] = "whsec_"  # noqa: S105 a prefix is no secret

    @property
    def carrier(self) -> str:
        """See :class:`Signature`."""
        return "Stripe-Signature"


@dataclass(frozen=True, slots=True)
class HubSpotSignature(Signature):
    """HubSpot's v3, base64 HMAC-SHA256 of method, address, body and unix milliseconds.

    Versions 1 and 2 are accepted where v3 is absent and the installation allows it.
    """

    covers_address: ClassVar[bool] = True
    has_old_versions: ClassVar[bool] = True

    @property
    def carrier(self) -> str:
        """See :class:`Signature`."""
        return "X-HubSpot-Signature-v3"


@dataclass(frozen=True, slots=True)
class UrlSecret(Signature):
    """No signature: the secret itself is a parameter of the address (Mailchimp's audiences).

    Attributes:
        parameter: of the query.
    """

    carried_in: ClassVar[Literal["header", "query"]] = "query"
    challenge: ClassVar[str] = "Secret"

    parameter: str = "secret"

    @property
    def carrier(self) -> str:
        """See :class:`Signature`."""
        return self.parameter


@dataclass(frozen=True, slots=True)
class StandardWebhooks(Signature):
    """``v1,<base64>`` items, HMAC-SHA256 of ``<id>.<unix seconds>.<raw body>``.

    The key is the base64 after ``whsec_``. Source: Standard Webhooks specification 1.0.0.

    Attributes:
        prefix: what the three headers begin with; ``svix-`` at senders older than the standard.
    """

    secret_prefix: ClassVar[str] = "whsec_"  # noqa: S105 a prefix is no secret

    prefix: str = "webhook-"

    @property
    def carrier(self) -> str:
        """See :class:`Signature`."""
        return f"{self.prefix}signature"


@dataclass(frozen=True, slots=True)
class BearerToken(Signature):
    """No signature: the secret itself is a credential of the request, for senders of our own.

    ``Authorization: Bearer <secret>`` (RFC 6750, section 2.1). A secret has 16 characters or more.
    """

    challenge: ClassVar[str] = "Bearer"

    @property
    def carrier(self) -> str:
        """See :class:`Signature`."""
        return "Authorization"
