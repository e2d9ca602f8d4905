"""Our side: what an actor of the transformer runs, table after table in one process.

The tables are built one after another in the order of the graph, each as the service asks for it:
load the heads, compute, commit. Topics, planner and Ray have no part in it; what they add is the
time between builds, which ``bergline bench freshness`` sees.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

from shared.lake.bootstrap import create_tables
from shared.lake.catalog import open_catalog
from shared.lake.query import query
from shared.lake.reader import LakeReader
from shared.runtime.errors import CheckFailed
from shared.tables.registry import TABLES
from tests.bench.builds.agreement import mart_rows
from tests.bench.builds.chain import MART, chain
from tests.bench.builds.contestant import Contestant, Cost
from tests.bench.builds.worker import serve


class Bergline(Contestant):
    """The transformer's builds on the lake itself."""

    name: ClassVar[str] = "bergline"
    title: ClassVar[str] = "Bergline's transformer"

    @property
    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", __name__]

    @property
    def environment(self) -> Mapping[str, str]:
        return self._variables

    def __init__(self, directory: Path, as_of: date) -> None:
        super().__init__(directory, as_of)
        self._variables: dict[str, str] = {}
        self._built = False

    def lake(self, variables: Mapping[str, str]) -> None:
        """Where the lake is: ``BERGLINE_…`` variables, secrets among them."""
        self._variables = dict(variables)

    def full(self) -> Cost:
        """Build new, empty tables; making them is not counted."""
        if self._built:
            self.ask("reset")
        self._built = True
        return super().full()


def _build(*, full: bool, files: Sequence[str], as_of: str) -> dict[str, Any]:
    # Libraries are part of a first build, in a new actor as here.
    from services.transformer.building.builder import build
    from services.transformer.config import TransformerSettings
    from services.transformer.request import BuildRequest, Stage
    from shared.contracts.identity import uuid7

    settings = TransformerSettings.load()
    costs: dict[str, Any] = {}
    for target in chain():
        before = time.process_time()
        request = BuildRequest(uuid7(), Stage.LIVE, "benchmark", date.fromisoformat(as_of))
        report = build(settings, target, request)
        if report.rebuild is not None:
            # Not built, then: a live build leaves that to a rebuild beside it.
            raise CheckFailed(
                f"{target} must be rebuilt: {report.rebuild}", "change no code while this runs"
            )
        costs[target] = {
            "cpu": time.process_time() - before,
            "mode": report.mode,
            "rows_read": report.rows_read,
            "bytes_read": report.bytes_read,
            "rows_written": report.rows_added + report.rows_removed,
            "bytes_written": report.bytes_written,
        }
    return {"tables": costs}


def _reset() -> None:
    """Make the derived tables new, and empty."""
    from shared.runtime.settings import Settings

    settings = Settings.load()
    catalog, environment = open_catalog(settings), settings.environment
    for name in chain():
        catalog.drop_table(environment.table(name))
    create_tables(catalog, environment, [TABLES[name] for name in chain()])


def _mart() -> dict[str, Any]:
    from shared.runtime.settings import Settings

    with query(LakeReader(Settings.load()), mart_rows(MART)) as result:
        return {"rows": [list(row) for row in result.rows()]}


if __name__ == "__main__":
    serve({"build": _build, "reset": _reset, "mart": _mart})
