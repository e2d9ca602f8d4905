"""Series as promtool's tests have them, replayed through store, evaluation and lifecycle."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deploy.prometheus.notation import Written
from shared.alerting.alert import Alert
from shared.alerting.evaluate import evaluate
from shared.alerting.lifecycle import advance
from shared.alerting.reach import signals, windows
from shared.alerting.rule import Rule
from shared.alerting.series import Labels, Vector, labels
from shared.alerting.store import SeriesStore

TICK_S = 30
Series = Mapping[str, Mapping[Labels, Sequence[Written]]]
"""Signal → label set → what it has every 30 seconds."""


@dataclass(frozen=True, slots=True)
class Minute:
    """What the condition yields at a minute, and the alerts: their label sets and states."""

    vector: Vector
    states: Mapping[Labels, str]


def parsed(series: Mapping[str, list[Written]]) -> Series:
    """``name{label="value"}`` → signal and label set."""
    found: dict[str, dict[Labels, Sequence[Written]]] = {}
    for written, values in series.items():
        name, _, rest = written.partition("{")
        pairs = dict(re.findall(r'(\w+)="([^"]*)"', rest))
        found.setdefault(name, {})[labels(**pairs)] = values
    return found


def replayed(rule: Rule, series: Series, minutes: int) -> list[Minute]:
    """Minute by minute, from 0; signals of which there is no series yet are empty."""
    names = signals(rule.condition)
    store = SeriesStore()
    store.retain(windows([rule.condition]))
    store.take(names, {}, -TICK_S)
    held: dict[Labels, Alert] = {}
    found: list[Minute] = []
    for tick in range(2 * minutes + 1):
        now = float(tick * TICK_S)
        for name in names:
            told = {
                each: values[tick]
                for each, values in series.get(name, {}).items()
                if tick < len(values) and values[tick] is not None
            }
            if told:
                vector = {each: value for each, value in told.items() if isinstance(value, float)}
                store.take([name], {name: vector}, now)
        if tick % 2:
            continue
        active = evaluate(rule.condition, store, now)
        assert active is not None
        advanced = advance(rule, held, active, now)
        held |= {alert.labels: alert for alert in [*advanced.changed, *advanced.touched]}
        states = {
            each: alert.state
            for each, alert in held.items()
            if alert.state in ("pending", "firing")
        }
        found.append(Minute(active, states))
    return found
