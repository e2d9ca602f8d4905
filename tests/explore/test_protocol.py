"""The same world under hypothesis: its rules read as the list of what may happen to a table."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.explore.outsiders import Outsiders
from tests.explore.rest import come_to_rest
from tests.explore.seeds import quiet
from tests.explore.steps import Step
from tests.explore.world import FAULTS, World

WORKERS = st.integers(0, 3)
PARTITIONS = st.integers(0, 3)
FEW = st.integers(1, 8)
MET = st.integers(0, len(FAULTS))
"""No fault, or where and how a worker is met."""


class Protocol(RuleBasedStateMachine):
    """Steps interleave as hypothesis likes; the audit looks at every commit."""

    @initialize(workers=st.integers(2, 4), partitions=st.integers(1, 3))
    def begin(self, workers: int, partitions: int) -> None:
        self._logging = structlog.get_config()
        quiet()
        self.world = World(workers, partitions)
        self.outsiders = Outsiders(self.world)

    def step(self, name: str, *numbers: int) -> None:
        self.world.run([Step(name, numbers)])

    @rule(worker=WORKERS, slots=FEW, fault=MET)
    def records_are_written_fetched_and_landed(self, worker: int, slots: int, fault: int) -> None:
        self.step("flow", worker, slots, fault, 0)

    @rule(worker=WORKERS, operations=st.integers(0, 8), fault=MET)
    def a_worker_goes_on(self, worker: int, operations: int, fault: int) -> None:
        self.step("go", worker, operations, fault, 0)

    @rule(partition=PARTITIONS, slots=FEW)
    def producers_write(self, partition: int, slots: int) -> None:
        self.step("append", partition, slots)

    @rule(worker=WORKERS, partition=PARTITIONS, most=FEW, held=st.booleans())
    def a_worker_fetches(self, worker: int, partition: int, most: int, held: bool) -> None:
        self.step("fetch", worker, partition, most, held)

    @rule(hearing=st.integers(1, 15))
    def the_group_rebalances(self, hearing: int) -> None:
        """Who does not hear of it goes on as a zombie."""
        self.step("rebalance", hearing)

    @rule(worker=WORKERS)
    def a_worker_is_killed(self, worker: int) -> None:
        self.step("kill", worker)

    @rule(which=st.integers(0, 7))
    def a_request_arrives_late(self, which: int) -> None:
        self.step("arrive", which)

    @rule(operation=st.integers(0, 2))
    def another_engine_commits(self, operation: int) -> None:
        self.step("foreign", operation)

    @rule()
    def our_maintenance_commits(self) -> None:
        self.step("maintain")

    @rule(retained=FEW)
    def another_engine_expires_snapshots(self, retained: int) -> None:
        self.step("expire", retained)

    @rule(back=st.integers(1, 4))
    def an_operator_rolls_back(self, back: int) -> None:
        self.step("roll_back", back)

    @rule(back=st.integers(1, 6))
    def the_catalog_is_restored_from_a_backup(self, back: int) -> None:
        self.step("restore", back)

    @rule(number=PARTITIONS, fault=MET)
    def an_operator_settles_what_stopped(self, number: int, fault: int) -> None:
        self.step("adopt", number, fault, 0)

    @rule(partition=PARTITIONS, slots=FEW)
    def retention_removes_records(self, partition: int, slots: int) -> None:
        self.step("trim", partition, slots)

    @rule(partition=PARTITIONS, slots=FEW, regrown=FEW)
    def the_broker_loses_its_tail(self, partition: int, slots: int, regrown: int) -> None:
        self.step("lose_tail", partition, slots, regrown)

    @rule(partition=PARTITIONS, longer=st.integers(-6, 6))
    def the_topic_is_made_anew(self, partition: int, longer: int) -> None:
        self.step("recreate", partition, longer)

    @rule()
    def the_topic_gets_a_partition(self) -> None:
        self.step("partition")

    @rule(offset=st.integers(0, 3))
    def offsets_of_the_group_are_reset(self, offset: int) -> None:
        self.step("rewind", offset)

    @rule(seconds=st.sampled_from([1, 3, 16, 61, 300, 3700, 90_000]))
    def time_passes(self, seconds: int) -> None:
        self.step("wait", seconds)

    @rule(worker=WORKERS, seconds=st.sampled_from([-3600, -40, 40, 3600]))
    def a_clock_is_set(self, worker: int, seconds: int) -> None:
        self.step("skew", worker, seconds)

    @invariant()
    def nothing_is_violated(self) -> None:
        if hasattr(self, "world"):
            assert not self.world.audit.violations

    def teardown(self) -> None:
        """When all faults are over, everything is consumed and announced, or rightly stopped."""
        if hasattr(self, "world"):
            if not self.world.audit.violations:
                come_to_rest(self.world, self.outsiders)
            structlog.configure(**self._logging)
            assert not self.world.audit.violations


TestProtocol: Callable[[], object] = Protocol.TestCase
Protocol.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
