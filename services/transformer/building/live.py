"""A build on ``main``, from what changed; in full only where nobody reads the table yet."""

from __future__ import annotations

from datetime import UTC, datetime

from services.transformer.building.iceberg_lake import IcebergLake
from services.transformer.building.reports import report
from services.transformer.building.steps import Steps
from services.transformer.framework.plan import Full, Incremental, Nothing
from services.transformer.framework.transform import Transform
from services.transformer.request import BuildReport, BuildRequest
from shared.lake.table_state import MAIN

RENEWED_MS = 3_600_000
"""A recorded cut of that age is recorded anew even where nothing changed: a snapshot that somebody
has recorded cannot be thinned, and one that is thinned in the end costs a full build."""


def live(steps: Steps, transform: Transform, request: BuildRequest) -> BuildReport:
    """Carry out a request of the stage ``LIVE``."""
    name, lake = transform.target.name, steps.lake(MAIN)
    todo = steps.plan(transform, lake, request.as_of, days=request.days)
    if isinstance(todo, Nothing):
        return BuildReport("nothing", "contains all that its inputs have")
    if isinstance(todo, Full) and todo.target.snapshot_id is not None:
        return BuildReport("nothing", todo.reason, rebuild=todo.reason)
    result = steps.computed(transform, todo, lake)
    if result.idle and not _due_for_renewal(todo, lake):
        return report(transform, todo, result, lake, None)
    written = steps.written(transform, result, lake, MAIN, request.build_id, request)
    steps.tidying.fold(transform.target, request, MAIN)
    steps.tidying.sweep(name)
    return report(transform, todo, result, lake, written)


def _due_for_renewal(todo: Incremental | Full, lake: IcebergLake) -> bool:
    if todo.started is None:
        return True
    now_ms = datetime.now(UTC).timestamp() * 1000
    recorded = (
        lake.state(table).snapshot_by_id(cut.snapshot_id)
        for table, cut in todo.started.sources.items()
    )
    return any(each is None or now_ms - each.timestamp_ms > RENEWED_MS for each in recorded)
