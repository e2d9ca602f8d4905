"""How far consumer groups are behind, and whether those of our services are there."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping

import structlog

from shared.alerting.series import Vector, labels
from shared.alerting.signals.services import GROUPED
from shared.runtime.group_lags import GroupLag, GroupLags
from shared.runtime.outage import Outage
from shared.runtime.settings import Settings
from shared.sources.topics import TOPICS

log = structlog.stdlib.get_logger("bergline.alerter")

LAG = "lakehouse_consumer_lag_records"
MEMBERS = "lakehouse_consumer_group_members"

LONGEST_ROUND_S = 20.0


class ConsumerLag:
    """A source of signals (:class:`shared.alerting.series.SignalSource`) that asks the broker.

    Not known while the broker does not answer.

    Args:
        settings: where the broker is.
        every_s: pause between two questions.
        expected: services that are meant to run. Groups of our other services have no series:
            nobody misses their members, and what waits for them waits rightly.
        changed: told when members of our groups come or go.
    """

    names = frozenset({LAG, MEMBERS})

    def __init__(
        self,
        settings: Settings,
        every_s: float,
        expected: Collection[str],
        changed: Callable[[frozenset[str]], object],
    ) -> None:
        self._broker = GroupLags(settings)
        self._every_s = every_s
        self._expected = [name for name in GROUPED if name in expected]
        self._unexpected = frozenset(GROUPED).difference(expected)
        self._changed = changed
        self._groups: Mapping[str, GroupLag] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin in the background."""
        self._task = asyncio.create_task(self._run(), name="consumer lag")

    async def stop(self) -> None:
        """End; returns when the connections are closed."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def known(self, now: float) -> bool:  # noqa: ARG002 - as sources are asked
        """Whether the broker answered when last asked."""
        return self._groups is not None

    def vectors(self, now: float) -> Mapping[str, Vector]:  # noqa: ARG002 - as sources are asked
        """Lag of every group on our topics; members of our services' groups, gone or not. Only
        those of services that are meant to run count as ours. What others have on the broker,
        environments with a name among them, is theirs."""
        groups = self._groups or {}
        return {
            LAG: {
                labels(group=name, topic=topic): float(records)
                for name, group in groups.items()
                if name not in self._unexpected
                for topic, records in group.behind.items()
                if topic in TOPICS
            },
            MEMBERS: {labels(group=name): float(n) for name, n in self._members(groups).items()},
        }

    async def _run(self) -> None:
        outage = Outage(log, "consumer groups not known, asking again")
        try:
            while True:
                before = self._groups
                try:
                    async with asyncio.timeout(LONGEST_ROUND_S):
                        self._groups = await self._broker.ask()
                    outage.over()
                except Exception as error:  # noqa: BLE001 - asked again
                    self._groups = None
                    outage.failed(error)
                    await self._broker.close()
                if (before is None) != (self._groups is None) or self._members(
                    before or {}
                ) != self._members(self._groups or {}):
                    self._changed(self.names)
                await asyncio.sleep(self._every_s)
        finally:
            await self._broker.close()

    def _members(self, groups: Mapping[str, GroupLag]) -> Mapping[str, int]:
        return Counter(
            {name: groups[name].members if name in groups else 0 for name in self._expected}
        )
