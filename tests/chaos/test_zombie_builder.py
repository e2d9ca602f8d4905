"""Builders that come back from the dead damage nothing that others have built meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.chaos import build_workers, derived_audit, derived_evidence
from tests.chaos.derived_history import DerivedHistory
from tests.chaos.faults import BUILDERS
from tests.chaos.rounds import chaos_platform
from tests.support.derived_platform import complete
from tests.support.platform import EmbeddedPlatform
from tests.support.writing_under_load import traffic

RATE = 100.0
ROUNDS = 3
WITHIN_S = 120.0
_POLL_S = 0.02


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[EmbeddedPlatform]:
    embedded = chaos_platform(tmp_path, {})
    try:
        embedded.start()
        yield embedded
    finally:
        embedded.close()


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {WITHIN_S:g} s: {what}"
        time.sleep(_POLL_S)


def begun(platform: EmbeddedPlatform, replica: int) -> bool:
    """Whether that transformer builds something now."""
    return bool(build_workers.building(platform, replica))


class Sleepers:
    """Processes that are stopped together, and go on together."""

    def __init__(self) -> None:
        self._asleep: list[psutil.Process] = []

    def stop(self, platform: EmbeddedPlatform, replica: int) -> tuple[list[str], list[str]]:
        """Stop a transformer's workers in the middle of what they build, then itself.

        Returns the tables that it built, and all that were its own.
        """
        told = build_workers.info(platform, replica)
        self._asleep = [
            psutil.Process(each["pid"])
            for each in told["pool"]["workers"]
            if psutil.pid_exists(each["pid"])
        ]
        self._asleep.append(psutil.Process(platform.process("transformer", replica).pid))
        for process in self._asleep:
            process.suspend()
        built = [each["builds"] for each in told["pool"]["workers"] if each["builds"]]
        return built, list(told["targets"])

    def go_on(self) -> None:
        """Continue whatever is still there: a supervisor may have ended some of it."""
        for process in self._asleep:
            if process.is_running():
                process.resume()
        self._asleep = []


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_a_zombie_builder_damages_nothing(platform: EmbeddedPlatform) -> None:
    """Stopped while it builds, with all its workers, until another one has built its tables;
    then it goes on with what it had computed, from a state of the table that is no more."""
    history = DerivedHistory(platform.settings)
    sleepers = Sleepers()
    interrupted = 0
    with traffic(platform, rate=RATE, seconds=60):
        for number in range(ROUNDS):
            replica = number % BUILDERS
            until(partial(begun, platform, replica), "a build begins")
            built, owned = sleepers.stop(platform, replica)
            try:
                interrupted += len(built)
                history.look()
                before = {name: history.states[name].last_sequence_number for name in owned}

                def taken_over(before: dict[str, int] = before) -> bool:
                    history.look()
                    return all(
                        history.states[name].last_sequence_number > sequence
                        for name, sequence in before.items()
                    )

                until(taken_over, f"another one builds {owned}")
            finally:
                sleepers.go_on()
    platform.wait_ready()
    complete(platform)

    evidence = derived_evidence.gather(platform.settings, history)

    assert interrupted > 0
    assert derived_audit.audit(evidence) == []
