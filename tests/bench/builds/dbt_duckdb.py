"""A peer: the chain in dbt with its DuckDB adapter, in a Python environment of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import ClassVar

from tests.bench.builds.contestant import Contestant
from tests.bench.builds.dbt_project import write_project
from tests.bench.builds.python_environment import python

REQUIREMENTS = Path(__file__).with_name("dbt") / "requirements.txt"


class DbtDuckDB(Contestant):
    """dbt's incremental models."""

    name: ClassVar[str] = "dbt"
    title: ClassVar[str] = "dbt with dbt-duckdb"

    def __init__(self, directory: Path, as_of: date) -> None:
        super().__init__(directory, as_of)
        self._python = python(REQUIREMENTS)
        self._project = directory / "project"

    @property
    def command(self) -> Sequence[str]:
        return [str(self._python), "-m", "tests.bench.builds.dbt_worker", str(self._project)]

    @property
    def environment(self) -> Mapping[str, str]:
        return {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}

    def land(self, files: Sequence[Path]) -> None:
        super().land(files)
        if not self._project.exists():
            write_project(self._project, files[0].parent, self.as_of)
