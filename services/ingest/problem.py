"""Every refusal, declared once: RFC 9457 problem details and what the sender should do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import orjson

from shared.sources.spec import Fault

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
"""Asked of senders after a refusal that passes by itself; the vendors' own schedules are slower."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of refusal.

    Attributes:
        slug: anchor on the ``/docs`` page; with underscores the stable word in metrics and logs.
        status: HTTP status.
        title: the same for every occurrence (RFC 9457, section 3.1.3).
        advice: what to do about it.
    """

    slug: str
    status: int
    title: str
    advice: str

    @property
    def reason(self) -> str:
        """The slug as a metric label and dead-letter reason: ``invalid_json``."""
        return self.slug.replace("-", "_")


INVALID_JSON = Problem(
    "invalid-json", 400, "Invalid JSON payload", "send the event as UTF-8 JSON (RFC 8259)"
)
NOT_AN_OBJECT = Problem(
    "not-an-object", 400, "Body is not a JSON object", "send one JSON object for each event"
)
INVALID_FORM = Problem(
    "invalid-form", 400, "Invalid form fields", "send form fields in UTF-8, percent-encoded"
)
TOO_DEEP = Problem(
    "too-deep", 400, "JSON is nested too deep", "send the event flatter, or raise the limit"
)
TOO_MANY_EVENTS = Problem(
    "too-many-events", 400, "Too many events in one request", "send fewer events at once"
)
MISSING_OBJECT = Problem(
    "missing-object", 400, "Event has no data.object", "send the whole event with its data.object"
)
MISSING_ID = Problem(
    "missing-id", 400, "Payload has no usable id", "send the id as a number or as printable text"
)
INVALID_EVENT = Problem(
    "invalid-event", 400, "Event cannot be understood", "send the event as the vendor documents it"
)
BROKEN_REQUEST = Problem("broken-request", 400, "Not a request", "send HTTP/1.1 as RFC 9112 has it")
BROKEN_BODY = Problem(
    "broken-body", 400, "Request body could not be read", "send the body whole, correctly framed"
)
MISSING_SIGNATURE = Problem(
    "missing-signature", 401, "Missing signature header", "sign the raw body as the vendor does"
)
INVALID_SIGNATURE = Problem(
    "invalid-signature",
    401,
    "Invalid signature",
    "sign the raw body with an active secret, and check the sender's clock",
)
EXPORT_NOT_ALLOWED = Problem(
    "export-not-allowed",
    403,
    "Place not allowed",
    "put the file beneath one of BERGLINE_EXPORT_PREFIXES, without links on the way",
)
EXPORT_NOT_FOUND = Problem(
    "export-not-found", 422, "No such file", "name a file that is there and may be read"
)
EXPORT_NOT_PARQUET = Problem(
    "export-not-parquet", 422, "Not a whole Parquet file", "announce it when it is written whole"
)
NOT_FOUND = Problem("not-found", 404, "Not found", "see /openapi.json for the paths served")
METHOD_NOT_ALLOWED = Problem(
    "method-not-allowed", 405, "Method not allowed", "use a method named in the Allow header"
)
HEAD_TIMEOUT = Problem(
    "head-timeout", 408, "Header fields came too slowly", "send the request at once"
)
BODY_TIMEOUT = Problem(
    "body-timeout", 408, "Request body came too slowly", "send the body at once, then try again"
)
BODY_TOO_LARGE = Problem(
    "body-too-large", 413, "Request body too large", "send a smaller event, or raise the limit"
)
URL_TOO_LONG = Problem(
    "url-too-long", 414, "Address too long", "send what belongs into the body there"
)
CONTENT_ENCODING = Problem(
    "content-encoding", 415, "Content-Encoding not supported", "send the body as it was signed"
)
EXPECTATION_FAILED = Problem(
    "expectation-failed", 417, "Expectation failed", "expect 100-continue, or nothing"
)
RATE_LIMITED = Problem(
    "rate-limited", 429, "Too many deliveries", "try again after the seconds of Retry-After"
)
TOO_MANY_HEADERS = Problem(
    "too-many-headers", 431, "Too many header fields", "send fewer, or raise the limit"
)
HEAD_TOO_LARGE = Problem(
    "head-too-large", 431, "Header fields too large", "send smaller ones, or raise the limit"
)
INTERNAL_ERROR = Problem(
    "internal-error", 500, "Internal server error", "try again; the cause is in the service's log"
)
SECRET_NOT_CONFIGURED = Problem(
    "secret-not-configured", 500, "Webhook secret not configured", "set the secret, then restart"
)
BROKER_UNAVAILABLE = Problem(
    "broker-unavailable",
    503,
    "Failed to publish event",
    "try again after the seconds of Retry-After; a record that arrives twice is folded",
)
EXPORT_STORE_UNAVAILABLE = Problem(
    "export-store-unavailable",
    503,
    "The object store does not answer",
    "try again after the seconds of Retry-After",
)
SPOOL_FULL = Problem(
    "spool-full",
    503,
    "Failed to publish event, and no room to keep it",
    "try again after the seconds of Retry-After; a record that arrives twice is folded",
)
OVERLOADED = Problem(
    "overloaded", 503, "Too much in flight", "try again after the seconds of Retry-After"
)
TOO_MANY_CONNECTIONS = Problem(
    "too-many-connections",
    503,
    "Too many connections",
    "connect again after the seconds of Retry-After",
)

PROBLEMS: Mapping[str, Problem] = MappingProxyType(
    {
        problem.slug: problem
        for problem in (
            INVALID_JSON,
            INVALID_FORM,
            NOT_AN_OBJECT,
            TOO_DEEP,
            TOO_MANY_EVENTS,
            MISSING_OBJECT,
            MISSING_ID,
            INVALID_EVENT,
            BROKEN_REQUEST,
            BROKEN_BODY,
            MISSING_SIGNATURE,
            INVALID_SIGNATURE,
            EXPORT_NOT_ALLOWED,
            EXPORT_NOT_FOUND,
            EXPORT_NOT_PARQUET,
            NOT_FOUND,
            METHOD_NOT_ALLOWED,
            HEAD_TIMEOUT,
            BODY_TIMEOUT,
            BODY_TOO_LARGE,
            URL_TOO_LONG,
            CONTENT_ENCODING,
            EXPECTATION_FAILED,
            RATE_LIMITED,
            TOO_MANY_HEADERS,
            HEAD_TOO_LARGE,
            INTERNAL_ERROR,
            SECRET_NOT_CONFIGURED,
            BROKER_UNAVAILABLE,
            EXPORT_STORE_UNAVAILABLE,
            SPOOL_FULL,
            OVERLOADED,
            TOO_MANY_CONNECTIONS,
        )
    }
)

OF_FAULT: Mapping[Fault, Problem] = MappingProxyType({fault: PROBLEMS[fault] for fault in Fault})
"""What is answered to a delivery that cannot become a record."""


class Refused(Exception):
    """Raised to answer with a problem.

    Attributes:
        problem: its kind.
        detail: what is wrong here; the kind's advice is added when it is answered.
        delivery_id: id of this occurrence when one was stamped already.
        headers: further response headers.
    """

    def __init__(
        self,
        problem: Problem,
        detail: str,
        *,
        delivery_id: str | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(detail)
        self.problem = problem
        self.detail = detail
        self.delivery_id = delivery_id
        self.headers = headers


def internal_error(occurrence: str) -> Refused:
    """The answer to what nobody foresaw; the log has the traceback under ``occurrence``."""
    return Refused(INTERNAL_ERROR, INTERNAL_ERROR.title, delivery_id=occurrence)


def document(problem: Problem, detail: str, path: str, occurrence: str) -> bytes:
    """The JSON body: ``detail`` says what, where and what next.

    ``type`` is a reference to this service's own ``/docs`` page, ``instance`` the UUID under
    which the dead letter or the log line of this occurrence is found.
    """
    return orjson.dumps(
        {
            "type": f"/docs#{problem.slug}",
            "title": problem.title,
            "status": problem.status,
            "detail": f"{detail}, at {path}: {problem.advice}.",
            "instance": f"urn:uuid:{occurrence}",
        }
    )
