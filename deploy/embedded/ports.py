"""Every port that the embedded platform needs, and who holds one that is taken.

Clashes are found before anything starts: one message names each port, what it is for, which
program holds it and which setting moves it.
"""

from __future__ import annotations

import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.runtime.errors import ConfigurationError

HOST = "127.0.0.1"
REPLICA_STEP = 100
"""Replica k of a service listens on the service's port + 100·k."""
FIRST_PORTS = range(10_000, 21_000)
"""Where ports are picked: those made from them stay below the range of outgoing connections."""

# SeaweedFS' own maintenance worker looks for the admin server's gRPC port exactly here.
_ADMIN_GRPC_OFFSET = 10_000
_STORAGE_BLOCK = (
    "S3 gRPC",
    "master",
    "master gRPC",
    "volume",
    "volume gRPC",
    "filer",
    "filer gRPC",
    "admin",
)
STORAGE_PORTS = (*_STORAGE_BLOCK, "admin gRPC")
"""What the storage listens for beside S3 and catalog."""

_HIGHEST_STORAGE_PORT = 65_535 - _ADMIN_GRPC_OFFSET - len(_STORAGE_BLOCK)


class PortSettings(BaseSettings):
    """The embedded platform's ports; each default is the number that the runbook names."""

    model_config = SettingsConfigDict(env_prefix="BERGLINE_", frozen=True, extra="ignore")

    s3_port: int = Field(default=9000, ge=1, le=65535, description="S3 endpoint")
    catalog_port: int = Field(default=8181, ge=1, le=65535, description="Iceberg REST catalog")
    broker_port: int = Field(default=9092, ge=1, le=65535, description="Kafka broker")
    broker_admin_port: int = Field(default=9644, ge=1, le=65535, description="broker admin")
    storage_port: int = Field(
        default=23_640,
        ge=1,
        le=_HIGHEST_STORAGE_PORT,
        description="first of 8 ports inside the storage; the eighth + 10000 is used too",
    )
    ingest_port: int = Field(default=8090, ge=1, le=65535, description="ingest")
    stream_writer_port: int = Field(default=8083, ge=1, le=65535, description="stream_writer")
    transformer_port: int = Field(default=8084, ge=1, le=65535, description="transformer")
    maintainer_port: int = Field(default=8086, ge=1, le=65535, description="maintainer")
    alerter_port: int = Field(default=8087, ge=1, le=65535, description="alerter")

    def service(self, name: str, replica: int) -> int:
        """Port of one replica of a service."""
        first: int = getattr(self, f"{name}_port")
        return first + REPLICA_STEP * replica

    def storage(self, purpose: str) -> int:
        """One of the storage's inner ports, e.g. ``filer gRPC``."""
        if purpose == "admin gRPC":
            return self.storage("admin") + _ADMIN_GRPC_OFFSET
        return self.storage_port + _STORAGE_BLOCK.index(purpose)


@dataclass(frozen=True, slots=True)
class Port:
    """One port: its number, what it is for, and the setting that moves it."""

    number: int
    purpose: str
    setting: str


def load() -> PortSettings:
    """Ports from ``BERGLINE_…_PORT`` variables.

    Raises:
        ConfigurationError: a value is not a port.
    """
    from pydantic import ValidationError

    try:
        return PortSettings()
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigurationError(
            f"setting BERGLINE_{str(first['loc'][0]).upper()}: {first['msg']}",
            "correct or unset the variable",
        ) from None


def needed(
    settings: PortSettings, replicas: Mapping[str, int], *, with_broker: bool = True
) -> list[Port]:
    """Every port that will be listened on.

    Args:
        settings: the ports chosen.
        replicas: number of processes by service.
        with_broker: whether the embedded broker runs.

    Raises:
        ConfigurationError: two purposes have the same port, or a replica's port is too high.
    """
    ports = [
        Port(settings.s3_port, "S3 endpoint", "BERGLINE_S3_PORT"),
        Port(settings.catalog_port, "Iceberg REST catalog", "BERGLINE_CATALOG_PORT"),
    ]
    if with_broker:
        ports += [
            Port(settings.broker_port, "Kafka broker", "BERGLINE_BROKER_PORT"),
            Port(settings.broker_admin_port, "broker admin", "BERGLINE_BROKER_ADMIN_PORT"),
        ]
    ports += [
        Port(settings.storage(purpose), f"storage {purpose}", "BERGLINE_STORAGE_PORT")
        for purpose in STORAGE_PORTS
    ]
    for service, count in replicas.items():
        for replica in range(count):
            name = service if count == 1 else f"{service} replica {replica}"
            ports.append(
                Port(settings.service(service, replica), name, f"BERGLINE_{service.upper()}_PORT")
            )
    seen: dict[int, Port] = {}
    for port in ports:
        other = seen.setdefault(port.number, port)
        if other is not port:
            raise ConfigurationError(
                f"port {port.number} is given to both {other.purpose} and {port.purpose}",
                f"change {other.setting} or {port.setting}",
            )
        if port.number > 65_535:
            raise ConfigurationError(
                f"{port.purpose} would listen on port {port.number}, which does not exist",
                f"lower {port.setting} or the number of replicas",
            )
    return ports


def free(number: int, host: str = HOST) -> bool:
    """Whether a listener could bind this port now."""
    with socket.socket() as probe:
        # Connections of an ended listener in TIME_WAIT do not count; a live listener does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
        except OSError:
            return False
    return True


def claim(ports: list[Port]) -> None:
    """Check that every port is free.

    Raises:
        ConfigurationError: names each clash: port, purpose, holder, setting.
    """
    taken = [port for port in ports if not free(port.number)]
    if not taken:
        return
    lines = [
        f"port {port.number} ({port.purpose}) is held by {holder(port.number)}; "
        f"{port.setting} moves it"
        for port in taken
    ]
    raise ConfigurationError(
        "\n".join(lines), "stop what holds them, or set the variables named; nothing was started"
    )


def holder(number: int) -> str:
    """Program and pid that listen on a port, in words."""
    import psutil

    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status != psutil.CONN_LISTEN or connection.pid is None:
                continue
            if connection.laddr and connection.laddr.port == number:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        pass
    return "a program of another user"


def pick_free(replicas: Mapping[str, int], among: range = FIRST_PORTS) -> PortSettings:
    """Ports that are free now, below the range of outgoing connections.

    Args:
        replicas: number of processes by service.
        among: where the first of the ports may lie.

    Raises:
        ConfigurationError: none were found in many tries.
    """
    for _ in range(200):
        base = random.choice(among)  # noqa: S311
        settings = PortSettings(
            s3_port=base,
            catalog_port=base + 1,
            broker_port=base + 2,
            broker_admin_port=base + 3,
            ingest_port=base + 4,
            stream_writer_port=base + 5,
            transformer_port=base + 6,
            maintainer_port=base + 7,
            alerter_port=base + 8,
            storage_port=base + 10,
        )
        if all(free(port.number) for port in needed(settings, replicas)):
            return settings
    raise ConfigurationError(
        f"no free ports found from {among.start} on", "end what holds so many of them"
    )
