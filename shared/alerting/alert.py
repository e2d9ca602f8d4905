"""One alert as the state machine holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.alerting.series import Labels

State = Literal["pending", "firing", "resolved", "inactive"]
"""As :data:`shared.contracts.alerts.AlertState`."""

End = Literal["condition_false", "series_gone", "rule_removed", "rule_changed"]


@dataclass(frozen=True, slots=True)
class Alert:
    """The state of one label set of one rule; times in seconds since the epoch.

    Attributes:
        fingerprint: of rule and labels.
        labels: of the series, without what the rule adds.
        transition: number of the last change.
        value: when the state changed; of one that is over, the last for which the condition held.
        active_at: since when the condition holds (or held).
        fired_at: since when it is firing; ``None`` while pending.
        false_since: first evaluation for which the condition did not hold any more, while the
            alert is kept firing nevertheless (``keep_firing_for``); ``None`` otherwise.
        resolved_at: when it was over.
        changed_at: when the last change was.
        ended_by: why it is over; ``None`` while it is not.
        previous: state before the last change; ``None`` at first.
    """

    fingerprint: str
    rule: str
    labels: Labels
    state: State
    transition: int
    value: float
    active_at: float
    changed_at: float
    fired_at: float | None = None
    false_since: float | None = None
    resolved_at: float | None = None
    ended_by: End | None = None
    previous: State | None = None
