"""Regularly compare owned targets with what they read, and want what is missing."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date

import structlog

from services.transformer.planning.planner import Planner
from services.transformer.planning.wishes import Wish
from services.transformer.reconciling.survey import Looked, Survey
from shared.contracts.builds import Cause
from shared.contracts.identity import uuid7
from shared.runtime.open_waves import Waves
from shared.runtime.outage import Outage

log = structlog.stdlib.get_logger("bergline.transformer")

RETRY_S = 3.0
"""Pause after a look that failed."""

AGAIN_S = 3600.0
"""After so long a build that found nothing to record is wanted again: by then it may have to record
its inputs anew, as the snapshots that it has recorded are kept for a day and no longer."""


class Reconciler:
    """The slow loop beside events.

    Args:
        planner: told what is wanted.
        survey: looks at the tables.
        waves: names what is found.
        business_date: of now.
        every_s: pause between two looks.
        on_look: told what was found.
        again_s: as :data:`AGAIN_S`.
    """

    def __init__(
        self,
        planner: Planner,
        survey: Survey,
        waves: Waves,
        business_date: Callable[[], date],
        every_s: float,
        on_look: Callable[[Mapping[str, Looked]], None],
        again_s: float = AGAIN_S,
    ) -> None:
        self._planner = planner
        self._survey = survey
        self._waves = waves
        self._business_date = business_date
        self._every_s = every_s
        self._on_look = on_look
        self._again_s = again_s
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._built: Counter[str] = Counter()
        self._asked: dict[str, tuple[object, int, float]] = {}
        self._outage = Outage(log, "tables not compared, trying again")
        self.looked = asyncio.Event()
        """Set once the owned targets have been looked at."""

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="reconcile")

    def soon(self) -> None:
        """Look now: targets are new to this worker."""
        self.looked.clear()
        self._wake.set()

    def built(self, target: str) -> None:
        """A build of the target has ended well."""
        self._built[target] += 1

    def in_vain(self, target: str, wanted: object) -> bool:
        """Whether a build that began since the same was wanted found nothing to record, as after a
        compaction of an input."""
        asked, built, _ = self._asked.get(target, (None, 0, 0.0))
        return asked == wanted and self._built[target] > built

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        while True:
            pause = self._every_s
            self._wake.clear()
            try:
                await self._look()
                self._outage.over()
            except Exception as error:  # noqa: BLE001 - comparing must never end
                self._outage.failed(error)
                pause = min(pause, RETRY_S)
            # Not wait_for: before Python 3.12 it may swallow the cancellation.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def _look(self) -> None:
        owned = [name for name in self._planner.targets if name in self._planner.owned]
        if not owned:
            return
        built = dict(self._built)
        found = await self._survey.look(owned, self._business_date())
        now = time.monotonic()
        for target, looked in found.items():
            if looked.build.mode == "nothing" or self._lately_in_vain(target, looked, now):
                continue
            if self._built[target] != built.get(target, 0) or not self._planner.idle(target):
                continue  # what was seen is of before a build that has begun: the next look tells
            self._asked[target] = (looked.wanted, built.get(target, 0), now)
            self._planner.want(target, self._wish(target, looked, now))
        self._on_look(found)
        self.looked.set()

    def _lately_in_vain(self, target: str, looked: Looked, now: float) -> bool:
        if not self.in_vain(target, looked.wanted):
            return False
        return now - self._asked[target][2] < self._again_s

    def _wish(self, target: str, looked: Looked, now: float) -> Wish:
        cause: Cause = "tick" if looked.ticked else "reconcile"
        wave = self._waves.oldest_for(target)
        which = str(self._business_date()) if looked.ticked else uuid7()
        named = f"{cause}/{which}" if wave is None or looked.ticked else wave.id
        return Wish(cause=cause, reason=looked.build.reason, wave=named, since=now)
