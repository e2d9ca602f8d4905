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
        value: at the last evaluation for which the condition held.
        active_at: since when the condition holds (or held).
        fired_at: since when it is firing; ``None`` while pending.
        last_true_at: last evaluation for which the condition held.
        resolved_at: when it was over.
        changed_at: when the last change was.
    """

    fingerprint: str
    rule: str
    labels: Labels
    state: State
    transition: int
    value: float
    active_at: float
    changed_at: float
    last_true_at: float
    fired_at: float | None = None
    resolved_at: float | None = None
    ended_by: End | None = None
    previous: State | None = None
