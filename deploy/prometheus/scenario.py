"""What happens to the series of a rule, and what its alert does: written once, tested by promtool.

Values are Prometheus' notation, one a minute from minute 0: ``0 1+0x5 0`` is a 0, six times 1, and
a 0; ``_`` is no sample, ``stale`` the end of a series.

Where a rule looks back, samples lie half a minute after the minute: a window that is closed on the
left (Prometheus 2) then holds the same samples as one that is open (Prometheus 3, and alerter).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from deploy.prometheus.notation import Written, expanded

_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Firing:
    """A cause and its cure.

    Attributes:
        rule: name of the rule.
        series: series → values.
        fires: the first minute at which the alert fires; the minute before, it does not.
        clears: the first minute at which it does not fire any more; ``None`` for a rule that never
            does.
        value: that the alert shows when it fires.
        last: that it shows in the minute before it clears.
        labels: of its series.
        looks_back: whether samples lie between minutes: the first at 30 s.
    """

    rule: str
    series: Mapping[str, str]
    fires: int
    clears: int | None
    value: float
    last: float | None = None
    labels: Mapping[str, str] = field(default_factory=lambda: _NONE)
    looks_back: bool = False


@dataclass(frozen=True, slots=True)
class Quiet:
    """Something that is no cause: nothing fires in the first ``minutes``."""

    rule: str
    why: str
    series: Mapping[str, str]
    minutes: int
    looks_back: bool = False


def samples(scenario: Firing | Quiet) -> Mapping[str, list[Written]]:
    """What each series has every 30 seconds, from minute 0."""
    return {
        series: [
            each
            for value in expanded(values)
            for each in ((None, value) if scenario.looks_back else (value, None))
        ]
        for series, values in scenario.series.items()
    }
