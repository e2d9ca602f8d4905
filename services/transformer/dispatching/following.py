"""What follows from a build: its event, its metrics, the announcement of its commit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog

from services.transformer.dispatching.build_metrics import BuildMetrics
from services.transformer.dispatching.table_outboxes import TableOutboxes
from services.transformer.planning.wishes import Start
from services.transformer.reconciling.reconciler import Reconciler
from services.transformer.reconciling.survey import Looked
from services.transformer.request import BuildReport
from shared.contracts.event import Event
from shared.contracts.topics import BUILDS
from shared.runtime.event_queue import EventQueue
from shared.runtime.table_states import TableStates

log = structlog.stdlib.get_logger("bergline.transformer")


class Following:
    """The dispatcher's observer."""

    def __init__(
        self,
        events: EventQueue,
        metrics: BuildMetrics,
        outboxes: TableOutboxes,
        reconciler: Reconciler,
        states: TableStates,
    ) -> None:
        self._events = events
        self._metrics = metrics
        self._outboxes = outboxes
        self._reconciler = reconciler
        self._states = states
        self._loading: set[asyncio.Task[None]] = set()
        self._uuids: dict[str, str] = {}
        self.wake: Callable[[], None] = lambda: None
        self.after_build: Callable[[str], None] = lambda _: None

    def tell(self, event: Event) -> None:
        """Publish what became of a build."""
        self._metrics.event(event)
        self._events.tell(BUILDS, event)

    def ended(self, start: Start, report: BuildReport | None) -> None:
        """Announce what a build committed; an outcome that is unknown may be a commit, too."""
        if report is not None:
            self._reconciler.built(start.target)
        self.after_build(start.target)
        if report is None or report.snapshot_id is not None:
            task = asyncio.create_task(self._announce(start.target))
            self._loading.add(task)
            task.add_done_callback(self._loading.discard)

    def looked(self, found: Mapping[str, Looked]) -> None:
        """Tables were looked at: announce what others committed to them."""
        self._metrics.looked(found)
        for target, each in found.items():
            if each.state is not None:
                self._uuids[target] = each.state.table_uuid
                self._outboxes.seen(target, each.state)
        self.wake()

    def history(self, target: str) -> tuple[int | None, tuple[int, ...]]:
        """What thinning must keep of a target; no number, no thinning.

        Before every state was read, what others have recorded is not known.
        """
        uuid = self._uuids.get(target)
        known = uuid is not None and self._states.reader.caught_up.is_set()
        announced = self._states.announced(target, uuid) if uuid and known else None
        return announced, tuple(sorted(self._states.pinned(target)))

    async def settle(self) -> None:
        """Wait until the states of tables built last are loaded."""
        if self._loading:
            await asyncio.wait(self._loading)

    async def stop(self) -> None:
        """End what is still loading."""
        for task in self._loading:
            task.cancel()
        await self.settle()

    async def _announce(self, target: str) -> None:
        try:
            await self._outboxes.refresh(target)
        except Exception as error:  # noqa: BLE001 - the next survey finds the commit
            log.info("commit not announced yet", target=target, error=str(error))
