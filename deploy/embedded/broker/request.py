"""What a handler is given: one decoded header, the rest of the frame, and who asks."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from .broker import Broker
from .sasl import SaslSession
from .wire import Reader, Writer


@dataclass(slots=True)
class Request:
    """One request on one connection."""

    api_key: int
    version: int
    correlation_id: int
    client_id: str
    body: Reader
    host: str
    sasl: SaslSession
    received_at: float
    request_bytes: int = 0
    answer_bytes: int = 0  # taken from the fetch budget, given back once the answer is sent


Handler = Callable[[Broker, Request], Awaitable[Writer | None]]


@dataclass(frozen=True, slots=True)
class Api:
    """One offered API: its versions and what answers it."""

    name: str
    oldest: int
    newest: int
    handler: Handler
    pipelined: bool = False  # may start before earlier requests of the connection are answered
