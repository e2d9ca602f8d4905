"""Killed at any step, an alerter loses no change, and no end of what it told to begin."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.topics import ALERT_STATES, ALERTS
from tests.components.alerter_steps import OUTCOMES
from tests.support.tied import tied

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(120)

Outcome = dict[str, Any]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    """What came of a kill at each step; the last one was not killed."""
    directory = tmp_path_factory.mktemp("killed")
    finished = subprocess.run(
        tied(sys.executable, "-m", "tests.components.alerter_steps", str(directory)),
        capture_output=True,
        cwd=ROOT,
        check=False,
        timeout=100,
    )
    assert finished.returncode == 0, finished.stderr.decode()
    found = [json.loads(line) for line in (directory / OUTCOMES).read_text().splitlines()]
    assert [each["ended"] for each in found] == [0] * len(found), finished.stderr.decode()
    return found


def told(outcome: Outcome) -> list[tuple[str, int, str]]:
    """What the receiver was told of alerts, one after the other."""
    return [tuple(alert) for each in outcome["desk"] for alert in each["alerts"]]


def test_every_step_was_one(outcomes: list[Outcome]) -> None:
    assert [each["killed"] for each in outcomes] == [True] * (len(outcomes) - 1) + [False]
    assert len(outcomes) > 50


def test_what_was_told_to_fire_is_told_to_be_over(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        firing: set[str] = set()
        for fingerprint, _, state in told(outcome):
            (firing.add if state == "firing" else firing.discard)(fingerprint)
        assert not firing, outcome["step"]


def test_only_what_was_under_way_is_told_twice_and_under_the_same_key(
    outcomes: list[Outcome],
) -> None:
    for outcome in outcomes:
        keys = [each["key"] for each in outcome["desk"]]
        assert len(keys) - len(set(keys)) <= 1, outcome["step"]
        by_key = {(each["key"], str(each["alerts"])) for each in outcome["desk"]}
        assert len(by_key) == len(set(keys)), outcome["step"]
    assert any(
        len({each["key"] for each in outcome["desk"]}) < len(outcome["desk"])
        for outcome in outcomes
    ), "some kill was between telling and recording"


def test_every_change_is_published_once_or_more_and_in_order(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        changes: dict[str, list[int]] = {}
        for each in outcome["broker"]:
            if each["topic"] == ALERTS:
                changes.setdefault(each["fingerprint"], []).append(each["transition"])
        for numbers in changes.values():
            firsts = list(dict.fromkeys(numbers))
            assert firsts == list(range(firsts[0], firsts[0] + len(firsts))), outcome["step"]
            assert len(numbers) - len(firsts) <= 1, outcome["step"]


def test_the_compacted_topic_ends_with_where_every_alert_stands(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        last: dict[str, tuple[int, str]] = {}
        for each in outcome["broker"]:
            if each["topic"] == ALERTS:
                last[each["fingerprint"]] = (each["transition"], each["state"])
        stands = {
            each["fingerprint"]: (each["transition"], each["state"])
            for each in outcome["broker"]
            if each["topic"] == ALERT_STATES
        }
        assert stands == last, outcome["step"]
        assert {state for _, state in stands.values()} <= {"resolved"}, outcome["step"]
