"""Who may deliver for one source: its active secrets and its rates."""

from __future__ import annotations

import time
from math import ceil

from services.ingest import problem
from services.ingest.config import IngestSettings
from services.ingest.limits.rates import SourceRate
from services.ingest.problem import Refused
from services.ingest.signatures.schemes import verifier_of
from services.ingest.signatures.verifier import (
    Headers,
    Requested,
    SignatureInvalid,
    SignatureMissing,
    Verifier,
)
from services.ingest.source_settings import secrets_variable
from shared.runtime.errors import ConfigurationError
from shared.sources.spec import SourceSpec


class SourceGate:
    """Decides whether a delivery is from the vendor; one for each source.

    Raises:
        ConfigurationError: a secret is not what the source's scheme takes.
    """

    def __init__(self, source: SourceSpec, settings: IngestSettings) -> None:
        self.source = source
        self.variable = secrets_variable(source.name)
        self.open = settings.ingest_skip_signature_validation
        self._verifier = self._of_settings(settings)
        self._rate = SourceRate(*settings.rates(source.name), time.monotonic)

    def _of_settings(self, settings: IngestSettings) -> Verifier | None:
        secrets = settings.secrets(self.source.name)
        if not secrets:
            return None
        try:
            return verifier_of(
                self.source.signature,
                secrets,
                public_urls=settings.ingest_public_urls,
                old_versions=settings.old_signatures(self.source.name),
            )
        except ValueError as error:
            raise ConfigurationError(
                f"setting {self.variable}: {error}",
                f"set it to the secret that {self.source.title} shows",
            ) from None

    @property
    def configured(self) -> bool:
        """Whether deliveries can be verified, or need not be."""
        return self.open or self._verifier is not None

    def check(self, headers: Headers, body: bytes, now: float, requested: Requested) -> None:
        """Return when the delivery is from the vendor and within the source's rates.

        Raises:
            Refused: it is not.
        """
        if not self.open:
            if self._verifier is None:
                raise Refused(
                    problem.SECRET_NOT_CONFIGURED,
                    f"Webhook secret not configured: setting {self.variable} is empty",
                )
            try:
                self._verifier.verify(headers, body, now, requested)
            except SignatureMissing as refused:
                raise _unsigned(problem.MISSING_SIGNATURE, refused, self.source) from None
            except SignatureInvalid as refused:
                raise _unsigned(problem.INVALID_SIGNATURE, refused, self.source) from None
        if self._rate.is_limited and (wait := self._rate.take(len(body))):
            raise Refused(
                problem.RATE_LIMITED,
                f"more of {self.source.name} per second than the limit",
                headers={"Retry-After": str(ceil(wait))},
            )


def _unsigned(kind: problem.Problem, cause: Exception, source: SourceSpec) -> Refused:
    return Refused(
        kind,
        str(cause),
        # RFC 9110, section 15.5.2: a 401 names the scheme that would be accepted.
        headers={"WWW-Authenticate": f'{source.signature.challenge} realm="{source.name}"'},
    )
