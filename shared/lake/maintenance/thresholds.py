"""Thresholds of maintenance: settings, which a table's own standard properties override."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from shared.runtime.errors import ConfigurationError

DAY_MS = 86_400_000

log = structlog.stdlib.get_logger("bergline.maintenance")


@dataclass(frozen=True, slots=True)
class MaintenancePolicy:
    """When a table is maintained, and what becomes of its files.

    Attributes:
        target_bytes: a data file of that size is full (``write.target-file-size-bytes``).
        small_share: of the target; smaller files are small.
        least_files: a partition with fewer small files is left alone.
        deleted_share: of a file's rows; it is written anew when so many are deleted.
        hot_s: a partition that got a file so recently waits, in seconds...
        many_files: ... unless it has so many small files.
        least_benefit: bytes spared for each byte of a rewrite; what brings less is left.
        memory_bytes: rows held while files are rewritten.
        retention_days: age up to which snapshots stay (``history.expire.max-snapshot-age-ms``).
        retain_last: newest snapshots that stay at any age
            (``history.expire.min-snapshots-to-keep``).
        many_manifests: more are written anew (``commit.manifest.min-count-to-merge``).
        orphan_days: age from which a file that nothing names is an orphan.
        open_file_bytes: what opening a file costs a reader (``read.split.open-file-cost``).
    """

    target_bytes: int = 128 * 2**20
    small_share: float = 0.75
    least_files: int = 5
    deleted_share: float = 0.1
    hot_s: float = 120.0
    many_files: int = 60
    least_benefit: float = 1 / 32
    memory_bytes: int = 256 * 2**20
    retention_days: float = 7.0
    retain_last: int = 3
    many_manifests: int = 100
    orphan_days: float = 3.0
    open_file_bytes: int = 4 * 2**20

    @property
    def small_bytes(self) -> int:
        """Smaller files are small."""
        return int(self.small_share * self.target_bytes)


def with_properties(policy: MaintenancePolicy, properties: Mapping[str, str]) -> MaintenancePolicy:
    """The policy of a table: its own standard properties win.

    Raises:
        ConfigurationError: a property cannot be read; it is named with its value.
    """
    found: dict[str, Any] = {}
    for name, (field, least, read) in _PROPERTIES.items():
        value = properties.get(name)
        if value is None:
            continue
        try:
            number = int(value)
        except ValueError:
            number = None
        if name == KEEP and number is not None and number < 1:
            log.warning("table property is taken as 1", property=name, value=value)
            number = 1
        if number is None or number < least:
            raise ConfigurationError(
                f"table property {name} is {value!r}, no whole number of at least {least}",
                "set it right or remove it: bergline's own settings count then",
            )
        found[field] = read(number)
    return replace(policy, **found)


KEEP = "history.expire.min-snapshots-to-keep"
_PROPERTIES: Mapping[str, tuple[str, int, Callable[[int], float]]] = {
    "write.target-file-size-bytes": ("target_bytes", 1, int),
    "history.expire.max-snapshot-age-ms": ("retention_days", 0, lambda ms: ms / DAY_MS),
    KEEP: ("retain_last", 1, int),
    "commit.manifest.min-count-to-merge": ("many_manifests", 1, int),
    "read.split.open-file-cost": ("open_file_bytes", 0, int),
}
"""Standard table property → field of the policy, least value, what it means there."""
