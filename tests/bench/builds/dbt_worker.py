"""dbt in a process that stays: runs in an environment of its own, without our libraries.

Argument: the directory of the project.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.builds.worker import serve

PROJECT = Path(sys.argv[1] if len(sys.argv) > 1 else ".")


def build(*, full: bool, files: Sequence[str], as_of: str) -> None:
    """``dbt run``; which files there are and the business date stand in the project."""
    runner = importlib.import_module("dbt.cli.main").dbtRunner()
    folder = str(PROJECT)
    result = runner.invoke(
        [
            *("run", "--project-dir", folder, "--profiles-dir", folder),
            *("--log-path", f"{folder}/logs", "--target-path", f"{folder}/target"),
            *(["--full-refresh"] if full else []),
        ]
    )
    if not result.success:
        raise RuntimeError(f"dbt run failed: {result.exception or 'see its log'}")


def mart() -> dict[str, Any]:
    """The mart's rows."""
    connect = importlib.import_module("duckdb").connect
    with connect(str(PROJECT / "tables.duckdb")) as database:
        statement = (PROJECT / "mart_rows.sql").read_text()
        return {"rows": [list(row) for row in database.execute(statement).fetchall()]}


if __name__ == "__main__":
    serve({"build": build, "mart": mart})
