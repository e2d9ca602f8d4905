"""The broker is away for some seconds, ingest is killed meanwhile; ``make chaos`` has it at length.

``CHAOS_AWAY`` chooses how long, and so does
``make chaos ARGS="--broker-away 120"``, with 300 webhooks a second.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.bench.report import machine
from tests.chaos.broker_away.report import report
from tests.chaos.broker_away.scenario import INSTANCES, KILLS, Scenario

AWAY_S = float(os.environ.get("CHAOS_AWAY", "12"))
RATE = 40.0


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    directory = tmp_path_factory.mktemp("away")
    run = Scenario(directory, away_s=AWAY_S, rate=RATE, seed=1, while_replaying=False)()
    return report(run, away_s=AWAY_S, rate=RATE, seed=1, machine=machine(), kept=str(directory))


@pytest.mark.chaos
@pytest.mark.timeout(300 + 2 * AWAY_S)
def test_no_sender_notices_and_nothing_is_lost(made: Any) -> None:
    """The rules are those of ``audit.py`` and ``order_audit.py``; readiness, metrics and events
    have told of it."""
    assert made["verdict"] == "clean", json.dumps(made, indent=1)
    counts = made["counts"]
    assert counts["deliveries"] >= counts["accepted"] > RATE * AWAY_S / 2
    assert made["order_promised_for"] > 0


@pytest.mark.chaos
def test_everything_was_killed_that_had_to_be(made: Any) -> None:
    assert made["killed"]["broker"] == made["killed"]["stream_writer"] == 1
    for number in range(INSTANCES):
        name = f"ingest-{number}" if number else "ingest"
        assert made["killed"][name] == KILLS, made["killed"]
        assert made["told"][number]["records"] > 0
