"""What all connections share, whichever way they are served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from services.ingest.answer import Wire
from services.ingest.intake import Intake
from services.ingest.limits.bodies import BodyLimits
from services.ingest.limits.connections import Connections
from services.ingest.limits.heads import HeadLimits
from services.ingest.refusals import Refusals
from services.ingest.telemetry import Telemetry


@dataclass(slots=True, kw_only=True)
class Front:
    """Limits, endpoints and counters behind every connection.

    Attributes:
        intakes: by path.
        heads, bodies: bounds of what is sent.
        head_timeout_s: longest wait for a whole head.
        idle_timeout_s: longest wait for the next request, and for a sender to read its answers.
        connections: all of them.
        refusals: makes answers of refusals.
        telemetry: where answers are counted.
        framework: makes the protocol that serves what is not plain.
        wire: answers as bytes.
        draining: no request is to be taken any more.
    """

    intakes: Mapping[str, Intake]
    heads: HeadLimits
    bodies: BodyLimits
    head_timeout_s: float
    idle_timeout_s: float
    connections: Connections
    refusals: Refusals
    telemetry: Telemetry
    framework: Callable[[Front], asyncio.Protocol]
    wire: Wire = field(default_factory=Wire)
    draining: bool = False
