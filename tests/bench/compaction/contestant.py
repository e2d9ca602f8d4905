"""A system that compacts, and what that costs it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.contracts.environment import Environment
from shared.runtime.errors import CheckFailed
from shared.tables.registry import TABLES
from tests.bench.builds.process import WorkerProcess
from tests.support.storage import StorageProcess

ORDERS = TABLES["raw.shopify_orders"]


class Unable(CheckFailed):
    """Raised when a contestant cannot compact a table."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one compaction cost.

    Attributes:
        cpu: CPU seconds of all processes of the contestant, commits included.
        wall: seconds.
        peak: largest resident bytes of the process that does the work, since its start.
    """

    cpu: float
    wall: float
    peak: int


class Compactor(WorkerProcess):
    """``open`` → ``compact`` as often as wanted → ``stop``.

    Args:
        directory: of its own.
        storage: where the tables are.

    Raises:
        Absent: what it needs cannot be had on this machine.
    """

    def __init__(self, directory: Path, storage: StorageProcess) -> None:
        super().__init__(directory)
        self.storage = storage

    @property
    @abstractmethod
    def lake(self) -> Mapping[str, Any]:
        """Where the catalog is, as its program wants to be told."""

    def open(self) -> float:
        """Start its process and have it reach the catalog; the CPU seconds of that.

        Raises:
            Unable: it could not.
        """
        self.start()
        return float(self._able("open", lake=dict(self.lake))["since_start"])

    def prepare(self, environment: str) -> None:
        """Change the orders of an environment where it would refuse them; not counted.

        Raises:
            Unable: it could not.
        """
        self._able("prepare", table=_table(environment))

    def compact(self, environment: str) -> Cost:
        """Compact the orders of an environment.

        Raises:
            Unable: it could not.
        """
        told = self._able("compact", table=_table(environment))
        return Cost(told["cpu"], told["wall"], told["peak"])

    def _able(self, what: str, **arguments: Any) -> dict[str, Any]:
        try:
            return self.ask(what, **arguments)
        except CheckFailed as error:
            raise Unable(str(error), error.next_step) from error


def _table(environment: str) -> str:
    """Namespace and name of its orders, with a dot between."""
    return ".".join(Environment(environment).table(ORDERS.name))
