"""A system that brings the tables up to date, and what that costs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from tests.bench.builds.process import WorkerProcess


@dataclass(frozen=True, slots=True)
class TableCost:
    """What one table cost. A peer that builds them as one job tells none.

    Attributes:
        cpu: CPU seconds.
        mode: how it was built.
        rows_read, bytes_read, rows_written, bytes_written: as the builder counts them.
    """

    cpu: float
    mode: str = ""
    rows_read: int = 0
    bytes_read: int = 0
    rows_written: int = 0
    bytes_written: int = 0


@dataclass(frozen=True, slots=True)
class Cost:
    """What one build of all tables cost.

    Attributes:
        cpu: CPU seconds of all its processes.
        since_start: the same since the process was started, imports included.
        wall: seconds.
        peak: largest resident bytes of the process, or of the one that does its work, since it
            was started.
        tables: by table.
    """

    cpu: float
    since_start: float
    wall: float
    peak: int
    tables: Mapping[str, TableCost] = field(default_factory=dict)


class Contestant(WorkerProcess):
    """``start`` → builds → ``stop``, as often as wanted; what was built outlives the process.

    Args:
        directory: of its own.
        as_of: the business date of all builds.

    Raises:
        Absent: what it needs cannot be had on this machine.
    """

    def __init__(self, directory: Path, as_of: date) -> None:
        super().__init__(directory)
        self.as_of = as_of
        self._files: list[Path] = []

    def land(self, files: Sequence[Path]) -> None:
        """Tell of files that raw has from now on."""
        self._files += files

    def full(self) -> Cost:
        """Build all tables from everything in raw, as if they had never been built."""
        return self._build(full=True)

    def incremental(self) -> Cost:
        """Bring all tables up to what is in raw."""
        return self._build(full=False)

    def mart(self) -> list[list[str | None]]:
        """Rows of the mart, their values as text, as :mod:`~.agreement` compares them."""
        rows: list[list[str | None]] = self.ask("mart")["rows"]
        return rows

    def _build(self, *, full: bool) -> Cost:
        files = [str(path) for path in self._files]
        told = self.ask("build", full=full, files=files, as_of=self.as_of.isoformat())
        tables = {name: TableCost(**cost) for name, cost in told.get("tables", {}).items()}
        return Cost(told["cpu"], told["since_start"], told["wall"], told["peak"], tables)
