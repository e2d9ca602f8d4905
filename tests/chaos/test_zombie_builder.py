"""Builders that come back from the dead damage nothing that others have built meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.chaos import build_workers, derived_audit, derived_evidence
from tests.chaos.derived_history import DerivedHistory
from tests.chaos.faults import SESSION_S
from tests.chaos.rounds import traffic_to
from tests.support.derived_platform import complete
from tests.support.platform import EmbeddedPlatform

RATE = 25.0
WITHIN_S = 240.0
_POLL_S = 0.05


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[EmbeddedPlatform]:
    """Two transformers, and one of the others: it is builds that sleep."""
    embedded = EmbeddedPlatform(
        tmp_path,
        replicas={"transformer": 2, "alerter": 0},
        environment={
            "BERGLINE_STREAM_WRITER_MAX_AGE_S": "2",
            "BERGLINE_TRANSFORMER_SESSION_TIMEOUT_S": str(SESSION_S),
            "BERGLINE_TRANSFORMER_RECONCILE_S": "5",
            "BERGLINE_MAINTAINER_LOOK_S": "10",
            "BERGLINE_MAINTAINER_HOT_S": "0",
            "BERGLINE_MAINTAINER_LEAST_FILES": "3",
        },
    )
    try:
        embedded.start()
        yield embedded
    finally:
        embedded.close()


def until(condition: Callable[[], bool], what: str, poll_s: float = _POLL_S) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {WITHIN_S:g} s: {what}"
        time.sleep(poll_s)


def begun(platform: EmbeddedPlatform, replica: int) -> bool:
    """Whether that transformer builds something now."""
    return bool(build_workers.building(platform, replica))


class Sleepers:
    """Processes that are stopped together, and go on together."""

    def __init__(self) -> None:
        self._asleep: list[psutil.Process] = []

    def stop(self, platform: EmbeddedPlatform, replica: int) -> list[str]:
        """Stop a transformer's workers in the middle of what they build, then itself.

        Returns the tables that were its own.
        """
        told: dict[str, Any] = {}

        def answered() -> bool:
            told.update(build_workers.info(platform, replica))
            return bool(told)

        until(answered, "the transformer answers")
        self._asleep = [
            psutil.Process(each["pid"])
            for each in told["pool"]["workers"]
            if psutil.pid_exists(each["pid"])
        ]
        self._asleep.append(psutil.Process(platform.process("transformer", replica).pid))
        for process in self._asleep:
            process.suspend()
        return list(told["targets"])

    def go_on(self) -> None:
        """Continue whatever is still there: a supervisor may have ended some of it."""
        for process in self._asleep:
            if process.is_running():
                process.resume()
        self._asleep = []


def last_build(history: DerivedHistory, table: str) -> int:
    """Sequence number of the newest snapshot that changed rows: a maintainer moves them as well."""
    return max(
        (
            each.snapshot.sequence_number
            for each in history.builds
            if each.table == table and each.snapshot.summary["operation"] != "replace"
        ),
        default=0,
    )


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_a_zombie_builder_damages_nothing(platform: EmbeddedPlatform, tmp_path: Path) -> None:
    """Stopped while it builds, with all its workers, until another one has built its tables;
    then it goes on with what it had computed, from a state of the table that is no more."""
    history = DerivedHistory(platform.settings)
    traffic = traffic_to(platform, tmp_path / "ledger.csv", RATE, seed=1)
    traffic.start()
    try:
        another_takes_over(platform, 0, history)
    finally:
        traffic.stop()
    platform.wait_ready()
    complete(platform)

    evidence = derived_evidence.gather(platform.settings, history)

    assert derived_audit.audit(evidence) == []


def another_takes_over(platform: EmbeddedPlatform, replica: int, history: DerivedHistory) -> None:
    """Stop a transformer in the middle of builds until each of its tables was built without it."""
    sleepers = Sleepers()
    until(partial(begun, platform, replica), "a build begins")
    try:
        owned = sleepers.stop(platform, replica)
        history.look()
        before = {name: last_build(history, name) for name in owned}

        def taken_over() -> bool:
            history.look()
            return all(last_build(history, name) > sequence for name, sequence in before.items())

        until(taken_over, f"another one builds {owned}", 0.5)
    finally:
        sleepers.go_on()
