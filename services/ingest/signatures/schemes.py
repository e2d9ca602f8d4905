"""From a source's declared scheme to the verifier of its active secrets."""

from __future__ import annotations

from collections.abc import Sequence

from services.ingest.signatures.bearer import BearerVerifier
from services.ingest.signatures.body_hmac import BodyHmacVerifier
from services.ingest.signatures.hubspot import HubSpotVerifier
from services.ingest.signatures.standard import StandardVerifier
from services.ingest.signatures.stripe import StripeVerifier
from services.ingest.signatures.url_secret import UrlSecretVerifier
from services.ingest.signatures.verifier import Verifier
from shared.sources.signing import (
    BearerToken,
    BodyHmac,
    HubSpotSignature,
    Signature,
    StandardWebhooks,
    StripeSignature,
    UrlSecret,
)


def verifier_of(
    signature: Signature,
    secrets: Sequence[str],
    *,
    public_urls: Sequence[str] = (),
    old_versions: bool = False,
) -> Verifier:
    """The verifier of a scheme.

    Args:
        signature: as the source declares it.
        secrets: active ones, at least one.
        public_urls: what vendors call instead of this process, for schemes that sign the address.
        old_versions: whether weaker versions of the scheme are accepted.

    Raises:
        ValueError: a secret is none of the scheme's; the message does not show it.
        TypeError: the scheme has no verifier.
    """
    match signature:
        case BodyHmac():
            return BodyHmacVerifier(secrets, signature)
        case StripeSignature():
            return StripeVerifier(secrets)
        case HubSpotSignature():
            return HubSpotVerifier(secrets, public_urls, old_versions=old_versions)
        case UrlSecret():
            return UrlSecretVerifier(secrets, signature.parameter)
        case StandardWebhooks():
            return StandardVerifier(secrets, signature.prefix)
        case BearerToken():
            return BearerVerifier(secrets)
    raise TypeError(f"there is no verifier of {type(signature).__name__}")
