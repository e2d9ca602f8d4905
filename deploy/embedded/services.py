"""The table of the platform's services, and how many processes of each are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from shared.runtime.errors import ConfigurationError

MAX_REPLICAS = 16


@dataclass(frozen=True, slots=True)
class Service:
    """One of the platform's services.

    Attributes:
        name: also the stem of its port setting and of its log.
        module: run with ``python -m``; listens on ``BERGLINE_<NAME>_PORT`` with ``/readyz``,
            drains within 10 s after SIGTERM.
        after: what must be ready before its first start.
        nice: added to its scheduling priority number.
        numbered: variable that tells a process which replica it is, the same after every restart.
    """

    name: str
    module: str
    after: tuple[str, ...]
    nice: int = 0
    numbered: str | None = None


_ALL = (
    Service(
        "ingest",
        "services.ingest",
        after=("bootstrap",),
        # What it had spooled before it was killed stays before what it spools afterwards.
        numbered="BERGLINE_INGEST_SPOOL_NUMBER",
    ),
    # Behind ingest when the processor is short: a late table is better than a refused webhook.
    Service("stream_writer", "services.stream_writer", after=("bootstrap",), nice=2),
    # Behind both; the workers that it starts come after it once more.
    Service("transformer", "services.transformer", after=("bootstrap",), nice=5),
    # Last of all: what it does not do now it does later.
    Service("maintainer", "services.maintainer", after=("bootstrap",), nice=7),
    # It needs little, and what it tells is late when it waits. It needs nobody to start, but while
    # the platform starts there is nothing to tell.
    Service("alerter", "services.alerter", after=("bootstrap",), nice=1),
)

SERVICES: Mapping[str, Service] = MappingProxyType({service.name: service for service in _ALL})
"""Every service by its name."""


def replicas_of(wanted: Mapping[str, int]) -> dict[str, int]:
    """Number of processes of every service; one where nothing else is wanted.

    Raises:
        ConfigurationError: a service or number does not exist.
    """
    for name, count in wanted.items():
        if name not in SERVICES:
            raise ConfigurationError(
                f"--replicas {name}={count}: there is no service {name!r}",
                f"services are: {', '.join(SERVICES)}",
            )
        if not 0 <= count <= MAX_REPLICAS:
            raise ConfigurationError(f"--replicas {name}={count}: not between 0 and {MAX_REPLICAS}")
    return {name: wanted.get(name, 1) for name in SERVICES}
