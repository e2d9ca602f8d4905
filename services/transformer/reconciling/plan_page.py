"""What would be built now, as the page ``/plan`` tells it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

from aiohttp import web

from services.transformer.planning.planner import Planner
from services.transformer.reconciling.reconciler import Reconciler
from services.transformer.reconciling.survey import Looked, Survey
from shared.contracts.plans import PlannedBuild, Plans
from shared.runtime.errors import BerglineError


class PlanPage:
    """Answers for all targets, whoever owns them.

    Args:
        planner: says how it stands with those of this worker.
        survey: looks at the tables.
        reconciler: knows what was built in vain.
        business_date: of now.
        now: the planner's clock.
    """

    def __init__(
        self,
        planner: Planner,
        survey: Survey,
        reconciler: Reconciler,
        business_date: Callable[[], date],
        now: Callable[[], float],
    ) -> None:
        self._planner = planner
        self._survey = survey
        self._reconciler = reconciler
        self._business_date = business_date
        self._now = now

    async def answer(self, _: web.Request) -> web.Response:
        """What would be built now: looked up now, for all targets, whoever owns them."""
        try:
            found = await self._survey.look(self._planner.targets, self._business_date())
        except BerglineError as error:
            return web.json_response({"error": str(error)}, status=503)
        conditions = self._planner.conditions(self._now())
        plans = Plans(
            planned_at=datetime.now(UTC),
            tables=tuple(
                self._told(each).model_copy(update={"state": conditions.get(target, "")})
                for target, each in found.items()
            ),
        )
        return web.Response(text=plans.model_dump_json(), content_type="application/json")

    def _told(self, looked: Looked) -> PlannedBuild:
        build = looked.build
        if build.mode == "incremental" and self._reconciler.in_vain(build.target, looked.wanted):
            reason = "its inputs were only rewritten"
            return build.model_copy(update={"mode": "nothing", "reason": reason})
        return build
