"""Settings of one broker process: read once at start, checked, never changed."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from .errors import BrokerError

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set. Sizes in bytes, times in seconds."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 9092
    admin_port: int = 9644
    advertised_host: str | None = None
    advertised_port: int | None = None
    flush_interval_seconds: float = 0.0
    max_request_bytes: int = 32 * MIB
    max_queued_bytes: int = 256 * MIB
    max_fetch_bytes: int = 32 * MIB
    max_connections: int = 1000
    max_in_flight: int = 32
    max_topics: int = 1000
    max_partitions: int = 4000
    max_groups: int = 1000
    idle_seconds: float = 600.0
    stall_seconds: float = 60.0
    housekeeping_seconds: float = 10.0
    offsets_retention_seconds: float = 7 * 86_400.0
    producer_retention_seconds: float = 86_400.0
    sasl_users: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def check(self) -> None:
        """Raises BrokerError when these settings must not be run with."""
        if not self.is_loopback and not self.sasl_users:
            raise BrokerError(
                f"refusing to listen on {self.host} without SASL: everybody on the network could "
                "read and write. Set --sasl-file (or BROKER_SASL_USERS), or bind to 127.0.0.1."
            )
        if self.max_request_bytes > self.max_queued_bytes:
            raise BrokerError("--max-request-bytes must not exceed --max-queued-bytes.")


BOUNDS = tuple(
    each.name
    for each in fields(Settings)
    if each.name.startswith("max_") or each.name.endswith("_seconds")
)


def users_of(text: str, source: str) -> dict[str, str]:
    """Users from lines (or comma-separated items) ``name:password``; raises BrokerError."""
    users: dict[str, str] = {}
    for number, line in enumerate(text.replace(",", "\n").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, separator, password = line.strip().partition(":")
        if not name or not separator or not password:
            raise BrokerError(f"{source}, item {number}: expected name:password.")
        users[name] = password
    return users


def users_in(path: Path) -> dict[str, str]:
    """Users of a file that nobody else may read; raises BrokerError."""
    try:
        mode = path.stat().st_mode
        text = path.read_text()
    except OSError as error:
        raise BrokerError(f"the SASL file {path} cannot be read: {error}.") from error
    if mode & 0o077:
        raise BrokerError(f"others may read the SASL file {path}. Run: chmod 600 {path}")
    return users_of(text, str(path))
