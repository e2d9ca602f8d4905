"""Every built-in rule, replayed here: it fires, shows and clears as promtool is told it does."""

from __future__ import annotations

import pytest

from deploy.prometheus.scenario import Firing, Quiet, samples
from deploy.prometheus.scenarios import SCENARIOS
from shared.alerting.reading import built_in, read
from shared.alerting.series import labels
from shared.runtime.metrics import SIGNALS
from tests.unit.alerting.replaying import parsed, replayed

RULES = read(built_in(), known=SIGNALS)
EACH = [scenario for group in SCENARIOS.values() for scenario in group]


@pytest.mark.parametrize(
    "scenario", [each for each in EACH if isinstance(each, Firing)], ids=lambda each: each.rule
)
def test_it_fires_and_clears(scenario: Firing) -> None:
    end = scenario.fires + 1 if scenario.clears is None else scenario.clears
    minutes = replayed(RULES[scenario.rule], parsed(samples(scenario)), end)
    of_series = labels(**scenario.labels)
    firing = [n for n, minute in enumerate(minutes) if "firing" in minute.states.values()]
    last = end if scenario.clears is None else end - 1
    assert firing == list(range(scenario.fires, last + 1))
    assert all(set(minute.states) <= {of_series} for minute in minutes)
    assert minutes[scenario.fires].vector[of_series] == pytest.approx(scenario.value)


@pytest.mark.parametrize(
    "scenario", [each for each in EACH if isinstance(each, Quiet)], ids=lambda each: each.why
)
def test_what_is_no_cause_raises_nothing(scenario: Quiet) -> None:
    minutes = replayed(RULES[scenario.rule], parsed(samples(scenario)), scenario.minutes)
    assert not any("firing" in minute.states.values() for minute in minutes)
