"""Every commit of a table is announced, in order, at least once, by whoever owns the table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import pytest_asyncio
from aiokafka.errors import KafkaTimeoutError

from shared.contracts.tables import TableCommitted
from shared.lake import outbox as module
from shared.lake.bootstrap import create_tables
from shared.lake.commit import commit
from shared.lake.outbox import Outbox
from shared.lake.table_state import TableState
from shared.runtime.settings import Settings
from shared.runtime.table_states import TableStates
from tests.support.lake import LOG, PLAIN, Batch, Lake

DEADLINE_S = 10.0


class Broker:
    """Where events are announced; may be away, or be asked to take its time."""

    def __init__(self) -> None:
        self.states = TableStates(Settings())
        self.states.reader.caught_up.set()
        self.announced: list[TableCommitted] = []
        self.failures = 0
        self.open = asyncio.Event()
        self.open.set()

    async def announce(self, event: TableCommitted) -> None:
        await self.open.wait()
        if self.failures:
            self.failures -= 1
            raise KafkaTimeoutError("injected")
        self.announced.append(event)
        self.keep(event)

    def keep(self, event: TableCommitted) -> None:
        """The event is the table's last state, for every worker."""
        key, value, _ = event.encode()
        self.states._on_record(SimpleNamespace(value=value, key=key, offset=0))

    @property
    def numbers(self) -> list[int]:
        return [event.sequence_number for event in self.announced]


class Worker:
    """One worker's outbox."""

    def __init__(self, lake: Lake, broker: Broker) -> None:
        self._lake = lake
        self.loads = 0
        self.load_failures: list[Exception] = []
        self.outbox = Outbox(LOG.name, broker.states, broker.announce, self._load)

    async def _load(self) -> TableState:
        self.loads += 1
        if self.load_failures:
            raise self.load_failures.pop()
        return self._lake.state


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.02)
    monkeypatch.setattr(module, "RETRY_S", 0.02)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path)


@pytest_asyncio.fixture
async def broker() -> Broker:
    return Broker()


@pytest_asyncio.fixture
async def worker(lake: Lake, broker: Broker) -> AsyncIterator[Worker]:
    found = Worker(lake, broker)
    yield found
    await found.outbox.release()


def land(lake: Lake, count: int = 1) -> TableState:
    handle = lake.handle()
    begin = len(lake.metadata.snapshots)
    for number in range(begin, begin + count):
        batch = Batch(handle, 10 * number, 10 * number + 10)
        commit(handle, batch.decide, commit_id=f"c{number}", writer="test")
    return lake.state


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110 - nothing signals it
            await asyncio.sleep(0.005)


async def flushed(outbox: Outbox) -> None:
    async with asyncio.timeout(DEADLINE_S):
        await outbox.flush()


@pytest.mark.asyncio
async def test_a_commit_is_announced(lake: Lake, broker: Broker, worker: Worker) -> None:
    worker.outbox.own()
    worker.outbox.committed(land(lake))
    await flushed(worker.outbox)
    (event,) = broker.announced
    assert event.table == "raw.log"
    assert event.snapshot_id == lake.head.snapshot_id
    assert event.commit_id == "c0"
    assert event.offsets == {"shop.events": {0: 10}}
    assert (event.added_rows, event.total_rows) == (10, 10)
    assert worker.outbox.announced == event.sequence_number
    assert worker.outbox.pending == 0


@pytest.mark.asyncio
async def test_what_was_left_unannounced_comes_first_in_order(
    lake: Lake, broker: Broker, worker: Worker
) -> None:
    land(lake, 5)
    worker.outbox.own()
    await until(lambda: broker.numbers == [1, 2, 3, 4, 5])


@pytest.mark.asyncio
async def test_what_is_known_to_be_announced_is_not_repeated(
    lake: Lake, broker: Broker, worker: Worker
) -> None:
    land(lake, 3)
    worker.outbox.own()
    await until(lambda: broker.numbers == [1, 2, 3])
    next_owner = Worker(lake, broker)
    next_owner.outbox.own()
    land(lake, 2)
    await until(lambda: 5 in broker.numbers)
    await next_owner.outbox.release()
    assert [number for number in broker.numbers if number <= 3] == [1, 2, 3]


@pytest.mark.asyncio
async def test_commits_of_others_are_found(lake: Lake, broker: Broker, worker: Worker) -> None:
    worker.outbox.own()
    land(lake, 2)
    lake.foreign_append()
    await until(lambda: broker.numbers == [1, 2, 3])
    assert [event.writer for event in broker.announced] == ["test", "test", None]


@pytest.mark.asyncio
async def test_while_the_broker_refuses_nothing_is_skipped(
    lake: Lake, broker: Broker, worker: Worker
) -> None:
    broker.failures = 3
    worker.outbox.own()
    worker.outbox.committed(land(lake, 3))
    await flushed(worker.outbox)
    assert broker.numbers == [1, 2, 3]
    assert broker.failures == 0


@pytest.mark.asyncio
async def test_while_the_catalog_is_away_it_goes_on_trying(
    lake: Lake, broker: Broker, worker: Worker
) -> None:
    land(lake, 2)
    worker.load_failures = [OSError("away"), RuntimeError("refused")]
    worker.outbox.own()
    await until(lambda: broker.numbers == [1, 2])


@pytest.mark.asyncio
async def test_nothing_is_announced_before_the_states_are_known(
    lake: Lake, broker: Broker, worker: Worker
) -> None:
    broker.states.reader.caught_up.clear()
    worker.outbox.own()
    worker.outbox.committed(land(lake, 2))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not broker.announced
    broker.states.reader.caught_up.set()
    await flushed(worker.outbox)
    assert broker.numbers == [1, 2]


@pytest.mark.asyncio
async def test_flushing_waits_for_what_is_on_its_way(
    lake: Lake, broker: Broker, worker: Worker
) -> None:
    broker.open.clear()
    worker.outbox.own()
    worker.outbox.committed(land(lake))
    await until(lambda: worker.outbox.pending == 1)
    waiting = asyncio.create_task(worker.outbox.flush())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not waiting.done()
    broker.open.set()
    async with asyncio.timeout(DEADLINE_S):
        await waiting
    assert broker.numbers == [1]


@pytest.mark.asyncio
async def test_who_does_not_own_the_table_announces_nothing(
    lake: Lake, broker: Broker, worker: Worker
) -> None:
    worker.outbox.committed(land(lake))
    await flushed(worker.outbox)
    assert not worker.outbox.owner
    assert not broker.announced


@pytest.mark.asyncio
async def test_a_released_table_is_taken_over_where_it_was_left(
    lake: Lake, broker: Broker, worker: Worker
) -> None:
    broker.open.clear()
    worker.outbox.own()
    worker.outbox.committed(land(lake, 2))
    await until(lambda: worker.outbox.pending == 2)
    await worker.outbox.release()
    assert not worker.outbox.owner
    assert worker.outbox.pending == 0
    broker.open.set()
    next_owner = Worker(lake, broker)
    next_owner.outbox.own()
    await until(lambda: broker.numbers == [1, 2])
    await next_owner.outbox.release()


@pytest.mark.asyncio
async def test_owning_again_begins_with_what_is_missing(
    lake: Lake, broker: Broker, worker: Worker
) -> None:
    worker.outbox.own()
    worker.outbox.committed(land(lake, 2))
    await flushed(worker.outbox)
    await worker.outbox.release()
    land(lake, 2)
    worker.outbox.own()
    await until(lambda: broker.numbers == [1, 2, 3, 4])


@pytest.mark.asyncio
async def test_after_a_rollback_the_next_commit_is_announced(
    lake: Lake, broker: Broker, worker: Worker
) -> None:
    worker.outbox.own()
    worker.outbox.committed(land(lake, 3))
    await flushed(worker.outbox)
    lake.roll_back(lake.metadata.snapshots[0].snapshot_id)
    worker.outbox.committed(lake.state)
    await flushed(worker.outbox)
    assert broker.numbers == [1, 2, 3]
    handle = lake.handle()
    commit(handle, Batch(handle, 10, 20).decide, commit_id="again", writer="test")
    await until(lambda: broker.numbers == [1, 2, 3, 4])


@pytest.mark.asyncio
async def test_a_table_made_anew_is_announced_from_its_first_commit(
    lake: Lake, broker: Broker, worker: Worker
) -> None:
    worker.outbox.own()
    worker.outbox.committed(land(lake, 5))
    await flushed(worker.outbox)
    lake.drop()
    create_tables(lake.others, PLAIN, [LOG])
    worker.outbox.committed(land(lake, 2))
    await flushed(worker.outbox)
    assert broker.numbers == [1, 2, 3, 4, 5, 1, 2]
    assert len({event.uuid for event in broker.announced}) == 2
    assert worker.outbox.announced == 2
