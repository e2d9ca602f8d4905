"""Settings of how people are told."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from services.alerter.delivery.links import Links
from services.alerter.delivery.retrying import Pace
from shared.runtime.settings import Settings

Path = Literal["notifiers", "alertmanager", "none"]


class DeliverySettings(Settings):
    """Variables ``BERGLINE_ALERTER_…`` of delivery; alerter's own settings extend it."""

    alerter_delivery: Path = Field(
        default="notifiers",
        description="notifiers: alerter groups, silences and tells the receivers of alerting.yaml; "
        "alertmanager: it hands every alert to the Alertmanagers there, which do; none: log, "
        "topic and metrics only",
    )
    alerter_alertmanager_resend_s: float = Field(
        default=60.0,
        gt=0,
        description="how often an Alertmanager is told the same again; it resolves by itself what "
        "it has not heard of for four times as long",
    )
    alerter_external_url: str = Field(
        default="",
        description="address of alerter as people reach it, which notifications link to",
    )
    alerter_runbook_url: str = Field(
        default="",
        description="address below which the runbook's pages are; empty: pages are only named",
    )
    alerter_notify_timeout_s: float = Field(
        default=10.0, gt=0, le=300, description="longest wait for the answer of a receiver"
    )
    alerter_notify_attempts: int = Field(
        default=8,
        ge=1,
        description="attempts to tell that something fires before it is given up for a while; "
        "that it is over is told for as long as it takes",
    )
    alerter_notify_rest_s: float = Field(
        default=300.0, gt=0, description="how long what was given up rests before it is tried anew"
    )

    @property
    def links(self) -> Links:
        """Addresses in notifications."""
        return Links(self.alerter_external_url, self.alerter_runbook_url)

    def pace(self, per_minute: float) -> Pace:
        """How a receiver is treated that is told so often at most."""
        return Pace(
            per_minute=per_minute,
            attempts=self.alerter_notify_attempts,
            rest_s=self.alerter_notify_rest_s,
        )
