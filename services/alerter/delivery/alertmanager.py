"""All alerts to Prometheus' Alertmanager, which then groups, silences, inhibits and routes them.

``POST /api/v2/alerts``, as Prometheus sends them. Every alertmanager of a cluster is told
everything by itself, as its documentation asks.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import orjson
import structlog
from pydantic import SecretStr

from services.alerter.delivery.links import Links
from services.alerter.delivery.notifier import NotDelivered
from services.alerter.delivery.outcomes import Outcomes
from services.alerter.delivery.posting import Poster
from services.alerter.delivery.resending import Resending
from services.alerter.delivery.retrying import Pace
from services.alerter.delivery.sending_loop import SendingLoop
from services.alerter.delivery.webhook_body import annotations_of, began, ended, moment
from shared.alerting.events import all_labels
from shared.contracts.alerts import AlertChanged
from shared.runtime.outage import Outage

log = structlog.stdlib.get_logger("bergline.alerter")

PATH = "/api/v2/alerts"
_AT_ONCE = 64
"""Alerts in one request, as Prometheus has it."""


class AlertmanagerPush:
    """Tells one Alertmanager.

    Args:
        name: that it has in logs and metrics, where its address must not appear.
        url: address without path; with ``user:password@`` for basic authentication.
        links: addresses that its people follow.
        outcomes: counts, of requests.
        resend_s: how often firing alerts are repeated.
        now: unix seconds.
    """

    def __init__(
        self,
        name: str,
        url: SecretStr,
        links: Links,
        outcomes: Outcomes,
        *,
        resend_s: float = 60.0,
        pace: Pace | None = None,
        timeout_s: float = 10.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._poster = Poster(SecretStr(url.get_secret_value().rstrip("/") + PATH), timeout_s)
        self._links = links
        self._outcomes = outcomes
        self._pace = pace or Pace()
        self._now = now
        self._resending = Resending(resend_s)
        self._outage = Outage(log, "alertmanager is not reached", alertmanager=name)
        self._failures = 0
        self._left_alone_until = 0.0
        self._name = name
        self._loop = SendingLoop(
            f"alerter-{name}", self._wait, self._send_due, self._went_wrong, self._pace.first_s
        )

    @property
    def unreached(self) -> bool:
        """Whether the last attempt failed."""
        return self._outage.failures > 0

    def start(self) -> None:
        """Begin to send."""
        self._loop.start()

    def stand(self, alerts: Sequence[AlertChanged]) -> None:
        """All alerts that are to be told of, as they stand now; changes are told at once."""
        self._resending.stand(alerts)
        self._loop.wake()

    async def close(self, limit_s: float) -> None:
        """Send what is due, for so long at most, then stop."""
        await self._loop.close(limit_s)
        await self._poster.close()

    def _went_wrong(self) -> None:
        log.exception("telling an alertmanager failed", alertmanager=self._name)

    def _wait(self) -> float | None:
        wait = self._resending.wait(self._now())
        return None if wait is None else max(wait, self._left_alone_until - time.monotonic())

    async def _send_due(self) -> None:
        await self._send(self._resending.due(self._now())[:_AT_ONCE])

    async def _send(self, alerts: Sequence[AlertChanged]) -> None:
        now = self._now()
        try:
            await self._poster.post(self._body(alerts, now), {})
        except NotDelivered as error:
            self._outcomes.count("failed")
            self._outage.failed(error)
            if error.again:
                self._failures += 1
                pause = self._pace.pause(self._failures, random.random())  # noqa: S311
                self._left_alone_until = time.monotonic() + (error.retry_after_s or pause)
                return
            # Refused for what they are: the next round may be others.
        else:
            self._failures = 0
            self._outage.over()
            self._outcomes.count("delivered")
        self._resending.sent(alerts, now)
        self._outcomes.waiting(len(self._resending.due(now)))

    def _body(self, alerts: Sequence[AlertChanged], now: float) -> bytes:
        return orjson.dumps([self._alert(each, now) for each in alerts])

    def _alert(self, alert: AlertChanged, now: float) -> dict[str, object]:
        firing = alert.state == "firing"
        end = (
            datetime.fromtimestamp(self._resending.ends_at(now), UTC)
            if firing
            else max(ended(alert), began(alert))
        )
        told: dict[str, object] = {
            "labels": all_labels(alert),
            "annotations": annotations_of(alert, self._links),
            "startsAt": moment(began(alert)),
            "endsAt": moment(end),
        }
        if self._links.alerter:
            told["generatorURL"] = self._links.alerter
        return told
