"""How alerts begin, fire and end: Prometheus' state machine, for all series of one rule at a time.

::

              condition holds                 for >= `for`
    (none) ───────────────────▶ pending ───────────────────▶ firing
                                   │                            │ false for >= `keep_firing_for`
                                   ▼ false                      ▼
                               inactive                     resolved

An alert whose rule has no ``for`` fires in the evaluation that finds it. One that is over becomes
active again as a new activity under the next transition number. Changes are new objects: nothing
here is altered in place, and what did not change costs next to nothing.

The numbers of an alert that is not held begin at the seconds since the epoch: it may have been
forgotten, and no number must be given out twice for one fingerprint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import NamedTuple

from shared.alerting.alert import Alert, End, State
from shared.alerting.rule import Rule
from shared.alerting.series import Labels, Vector

_OVER: dict[State, State] = {"pending": "inactive", "firing": "resolved"}


def fingerprint(rule_name: str, labels: Labels) -> str:
    """Identity of an alert: 16 hex digits, the same in every process and version."""
    parts = [rule_name]
    for name, value in labels:
        parts += (name, value)
    # Lengths, so that no two lists of texts read the same.
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return blake2b(text.encode(), digest_size=8).hexdigest()


class Advanced(NamedTuple):
    """What an evaluation did to the alerts of a rule; those that are in neither are as they were.

    Attributes:
        changed: alerts in a new state, their transition number risen by one: to be kept, told on
            topics and notified.
        touched: alerts whose state is the same, and of which only the time differs from which is
            counted: to be kept, so that a restart does not count anew. That is ``false_since``, or
            ``active_at`` of one that is pending, when the clock was set back behind it or nobody
            could tell for a while.
    """

    changed: list[Alert]
    touched: list[Alert]


def advance(
    rule: Rule,
    held: Mapping[Labels, Alert],
    active: Vector,
    now: float,
    *,
    before: Vector | None = None,
    exists: Callable[[Labels], bool] | None = None,
    forgotten: Callable[[Alert], bool] | None = None,
    unseen_s: float = 0.0,
) -> Advanced:
    """What becomes of the alerts of ``rule`` now that its condition holds for ``active``.

    Args:
        rule: the rule that was evaluated.
        held: its alerts by the labels of their series, also those that are over and not forgotten.
        active: label sets for which the condition holds, and their values.
        now: when it was evaluated.
        before: ``active`` of the evaluation before, from which an alert that ends has its last
            value; without it, it keeps the one with which its state last changed.
        exists: whether a label set still has a series, to tell ``series_gone`` from
            ``condition_false``; asked of alerts that end, only.
        forgotten: whether nobody can tell if the condition still holds for an alert that fires:
            then it stays as it is; asked of alerts for which it was not known to be false before.
        unseen_s: for so long before ``now`` nobody could tell, so it does not count for ``for``.
    """
    # Set operations of dicts use the hashes that they hold: hashing label sets is what costs.
    changed = [_begun(rule, each, None, active, now) for each in set(active).difference(held)]
    touched: list[Alert] = []
    for alert in held.values():
        if alert.state == "firing" and alert.false_since is None:
            continue
        if alert.labels not in active:
            continue
        if alert.state == "firing":
            touched.append(replace(alert, false_since=None))
        elif alert.state != "pending":
            changed.append(_begun(rule, alert.labels, alert, active, now))
        else:
            since = min(now, alert.active_at + unseen_s)
            waiting = alert if since == alert.active_at else replace(alert, active_at=since)
            if _lasted(since, now, rule.for_s):
                changed.append(_fired(waiting, active[alert.labels], now))
            elif waiting is not alert:
                touched.append(waiting)
    for labels in set(held).difference(active):
        alert = held[labels]
        if alert.state not in _OVER:
            continue
        unsure = alert.state == "firing" and alert.false_since is None
        if unsure and forgotten is not None and forgotten(alert):
            continue
        since = now if alert.false_since is None else alert.false_since
        if alert.state == "pending" or _lasted(since, now, rule.keep_firing_for_s):
            changed.append(_over(alert, now, before, exists))
        elif alert.false_since is None or alert.false_since > now:
            touched.append(replace(alert, false_since=now))
    return Advanced(changed, touched)


def ended(alert: Alert, end: End, now: float) -> Alert:
    """An alert that is over for ``end``; one that was over already is returned as it is."""
    if alert.state not in _OVER:
        return alert
    return replace(
        alert,
        state=_OVER[alert.state],
        previous=alert.state,
        transition=alert.transition + 1,
        changed_at=now,
        resolved_at=now if alert.state == "firing" else None,
        ended_by=end,
        false_since=None,
    )


def _lasted(since: float, now: float, seconds: float) -> bool:
    """Whether it is so long, in milliseconds as Prometheus counts: an evaluation at just that time
    must not miss it by a rounding of floats, or of a time that was stored."""
    return round((now - since - seconds) * 1000) >= 0


def _begun(rule: Rule, labels: Labels, last: Alert | None, active: Vector, now: float) -> Alert:
    fires = rule.for_s <= 0
    return Alert(
        fingerprint=fingerprint(rule.name, labels) if last is None else last.fingerprint,
        rule=rule.name,
        labels=labels,
        state="firing" if fires else "pending",
        transition=max(1, int(now)) if last is None else last.transition + 1,
        value=active[labels],
        active_at=now,
        changed_at=now,
        fired_at=now if fires else None,
        previous=None if last is None else last.state,
    )


def _fired(alert: Alert, value: float, now: float) -> Alert:
    return replace(
        alert,
        state="firing",
        previous=alert.state,
        transition=alert.transition + 1,
        value=value,
        changed_at=now,
        fired_at=now,
    )


def _over(
    alert: Alert, now: float, before: Vector | None, exists: Callable[[Labels], bool] | None
) -> Alert:
    gone = exists is not None and not exists(alert.labels)
    value = alert.value if before is None else before.get(alert.labels, alert.value)
    return replace(ended(alert, "series_gone" if gone else "condition_false", now), value=value)
