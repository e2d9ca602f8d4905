"""When is it over? Every process is ready, and the tables hold what was in the logs by then."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from confluent_kafka import KafkaException
from pyiceberg.exceptions import RESTError
from requests.exceptions import RequestException

from deploy.demo.deriving import missing_from
from shared.runtime.log_bounds import LogBounds
from shared.tables.registry import TABLES, table_of_topic
from tests.chaos.derived_history import DerivedHistory
from tests.chaos.evidence import log_bounds
from tests.chaos.history import History
from tests.support.platform import EmbeddedPlatform

READY_WITHIN_S = 120.0
SETTLED_WITHIN_S = 120.0
DERIVED_WITHIN_S = 180.0
_POLL_S = 0.3
_LOOK_AT_ALL_S = 10.0
"""So often every table is looked at while some are waited for: histories are thinned."""

Places = Mapping[tuple[str, int], int]
"""(topic, partition) → offset."""


class Stalled(Exception):
    """The platform did not recover in time."""


class Recovery:
    """Conditions to wait for after faults, asked again and again; each is never forgotten."""

    def __init__(self, platform: EmbeddedPlatform, history: History) -> None:
        self._platform = platform
        self._history = history
        self._began = time.monotonic()
        self._asked = 0.0
        self._ends: Places | None = None
        self._missing = ""
        self._waited_for: frozenset[str] | None = None
        self._looked = 0.0
        self.ready_s: float | None = None
        """Seconds until every process was ready."""
        self.settled_s: float | None = None
        """Seconds until the tables held all that the logs held when everything was ready."""
        self.last = ""
        """What was ready last, and what it waited for."""

    def done(self) -> bool:
        """Whether both hold.

        Raises:
            Stalled: not in time; says what is missing.
        """
        waited = time.monotonic() - self._began
        if self.ready_s is None:
            if self._platform.is_ready:
                self.ready_s = waited
                return False
            self.last = unwell(self._platform) or self.last
            if waited > READY_WITHIN_S:
                raise Stalled(f"not ready after {waited:.0f} s: {self.last}")
            return False
        if time.monotonic() - self._asked > _POLL_S and self._caught_up():
            self.settled_s = time.monotonic() - self._began
            return True
        if waited > self.ready_s + SETTLED_WITHIN_S:
            raise Stalled(f"ready, but not settled after {waited:.0f} s: {self._missing}")
        return False

    def _caught_up(self) -> bool:
        try:
            if self._ends is None:
                self._ends = log_ends(self._platform)
            self._look()
        except (KafkaException, RequestException, RESTError, OSError) as error:
            self._missing = f"no answer: {error}"
            return False
        finally:
            self._asked = time.monotonic()
        heads = self._history.heads
        behind = {
            f"{topic}/{partition}": end - heads.get((topic, partition), 0)
            for (topic, partition), end in self._ends.items()
            if heads.get((topic, partition), 0) < end
        }
        self._missing = f"records not in their tables: {behind}"
        topics = {place.rpartition("/")[0] for place in behind}
        self._waited_for = frozenset(table_of_topic(topic).name for topic in topics)
        return not behind

    def _look(self) -> None:
        """At those that are behind, as loading tables is work; now and then, and first, at all."""
        now = time.monotonic()
        if self._waited_for is not None and now - self._looked < _LOOK_AT_ALL_S:
            self._history.look(self._waited_for)
        else:
            self._history.look()
            self._looked = now


class DerivedRecovery:
    """Whether every derived table holds what is in the logs now that nothing comes any more."""

    def __init__(self, platform: EmbeddedPlatform, history: DerivedHistory) -> None:
        self._history = history
        self._ends = {key: LogBounds(0, end) for key, end in log_ends(platform).items()}
        self._began = time.monotonic()
        self._asked = 0.0
        self._waited_for: frozenset[str] | None = None

    def done(self) -> bool:
        """Asked again and again.

        Raises:
            Stalled: not in time; says what is missing.
        """
        if time.monotonic() - self._asked < _POLL_S:
            return False
        self._history.look(self._waited_for)
        self._asked = time.monotonic()
        behind = {
            name: missing
            for name, state in self._history.states.items()
            if (missing := missing_from(TABLES[name], state, self._ends))
        }
        self._waited_for = frozenset(behind)
        if behind and self.seconds > DERIVED_WITHIN_S:
            raise Stalled(f"derived tables behind after {self.seconds:.0f} s: {behind}")
        return not behind

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began


def log_ends(platform: EmbeddedPlatform) -> Places:
    """Where the logs of all landing tables end now."""
    return {
        (each["topic"], each["partition"]): each["log_end"]
        for each in log_bounds(platform.settings).to_pylist()
    }


def unwell(platform: EmbeddedPlatform) -> str:
    """Which processes are not ready, and why."""
    return "; ".join(
        f"{each.name}: {each.condition} {each.reason}".strip()
        for each in platform.state.processes
        if not each.is_well
    )


def within(seconds: float, condition: Callable[[], bool], what: str) -> Callable[[], bool]:
    """The condition, which is an error when it does not hold in time."""
    deadline = time.monotonic() + seconds

    def asked() -> bool:
        if condition():
            return True
        if time.monotonic() > deadline:
            raise Stalled(f"not within {seconds:g} s: {what}")
        return False

    return asked
