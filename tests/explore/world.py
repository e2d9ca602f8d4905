"""Everything around the workers, and the steps that a schedule may take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import count

from services.stream_writer.partition_batch import PartitionKey
from shared.contracts.tables import TableCommitted
from tests.explore.invariants import Audit
from tests.explore.memory_table import MemoryTable
from tests.explore.process import Fault
from tests.explore.steps import Step
from tests.explore.topic_log import TOPIC, TopicLog
from tests.explore.virtual_loop import Clock
from tests.explore.worker import Worker

FAULTS = (
    ("send", "conflict"),
    ("send", "lost request"),
    ("send", "lost response"),
    ("send", "late"),
    ("send", "late, before the reload"),
    ("send", "late, after the reload"),
    ("send", "error"),
    ("send", "repeated"),
    ("send", "killed"),
    ("send", ""),
    ("answer", "killed"),
    ("answer", ""),
    ("stage", "error"),
    ("stage", "killed"),
    ("stage", ""),
    ("load", "error"),
    ("load", ""),
    ("publish", "error"),
    ("publish", "lost response"),
    ("publish", "killed"),
    ("publish", ""),
    ("publish state", "killed"),
    ("publish state", "error"),
    ("letters", "error"),
    ("letters", "killed"),
    ("bounds", "error"),
    ("bounds", ""),
    ("record", ""),
    ("flow", ""),
    ("look", "error"),
    ("sleep", ""),
)
"""Where a worker can be met, and by what; "" lets others act at that moment."""

MOST_PARTITIONS = 4


def fault(number: int, inner: int) -> Fault | None:
    """The fault of a step's numbers; 0 is none."""
    return Fault(*FAULTS[(number - 1) % len(FAULTS)], inner) if number else None


class World:
    """One table, its topic, its group and its workers."""

    def __init__(self, workers: int, partitions: int) -> None:
        self.clock = Clock(1_800_000_000.0)
        self.logs: dict[PartitionKey, TopicLog] = {}
        self.audit = Audit(self.logs)
        self.table = MemoryTable(self.audit)
        self.tables: list[TableCommitted] = []
        """The topic of the tables' last states."""
        self.stored: dict[PartitionKey, int] = {}
        """Offsets in the group."""
        self.reached: Counter[str] = Counter()
        self.steps: dict[str, Callable[..., None]] = {
            name.removeprefix("step_"): getattr(self, name) for name in _STEPS
        }
        self._serials = count(1)
        self._schedule: Iterator[Step] = iter(())
        self._generation = 0
        for _ in range(partitions):
            self.step_partition()
        self.workers = [Worker(self) for _ in range(workers)]
        self.everybody_joins()

    # -- running a schedule -------------------------------------------------------------------

    def run(self, steps: list[Step]) -> None:
        """All steps, as far as nothing is violated."""
        self._schedule = iter(steps)
        self.advance(len(steps))

    def advance(self, number: int) -> None:
        """The next steps of the schedule, perhaps in the middle of an earlier one."""
        for _ in range(number):
            step = next(self._schedule, None)
            if step is None or self.audit.violations:
                return
            self.reached[step.name] += 1
            self.steps[step.name](*step.args)

    def count(self, what: str) -> None:
        """Something worth knowing was reached."""
        self.reached[what] += 1

    # -- the topic ----------------------------------------------------------------------------

    def _key(self, number: int) -> PartitionKey:
        return TOPIC, number % len(self.logs)

    def step_append(self, partition: int, slots: int) -> None:
        """Producers write."""
        self.logs[self._key(partition)].append(slots, int(self.clock.now * 1000))

    def step_trim(self, partition: int, slots: int) -> None:
        """Retention removes the oldest records."""
        self.logs[self._key(partition)].trim(slots)

    def step_lose_tail(self, partition: int, slots: int, regrown: int) -> None:
        """The broker loses the newest records; others take their offsets."""
        self.logs[self._key(partition)].lose_tail(slots)
        self.step_append(partition, regrown)

    def step_recreate(self, partition: int, longer: int) -> None:
        """The topic is made anew; the log grows to about the length of the one before."""
        log = self.logs[self._key(partition)]
        length = log.bounds.end
        log.recreate()
        self.step_append(partition, max(0, length + longer))

    def step_partition(self) -> None:
        """The topic gets another partition; the group learns of it when it rebalances."""
        if len(self.logs) < MOST_PARTITIONS:
            key = (TOPIC, len(self.logs))
            self.logs[key] = TopicLog(key, self._serials)

    # -- the group ----------------------------------------------------------------------------

    def everybody_joins(self) -> None:
        """The group forms of all workers."""
        self.step_rebalance(2 ** len(self.workers) - 1)

    def step_rebalance(self, hearing: int) -> None:
        """Partitions are dealt to the workers of ``hearing``; the others go on as zombies."""
        self._generation += 1
        members = [w for n, w in enumerate(self.workers) if hearing >> n & 1]
        for index, worker in enumerate(members):
            keys = {key for n, key in enumerate(self.logs) if n % len(members) == index}
            worker.assign(keys, self._generation)

    def step_rewind(self, offset: int) -> None:
        """Offsets in the group are reset or lost: they decide nothing."""
        self.stored = dict.fromkeys(self.stored, offset) if offset else {}

    def store(self, offsets: Mapping[PartitionKey, int]) -> None:
        """A worker acknowledges."""
        self.audit.stored(offsets)
        self.stored.update(offsets)

    # -- workers ------------------------------------------------------------------------------

    def _worker(self, number: int) -> Worker:
        return self.workers[number % len(self.workers)]

    def step_fetch(self, number: int, partition: int, most: int, held: int) -> None:
        """A worker fetches; with ``held`` the batch is delivered before its next one."""
        worker = self._worker(number)
        worker.fetch(self._key(partition), most)
        if not held:
            worker.hand_over()

    def step_go(self, number: int, operations: int, met: int, inner: int) -> None:
        """A worker goes on, perhaps met by a fault."""
        worker = self._worker(number)
        worker.states.catch_up(self.tables)
        worker.go(operations, fault(met, inner))
        self._bury()

    def step_flow(self, number: int, slots: int, met: int, inner: int) -> None:
        """The usual: producers write a little everywhere, and a worker lands what it is given."""
        worker = self._worker(number)
        for key, log in self.logs.items():
            log.append(slots, int(self.clock.now * 1000))
            worker.fetch(key, 50)
        worker.hand_over()
        self.step_go(number, 0, met, inner)

    def step_kill(self, number: int) -> None:
        """A process ends; another takes its place and joins when the group forms anew."""
        self._worker(number).dead = True
        self._bury()

    def step_skew(self, number: int, seconds: int) -> None:
        """A machine's clock is set."""
        self._worker(number).skew_s += seconds

    def step_wait(self, seconds: int) -> None:
        """Time passes."""
        self.clock.now += seconds

    def _bury(self) -> None:
        for index, worker in enumerate(self.workers):
            if worker.dead and not worker.under_way:
                self.workers[index] = Worker(self)


_STEPS = tuple(name for name in vars(World) if name.startswith("step_"))
