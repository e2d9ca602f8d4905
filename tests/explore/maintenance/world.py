"""One table, who is at work on it, and the steps that a schedule may take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import count

import pyarrow as pa
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table
from pyiceberg.table.update import TableUpdate

from shared.lake.bootstrap import create_tables
from shared.lake.commit import Stale
from shared.lake.sweeping import SAFE_DELAY_S
from shared.lake.table_state import SnapshotEntry
from shared.runtime.errors import NotFound, Unavailable
from tests.explore.maintenance.account import Account, Intent
from tests.explore.maintenance.catalog import MemoryCatalog
from tests.explore.maintenance.listed_rows import Place, Reader
from tests.explore.maintenance.process import PLAIN, Fault, Process
from tests.explore.maintenance.stillness import Clock
from tests.explore.maintenance.store import Store
from tests.explore.process import Killed
from tests.explore.steps import Step
from tests.support.derived_lake import derived_table, rows_of
from tests.support.lake import LOG, rows

FAULTS = (
    ("send", ""),
    ("send", "conflict"),
    ("send", "lost request"),
    ("send", "lost response"),
    ("send", "late"),
    ("send", "late, before the reload"),
    ("send", "late, after the reload"),
    ("send", "error"),
    ("send", "killed"),
    ("answer", "error"),
    ("answer", "killed"),
    ("answer", ""),
    ("load", ""),
    ("load", "error"),
    ("load", "killed"),
    ("read", ""),
    ("read", "error"),
    ("read", "killed"),
    ("write", ""),
    ("write", "error"),
    ("write", "killed"),
    ("written", ""),
    ("written", "killed"),
    ("delete", ""),
    ("delete", "error"),
    ("delete", "killed"),
    ("deleted", ""),
    ("deleted", "killed"),
    ("sleep", ""),
)
"""Where a process can be met, and by what; "" lets others act at that moment."""
MIDDAY = 1_767_960_000.0
AMID_S = 300.0
"""Most that passes at once amid an action..."""
ACTION_S = 1200.0
"""... and in all of it. Files are named minutes after they were written: sweeps rely on it."""
_serials = count(1)
"""Of worlds: no path is of two, because what is read of a path is remembered."""


class World:
    """What there is around the processes.

    Args:
        kind: 0 for a landing table, else a derived one of so many months, 1 or 3.
    """

    def __init__(self, kind: int) -> None:
        self.clock = Clock(MIDDAY)
        self.reached: Counter[str] = Counter()
        self.derived, self.months = kind > 0, kind
        self.spec = derived_table() if self.derived else LOG
        self.identity = "id" if self.derived else "_offset"
        self._acting: list[Process | None] = [None]
        self._serials, self._builds, self._intents = count(), count(1), count(1)
        self._schedule: Iterator[Step] = iter(())
        self._steps: dict[str, Callable[..., None]] = {}
        self.store = Store(self, self.clock.time)
        self.catalog = MemoryCatalog(self, self.store, f"memory://lake-{next(_serials)}")
        self.audit = Account(self.catalog, Reader(self.store, self.identity), self.derived)
        create_tables(self.catalog, PLAIN, [self.spec])
        self._writers = [Process(self, f"writer {n}") for n in range(2)]
        self._maintainers = [Process(self, f"maintainer {n}") for n in range(2)]
        self.add_steps(self)

    # -- running a schedule -------------------------------------------------------------------

    def add_steps(self, owner: object) -> None:
        """Its methods ``step_…`` are steps."""
        for name in dir(owner):
            if name.startswith("step_"):
                self._steps[name.removeprefix("step_")] = getattr(owner, name)

    def run(self, steps: Sequence[Step]) -> None:
        """All steps, as far as nothing is violated."""
        self._schedule = iter(steps)
        self.advance(len(steps))

    def advance(self, number: int) -> None:
        """The next steps of the schedule, perhaps amid an action."""
        for _ in range(number):
            step = next(self._schedule, None)
            if step is None or self.audit.violations:
                return
            self.reached[step.name] += 1
            with self.outside():
                self._steps[step.name](*step.args)

    def act(self, process: Process, action: Callable[[], object], met: Sequence[int] = ()) -> None:
        """An action of a process that may end in any way that it says it may."""
        if process.busy:
            return
        faults = [
            Fault(*FAULTS[kind - 1], nth, inner)
            for kind, nth, inner in zip(met[::3], met[1::3], met[2::3], strict=True)
            if kind
        ]
        self._acting.append(process)
        try:
            process.act(action, faults)
        except Killed:
            self.reached["killed"] += 1
        except FileNotFoundError as error:
            quick = process.lasted_s < SAFE_DELAY_S
            self.audit.check(not quick, f"{process.name} misses {error} after {process.lasted_s}")
        except (Stale, Unavailable, NotFound, OSError) as error:
            self.reached[type(error).__name__] += 1
        except Exception as error:  # noqa: BLE001 - nothing else may come out of it
            if not self.audit.violations:
                self.audit.check(False, f"{process.name}: {type(error).__name__}: {error}")
        finally:
            self._acting.pop()
        for group in (self._writers, self._maintainers):
            for index, each in enumerate(group):
                if each.dead and not each.busy:
                    group[index] = Process(self, each.name)

    @property
    def acting(self) -> Process | None:
        """Who makes the present requests; ``None``: somebody whom no fault meets."""
        return self._acting[-1]

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Requests are not met by faults."""
        self._acting.append(None)
        try:
            yield
        finally:
            self._acting.pop()

    # -- as the store and the commit see it ---------------------------------------------------

    def point(self, kind: str) -> str | None:
        """A request to the store."""
        return None if self.acting is None else self.acting.point(kind)

    def written(self, path: str) -> None:
        """A file came."""

    def deleting(self, path: str) -> None:
        """A file goes."""
        self.audit.deleting(path)

    def sleep(self, seconds: float) -> None:
        """Whoever acts waits."""
        if self.acting is not None:
            self.acting.sleep(seconds)

    # -- what processes and others work with --------------------------------------------------

    def writer(self, number: int) -> Process:
        """One of those who change rows."""
        return self._writers[number % len(self._writers)]

    def maintainer(self, number: int) -> Process:
        """One of those who maintain."""
        return self._maintainers[number % len(self._maintainers)]

    @property
    def idle(self) -> bool:
        """Nobody is amid an action."""
        return not any(each.busy for each in (*self._writers, *self._maintainers))

    @property
    def table(self) -> Table:
        """The table as it is, for who is met by no fault."""
        return self.catalog.load_table(PLAIN.table(self.spec.name))

    def update(self, *updates: TableUpdate) -> bool:
        """A change that asks for no certain head; whether the catalog took it."""
        with self.outside():
            try:
                self.catalog.commit_table(self.table, (), updates)
            except CommitFailedException:
                return False
        return True

    def places(self, snapshot: SnapshotEntry) -> tuple[tuple[int, Place], ...]:
        """Every row of a snapshot, and where it stands."""
        return self.audit.reader.listed(snapshot.manifest_list, snapshot.snapshot_id).places

    def new_rows(self, number: int) -> list[int]:
        """Identities that no row ever had."""
        return [next(self._serials) for _ in range(number)]

    def next_build(self) -> int:
        """The number of a build."""
        return next(self._builds)

    def intend(self, intent: Intent, number: str = "") -> str:
        """The number under which a snapshot names what it is meant to do."""
        number = number or str(next(self._intents))
        self.audit.intents[number] = intent
        return number

    def rows(self, ids: Sequence[int]) -> pa.Table:
        """Rows of these identities."""
        if not self.derived:
            made = rows(LOG, 0, range(len(ids)))
            at = made.schema.get_field_index("_offset")
            field = made.schema.field(at)
            return made.set_column(at, field, pa.array(ids, field.type))
        made = rows_of(dict.fromkeys(ids, 0))
        if self.months > 1:
            return made
        at = made.schema.get_field_index("day")
        field = made.schema.field(at)
        return made.set_column(at, field, pa.array([date(2026, 1, 15)] * len(ids), field.type))

    # -- steps that nobody takes --------------------------------------------------------------

    def step_wait(self, seconds: int) -> None:
        """Time passes; amid an action no more than an action may last."""
        busy = [each for each in (*self._writers, *self._maintainers) if each.busy]
        if busy:
            left = ACTION_S - max(each.lasted_s for each in busy)
            self.clock.now += max(0.0, min(float(seconds), AMID_S, left))
        else:
            self.clock.now += seconds
        self.catalog.forget_late()

    def step_arrive(self, number: int) -> None:
        """A request that was on its way arrives."""
        self.catalog.arrive(number)

    def step_kill(self, number: int) -> None:
        """A process ends; another one takes its place and remembers nothing."""
        group = self._maintainers if number % 2 else self._writers
        index = number // 2 % len(group)
        group[index].dead = True
        if not group[index].busy:
            group[index] = Process(self, group[index].name)
