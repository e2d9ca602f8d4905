"""Where every derived table stands, found from the tables alone: the slow check beside events.

What was lost on the way, what other engines committed, what an earlier worker left undone: all of
it is a table whose recorded sources are not the heads of its inputs. One thread, which also carries
the weight of the table libraries, imported when it first looks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from services.transformer.config import TransformerSettings
from shared.contracts.plans import PlannedBuild, PlannedSource
from shared.runtime.blocking import BlockingThread
from shared.runtime.errors import BerglineError

if TYPE_CHECKING:
    from shared.lake.table_state import TableState


@dataclass(frozen=True, slots=True)
class Looked:
    """One derived table at one moment.

    Attributes:
        build: what would be built now.
        wanted: what the table would be built from then; equal to the last look's: nothing moved.
        ticked: whether the business date alone asks for it.
        state: the table; ``None`` when it could not be compared, ``build`` tells why.
        behind: records of its topics that have landed and have not reached it.
    """

    build: PlannedBuild
    wanted: object
    ticked: bool
    state: TableState | None
    behind: int


class Survey:
    """Looks at tables. Calls wait for one another."""

    def __init__(self, settings: TransformerSettings) -> None:
        self._settings = settings
        self._thread = BlockingThread("survey")
        self._tables: Any = None

    async def look(self, targets: Collection[str], as_of: date) -> Mapping[str, Looked]:
        """The targets as they stand now, in the order given.

        A table that is missing, or that cannot be read, is told as such and holds up no other.

        Raises:
            Unavailable: catalog or storage do not answer.
        """
        return await self._thread.run(lambda: self._look(targets, as_of))

    def _look(self, targets: Collection[str], as_of: date) -> dict[str, Looked]:
        from services.transformer.building.iceberg_lake import IcebergLake
        from services.transformer.building.tables import Tables

        if self._tables is None:
            self._tables = Tables(self._settings)
        lake = IcebergLake(self._tables)
        return {target: _looked_if_possible(target, lake, as_of) for target in targets}


def _looked_if_possible(target: str, lake: Any, as_of: date) -> Looked:
    try:
        return _looked(target, lake, as_of)
    except BerglineError as error:
        if error.retriable:
            raise
        reason = f"it cannot be compared: {error.what}"
        build = PlannedBuild(target=target, mode="nothing", reason=reason)
        return Looked(build, None, ticked=False, state=None, behind=0)


def _looked(target: str, lake: Any, as_of: date) -> Looked:
    from services.transformer.building.tables import topics
    from services.transformer.framework.plan import Incremental, Nothing, plan
    from services.transformer.framework.registry import TRANSFORMS

    transform = TRANSFORMS[target]
    planned = plan(transform, lake, topics, as_of)
    reads = [each.table for each in transform.inputs]
    heads = {table: lake.source(table) for table in reads}
    traced = lake.target(target)
    recorded = {} if traced.provenance is None else traced.provenance.sources
    moved = [
        table
        for table, head in heads.items()
        if head is not None and recorded.get(table) != head.cut
    ]
    mode, reason = "nothing", "it holds all that its inputs have"
    wanted: object = None
    if all(head is None for head in heads.values()):
        reason = "its inputs have no snapshot yet"
    elif isinstance(planned, Incremental):
        mode, wanted = "incremental", planned.provenance
        reason = f"{', '.join(moved)} moved on" if moved else f"the business date is {as_of}"
    elif not isinstance(planned, Nothing):
        mode, wanted, reason = "full", planned.provenance, planned.reason
    sources = {
        table: PlannedSource(
            recorded=recorded[table].snapshot_id if table in recorded else None,
            head=None if head is None else head.cut.snapshot_id,
        )
        for table, head in heads.items()
    }
    build = PlannedBuild.model_validate(
        {"target": target, "mode": mode, "reason": reason, "sources": sources}
    )
    ticked = isinstance(planned, Incremental) and planned.ticked and not moved
    return Looked(build, wanted, ticked, lake.state(target), _behind(target, lake))


def _behind(target: str, lake: Any) -> int:
    """Records that its landing tables hold and it does not."""
    from shared.tables.lineage import upstream
    from shared.tables.registry import TABLES

    found = lake.target(target).provenance
    complete = {} if found is None else found.complete
    landed: dict[tuple[str, int], int] = {}
    for table in upstream(target, TABLES):
        if TABLES[table].topics and (head := lake.source(table)) is not None:
            landed.update(head.complete)
    return sum(max(0, offset - complete.get(key, 0)) for key, offset in landed.items())
