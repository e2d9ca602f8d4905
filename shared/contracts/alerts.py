"""Alerts: how their states changed, who was told, and what operators said about them.

An *alert* is one label set for which the condition of a *rule* holds. Its fingerprint follows from
rule and labels, its transition number rises with every change of its state; both together name a
change for good, so that whoever is told twice can tell.

``lakehouse.alerts`` has every :class:`AlertChanged`. ``lakehouse.alert-states`` is compacted and
has the last one of each alert beside notifications, acknowledgements and silences that still
count, each under a key of its own: it is what an alerter starts from.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from shared.contracts.envelope import rfc3339
from shared.contracts.event import Contract, Event

AlertState = Literal["pending", "firing", "resolved", "inactive"]
"""``pending``: the condition holds, not yet for as long as the rule asks. ``firing``: it did.
``resolved``: it was firing, and is over. ``inactive``: it was pending, and is over."""

Severity = Literal["critical", "warning", "info", "none"]
"""``none``: not an alert but a sign of life."""

AlertEnd = Literal["condition_false", "series_gone", "rule_removed", "rule_changed"]


class AlertChanged(Event):
    """An alert changed its state. Told at least once, in order of ``transition`` per alert."""

    type: ClassVar[str] = "lakehouse.alert.changed.v1"

    fingerprint: str = Field(description="identity of the alert: 16 hex digits of rule and labels")
    transition: int = Field(
        ge=1,
        description="rises by one with every change of this alert, and never begins again: the "
        "first is the second since the epoch at which it was",
    )
    state: AlertState = Field(description="pending, firing, resolved or inactive")
    previous: AlertState | None = Field(default=None, description="state before; null at first")
    rule: str = Field(description="name of the rule")
    group: str = Field(default="", description="group of the rule")
    severity: Severity = Field(description="critical, warning, info, or none")
    team: str = Field(default="", description="who is meant")
    labels: dict[str, str] = Field(
        default_factory=dict, description="labels of the series, and those that the rule adds"
    )
    series: dict[str, str] = Field(
        default_factory=dict,
        description="labels of the series alone: with the rule the identity of the alert",
    )
    summary: str = Field(default="", description="one line, values filled in")
    description: str = Field(default="", description="what is wrong and since when, filled in")
    runbook: str = Field(default="", description="where it says what to do: page#anchor, or a URL")
    condition: str = Field(default="", description="the rule's condition as PromQL")
    value: float | None = Field(default=None, description="value at the last evaluation")
    ended_by: AlertEnd | None = Field(default=None, description="why it is over; null while it is")
    active_at: AwareDatetime = Field(description="since when the condition holds")
    fired_at: AwareDatetime | None = Field(default=None, description="since when it is firing")
    false_since: AwareDatetime | None = Field(
        default=None,
        description="since when the condition does not hold any more, while it is kept firing",
    )
    resolved_at: AwareDatetime | None = Field(default=None, description="when it was over")
    changed_at: AwareDatetime = Field(description="when this change was")
    cause: str | None = Field(
        default=None, description="id of the event after which the condition was evaluated, if any"
    )
    evaluated_by: str = Field(default="", description="alerter that evaluated it")

    def key(self) -> str:
        """The alert."""
        return self.fingerprint

    def event_id(self) -> str:
        """Alert and transition: also the idempotency key of what is notified of it."""
        return f"{self.fingerprint}/{self.transition}"

    def event_time(self) -> AwareDatetime:
        """When the change was."""
        return self.changed_at


class NotifiedAlert(Contract):
    """What a receiver was told of one alert."""

    transition: int = Field(ge=1, description="transition of the alert that was told")
    state: Literal["firing", "resolved"] = Field(description="state that was told")


class AlertNotified(Event):
    """A receiver took a notification of a group of alerts, or is about to be told (``taken``).

    The latter is on record before a receiver is told of an alert that fires: should nobody learn
    what became of it, the receiver is told nevertheless when the alert is over.
    """

    type: ClassVar[str] = "lakehouse.alert.notified.v1"

    receiver: str = Field(description="name of the receiver")
    group: str = Field(description="group of alerts that are told together, as name=value pairs")
    part: str = Field(
        default="",
        description="of a group of very many alerts: how the fingerprints of those begin that this "
        "record has; the others are in records of other parts",
    )
    idempotency_key: str = Field(description="the same whenever the same is told again")
    alerts: dict[str, NotifiedAlert] = Field(
        default_factory=dict, description="fingerprint of each alert told, and what was told of it"
    )
    reason: Literal["changed", "repeated", "escalated"] = Field(
        default="changed", description="why it was sent"
    )
    taken: bool = Field(
        default=True, description="false: it was about to be told; it may have been, or not"
    )
    repeat: int = Field(
        default=0, ge=0, description="how often the same has been repeated, this time included"
    )
    notified_at: AwareDatetime = Field(description="when the receiver took it, or was to be told")

    def key(self) -> str:
        """Receiver and group, and which part; what was taken stands beside what was begun."""
        kind = "notified" if self.taken else "telling"
        return f"{kind}{f'.{self.part}' if self.part else ''}/{self.receiver}/{self.group}"

    def event_id(self) -> str:
        """The idempotency key, when it was taken, and whether."""
        told = f"{self.idempotency_key}/{rfc3339(self.notified_at)}"
        told = f"{told}/{self.part}" if self.part else told
        return told if self.taken else f"{told}/begun"

    def event_time(self) -> AwareDatetime:
        """When it was taken, or begun."""
        return self.notified_at


class AlertAcknowledged(Event):
    """Somebody works on a firing alert: it does not escalate, and is not repeated."""

    type: ClassVar[str] = "lakehouse.alert.acknowledged.v1"

    fingerprint: str = Field(description="the alert")
    active_at: AwareDatetime = Field(
        description="since when the alert was active: a later one under the same fingerprint is "
        "not acknowledged by it"
    )
    actor: str = Field(description="who")
    comment: str = Field(default="", description="in their words")
    command_id: str = Field(description="the command that said so")
    acknowledged_at: AwareDatetime = Field(description="when")

    def key(self) -> str:
        """The alert's acknowledgement."""
        return f"acknowledged/{self.fingerprint}"

    def event_id(self) -> str:
        """The command's id."""
        return self.command_id

    def event_time(self) -> AwareDatetime:
        """When it was acknowledged."""
        return self.acknowledged_at


class Matcher(Contract):
    """One condition on a label, as Alertmanager has them; a label that is absent equals ''."""

    label: str = Field(description="label; alertname is the rule, severity and team are labels too")
    op: Literal["=", "!=", "=~", "!~"] = Field(default="=", description="as in PromQL, anchored")
    value: str = Field(description="text or regular expression (RE2 syntax as Python has it)")


class AlertSilenced(Event):
    """Alerts that match are evaluated and told on topics, and notified to nobody, for a time.

    Ended early by the same silence with an ``ends_at`` that has passed.
    """

    type: ClassVar[str] = "lakehouse.alert.silenced.v1"

    silence_id: str = Field(description="id of the silence")
    matchers: tuple[Matcher, ...] = Field(min_length=1, description="all of them must match")
    starts_at: AwareDatetime = Field(description="from when")
    ends_at: AwareDatetime = Field(description="until when")
    actor: str = Field(description="who")
    comment: str = Field(default="", description="why")
    command_id: str = Field(description="the command that said so")
    silenced_at: AwareDatetime = Field(description="when it was said")

    def key(self) -> str:
        """The silence."""
        return f"silenced/{self.silence_id}"

    def event_id(self) -> str:
        """The command's id."""
        return self.command_id

    def event_time(self) -> AwareDatetime:
        """When it was said."""
        return self.silenced_at
