"""A rule: when something is wrong, for how long before it is told, how bad, whose, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from shared.alerting.expression import Condition
from shared.contracts.alerts import Severity


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule was declared: file as shown to humans, line and column from 1."""

    file: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Times in seconds.

    Attributes:
        name: unique among all rules; label ``alertname``.
        group: what it is evaluated with.
        interval_s: how often it is evaluated when nothing happens; events evaluate it at once.
        condition: when an alert is active.
        for_s: an alert fires after it has been active for so long; 0: at once.
        keep_firing_for_s: a firing alert resolves only after the condition was false for so long.
        severity, team: labels, and what routing goes by.
        labels: further labels that the rule adds.
        summary, description: texts; ``{value}`` and ``{<label>}`` are filled in.
        runbook: ``<page>#<anchor>`` below deploy/runbook, or a URL.
        place: where it was declared.
    """

    name: str
    group: str
    interval_s: float
    condition: Condition
    for_s: float
    keep_firing_for_s: float
    severity: Severity
    team: str
    summary: str
    description: str
    runbook: str
    place: Place
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


Rules = Mapping[str, Rule]
"""Rules by name."""
