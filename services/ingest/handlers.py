"""The async edge: read, verify, understand, publish, and only then answer 2xx."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NoReturn

import orjson
from aiohttp import web

from services.ingest import problem
from services.ingest.admission import Admission, Hold
from services.ingest.body import read_body
from services.ingest.config import IngestSettings
from services.ingest.gate import SourceGate
from services.ingest.payload import parse
from services.ingest.problem import Refused
from services.ingest.publisher import Publisher
from services.ingest.sources.attributes import attribute
from services.ingest.sources.endpoint import Delivery, Endpoint, Malformed
from services.ingest.telemetry import Telemetry
from shared.contracts.dead_letters import DeadLetter
from shared.contracts.envelope import Envelope, Headers
from shared.contracts.identity import uuid7
from shared.contracts.topics import DEAD_LETTERS
from shared.runtime import logging
from shared.runtime.errors import Unavailable

_RETRY_AFTER = {"Retry-After": str(problem.RETRY_AFTER_SECONDS)}
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
"""W3C Trace Context, section 3.2."""

log = logging.logger("ingest")


class WebhookHandler:
    """Serves one endpoint."""

    def __init__(
        self,
        endpoint: Endpoint,
        gate: SourceGate,
        publisher: Publisher,
        admission: Admission,
        telemetry: Telemetry,
        settings: IngestSettings,
    ) -> None:
        self._endpoint = endpoint
        self._source = gate.source
        self._gate = gate
        self._publisher = publisher
        self._admission = admission
        self._telemetry = telemetry
        self._body_limit = settings.ingest_body_limit_bytes
        self._body_timeout = settings.ingest_body_timeout_s

    async def handle(self, request: web.Request) -> web.Response:
        """Answer 200 once the broker has the delivery.

        Raises:
            Refused: every other outcome.
        """
        received_at = datetime.now(UTC)
        with self._admission.hold() as hold:
            body = await read_body(
                request, hold, limit=self._body_limit, timeout_s=self._body_timeout
            )
            self._gate.check(request, body, received_at.timestamp())
            delivery_id = uuid7()
            try:
                delivery = self._endpoint.read(request.headers, parse(body), body)
            except Malformed as malformed:
                await self._keep(request, malformed, body, delivery_id, received_at, hold)
            self._telemetry.received(delivery.topic)
            if not delivery.expected:
                self._telemetry.error("unexpected_type", "receiving")
            trace = traceparent(request.headers.get("traceparent"))
            source = self._source.name

            def record_headers() -> Headers:
                return Envelope(
                    id=delivery.event_id,
                    type=delivery.event_type,
                    source=source,
                    time=delivery.event_time,
                    subject=delivery.key,
                    content_type="application/json",
                    received_at=received_at,
                    delivery_id=delivery_id,
                    traceparent=trace,
                    extensions=delivery.extensions,
                ).headers()

            try:
                await self._publisher.deliver(
                    delivery.topic, delivery.key.encode(), body, record_headers, hold
                )
            except Unavailable as unavailable:
                raise self._unpublished(unavailable, delivery_id) from unavailable
        self._telemetry.sent(delivery.topic)
        return _accepted(delivery, delivery_id)

    async def _keep(
        self,
        request: web.Request,
        malformed: Malformed,
        body: bytes,
        delivery_id: str,
        received_at: datetime,
        hold: Hold,
    ) -> NoReturn:
        """Publish a signed but unusable delivery as a dead letter, then refuse it."""
        topic = malformed.topic or self._endpoint.topics[0]
        reason = malformed.problem.reason
        letter = DeadLetter(
            stage="receiving",
            service="ingest",
            reason=reason,
            detail=malformed.detail,
            topic=topic,
            delivery_id=delivery_id,
            failed_at=received_at,
            headers={
                name.lower(): text
                for name in ("Content-Type", *self._source.headers)
                if (text := attribute(request.headers.get(name))) is not None
            },
            value=body,
        )
        key, value, record_headers = letter.encode()
        self._telemetry.received(topic)
        self._telemetry.error(reason, "receiving")
        try:
            await self._publisher.deliver(DEAD_LETTERS, key, value, lambda: record_headers, hold)
        except Unavailable as unavailable:
            raise self._unpublished(unavailable, delivery_id) from unavailable
        self._telemetry.dead_letter(topic, reason)
        log.warning(
            "a signed delivery was refused and kept as a dead letter",
            topic=topic,
            reason=reason,
            delivery_id=delivery_id,
        )
        raise Refused(malformed.problem, malformed.detail, delivery_id=delivery_id) from malformed

    def _unpublished(self, unavailable: Unavailable, delivery_id: str) -> Refused:
        self._telemetry.error("broker_unavailable", "sending")
        return Refused(
            problem.BROKER_UNAVAILABLE,
            f"Failed to publish event: {unavailable.what}",
            delivery_id=delivery_id,
            headers=_RETRY_AFTER,
        )


def traceparent(value: str | None) -> str | None:
    """The W3C trace context, or ``None`` when it is absent or not valid."""
    return value if value is not None and _TRACEPARENT.fullmatch(value) else None


def _accepted(delivery: Delivery, delivery_id: str) -> web.Response:
    return web.Response(
        body=orjson.dumps(
            {
                "status": "ok",
                "topic": delivery.topic,
                **delivery.answer,
                "delivery_id": delivery_id,
            }
        ),
        content_type="application/json",
    )
