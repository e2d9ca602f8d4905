"""What a handler is given, what it answers, and how an API is described."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from .broker import Broker
from .errors import ErrorCode, KafkaError
from .sasl import SaslSession
from .schema import Fields


@dataclass(slots=True)
class Request:
    """One request on one connection; ``body`` has the fields of the API's request schema."""

    api: "Api"
    version: int
    correlation_id: int
    client_id: str
    body: Any
    host: str
    sasl: SaslSession
    received_at: float
    is_too_new: bool = False  # an ApiVersions beyond the newest: to be answered in version 0
    request_bytes: int = 0
    answer_bytes: int = 0  # taken from the fetch budget, given back once the answer is sent


Handler = Callable[[Broker, Request], Awaitable[Fields | None]]


@dataclass(frozen=True, slots=True)
class Api:
    """One offered API: its versions, its handler, its messages (see ``schema``)."""

    key: int
    name: str
    oldest: int
    newest: int
    handler: Handler
    request: str
    answer: str
    pipelined: bool = False  # may start before earlier requests of the connection are answered


def error_fields(error: KafkaError | None) -> dict[str, object]:
    """Code and text of an error, or of none."""
    code = error.code if error else ErrorCode.NONE
    return {"error_code": code, "error_message": error.message if error else None}
