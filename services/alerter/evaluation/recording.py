"""From changes of alerts to what is told of them: durable first, then logged, exposed and told."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime

import structlog

from services.alerter.alert_metrics import AlertMetrics
from services.alerter.delivery.log_lines import log_change
from services.alerter.evaluation.evaluation import Change
from services.alerter.evaluation.judging import superseded
from services.alerter.evaluation.standing import Standing
from services.alerter.journal.journal import Journal
from shared.alerting.alert import End
from shared.alerting.events import alert_of, event_of
from shared.alerting.lifecycle import ended
from shared.alerting.promql import promql
from shared.alerting.rule import Rule, Rules
from shared.contracts.alerts import AlertChanged
from shared.contracts.event import Event

log = structlog.stdlib.get_logger("bergline.alerter")


class Recording:
    """Where changes go, whether they come from evaluation, from rules that end, or from people.

    Args:
        journal: makes them durable, and holds them until they are published.
        standing: where alerts stand, for those that end here.
        metrics: counts them.
        told: called when the board has changed.
        evaluated_by: name of this alerter.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        journal: Journal,
        standing: Standing,
        metrics: AlertMetrics,
        told: Callable[[], None],
        evaluated_by: str,
        clock: Callable[[], float],
    ) -> None:
        self._journal = journal
        self._standing = standing
        self._metrics = metrics
        self._told = told
        self._evaluated_by = evaluated_by
        self._clock = clock

    async def changed(self, changes: Sequence[Change]) -> None:
        """Record what a pass of evaluation found; never raises."""
        touched = [self._event(each) for each in changes if each.touched]
        events = [self._event(each) for each in changes if not each.touched]
        await self._keep(touched, publish=False)
        await self._tell(events)

    async def end_superseded(self, rules: Rules, owned: Collection[str]) -> None:
        """End the alerts of our rules that are no more, or that have other labels by now."""
        now = self._clock()
        events = []
        for event in self._journal.board.alerts.values():
            if event.rule not in owned or event.state not in ("pending", "firing"):
                continue
            end = superseded(rules, event)
            if end is not None:
                events.append(self._ended(event, end, now))
        await self._tell(events)

    async def said(self, event: Event) -> None:
        """Record what an operator said, or what a receiver took."""
        await self._keep([event])
        self._told()

    def _event(self, change: Change) -> AlertChanged:
        return event_of(
            change.alert,
            change.rule,
            condition=_promql(change.rule),
            cause=change.cause,
            evaluated_by=self._evaluated_by,
        )

    def _ended(self, event: AlertChanged, end: End, now: float) -> AlertChanged:
        alert = ended(alert_of(event), end, now)
        self._standing.keep([alert])
        moment = datetime.fromtimestamp(now, UTC)
        return event.model_copy(
            update={
                "state": alert.state,
                "previous": alert.previous,
                "transition": alert.transition,
                "changed_at": moment,
                "resolved_at": moment if alert.state == "resolved" else None,
                "false_since": None,
                "ended_by": end,
                "cause": None,
                "evaluated_by": self._evaluated_by,
            }
        )

    async def _tell(self, events: Sequence[AlertChanged]) -> None:
        if not events:
            return
        await self._keep(events)
        for each in events:
            log_change(each)
            self._metrics.changed(each)
        self._told()

    async def _keep(self, events: Iterable[Event], *, publish: bool = True) -> None:
        """On disk, if the disk takes it; what it does not take is told all the same."""
        try:
            await self._journal.append(list(events), publish=publish)
        except Exception:
            log.exception("alerts not kept")


def _promql(rule: Rule) -> str:
    with contextlib.suppress(Exception):  # it explains an alert, and must not keep it back
        return promql(rule.condition)
    return ""
