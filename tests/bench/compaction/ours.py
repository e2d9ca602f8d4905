"""Our side: what maintainer and ``bergline compact`` run, with the policy that they have.

Only what the policy makes wait is not waited for: the tables are younger than two minutes.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from deploy.embedded.connection import connection
from tests.bench.builds.worker import serve
from tests.bench.compaction.contestant import Compactor


class Bergline(Compactor):
    """Compaction as it is."""

    name: ClassVar[str] = "bergline"
    title: ClassVar[str] = "Bergline's maintainer"

    @property
    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", __name__]

    @property
    def environment(self) -> Mapping[str, str]:
        return connection(self.storage.ports, self.storage.secrets)

    @property
    def lake(self) -> Mapping[str, Any]:
        return {}  # its variables say it


def _open(lake: Mapping[str, Any]) -> None:
    # Libraries are part of a start.
    from shared.lake.catalog import open_catalog
    from shared.runtime.settings import Settings

    open_catalog(Settings.load()).list_namespaces()


def _prepare(table: str) -> None:
    pass


def _compact(table: str) -> None:
    from shared.contracts.environment import Environment
    from shared.lake.catalog import open_catalog
    from shared.lake.handle import TableHandle
    from shared.lake.maintenance.compaction import Status, compact
    from shared.lake.maintenance.policy import MaintenancePolicy
    from shared.runtime.errors import CheckFailed
    from shared.runtime.settings import Settings
    from shared.tables.registry import TABLES

    orders = TABLES["raw.shopify_orders"]
    environment = Environment(table.removesuffix(f"_{orders.name}"))
    report = compact(
        TableHandle(open_catalog(Settings.load()), environment, orders.name),
        orders,
        MaintenancePolicy(),
        writer="bench",
        now_ms=time.time_ns() // 1_000_000,
        force=True,
    )
    if report.status is not Status.SUCCESS or report.attempts_wasted:
        raise CheckFailed(f"{table} was not compacted: {report.status} {report.reason}")


if __name__ == "__main__":
    serve({"open": _open, "prepare": _prepare, "compact": _compact})
