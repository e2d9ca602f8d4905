"""What every build is made of: plan, compute, commit."""

from __future__ import annotations

from datetime import UTC, date, datetime

import structlog

from services.transformer.building.iceberg_lake import IcebergLake
from services.transformer.building.scratch import Scratch
from services.transformer.building.tables import Tables
from services.transformer.building.tidying import Tidying, thinning
from services.transformer.building.writing import Written, changed_by_others, write
from services.transformer.config import TransformerSettings
from services.transformer.framework.build import Result, compute
from services.transformer.framework.plan import Full, Incremental, Plan, plan
from services.transformer.framework.room import Room
from services.transformer.framework.transform import Group, Transform
from services.transformer.request import BuildRequest
from shared.contracts.days import Days
from shared.lake.provenance import traced

log = structlog.stdlib.get_logger("bergline.transformer")


class Steps:
    """The steps of one builder, with all that stays from build to build. For one thread.

    Args:
        settings: how much a build may hold.
        tables: the way to the tables.
        scratch: for what it cannot hold.
    """

    def __init__(self, settings: TransformerSettings, tables: Tables, scratch: Scratch) -> None:
        self._settings = settings
        self._scratch = scratch
        self.tables = tables
        self.tidying = Tidying(tables)

    def lake(self, ref: str, *, patient: bool = False) -> IcebergLake:
        """The tables as one build sees them."""
        return IcebergLake(self.tables, ref, patient=patient)

    def plan(
        self,
        transform: Transform,
        lake: IcebergLake,
        as_of: date,
        full: str | None = None,
        days: Days | None = None,
    ) -> Plan:
        """What is to be done: :func:`services.transformer.framework.plan.plan`."""
        return plan(transform, lake, self.tables.topics, as_of, full=full, days=days)

    def computed(self, transform: Transform, todo: Incremental | Full, lake: IcebergLake) -> Result:
        """What the function makes of what is to be read; a group above its bound is told."""
        room = Room(self._settings.transformer_build_portion_bytes, self._scratch.directory)
        result = compute(transform, todo, lake, datetime.now(UTC), room)
        if isinstance(transform, Group) and result.largest > transform.bound:
            log.warning(
                "a group is larger than declared",
                table=transform.target.name,
                rows=result.largest,
                bound=transform.bound,
            )
        return result

    def written(
        self,
        transform: Transform,
        result: Result,
        lake: IcebergLake,
        ref: str,
        commit_id: str,
        request: BuildRequest | None,
    ) -> Written:
        """Commit what was computed.

        Args:
            ref: the branch.
            commit_id: of the commit.
            request: lets old snapshots be thinned; ``None``: none is.

        Raises:
            Stale: the table moved on; nothing was committed.
        """
        name = transform.target.name
        state = lake.state(name)
        written = write(
            self.tables.handle(name),
            transform.target,
            result,
            state.head(ref),
            changed_by_others(traced(state, ref).foreign),
            commit_id=commit_id,
            ref=ref,
            thinning=thinning(request),
        )
        self._scratch.clear()  # what follows may take long
        self.tidying.removed(name, written.outcome)
        return written
